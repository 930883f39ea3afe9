import av
import numpy as np
import pytest

from keras_amid.data import media
from keras_amid.data.datasets.miniatures.content import cut_short, turn

pytestmark = pytest.mark.any_backend
RATE = 16000


def numbered(count, size=(32, 48), step=4):
    """Frames whose gray level is their number times `step`."""
    levels = (np.arange(count) * step % 256).astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (count, *size, 3))


def numbers(frames, step=4):
    return np.round(frames.mean((1, 2, 3)) / step).astype(int).tolist()


def tone(hertz, seconds, rate=RATE):
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype("f4")


def lossless(path, frames, fps=10, audio=None, **options):
    media.write_clip(path, frames, fps, audio, RATE, "ffv1", "pcm_s16le", **options)
    return path


def times_of(path):
    """The time of each frame when the file is decoded from its beginning."""
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=0)]


@pytest.fixture(scope="module", params=["avi", "mp4"])
def long_file(request, tmp_path_factory):
    """Six seconds of which each has its own tone, with few key frames: seeking matters."""
    path = tmp_path_factory.mktemp("media") / f"long.{request.param}"
    audio = np.concatenate([tone(500 + 200 * second, 1) for second in range(6)])
    if request.param == "avi":
        codecs, options = ("mpeg4", "pcm_s16le"), {"g": "50", "qmin": "1", "qmax": "1"}
    else:
        codecs, options = ("libx264", "flac"), {"g": "50", "crf": "1"}
    media.write_clip(path, numbered(60), 10, audio, RATE, *codecs, options)
    return path


def test_the_whole_file(long_file):
    clip = media.read_segments(long_file, sample_rate=RATE)
    assert numbers(clip.frames) == list(range(60)) and clip.fps == 10
    assert len(clip.audio) == 6 * RATE and clip.notes == []
    none = media.read_segments(long_file)
    assert none.audio is None and none.sample_rate is None


@pytest.mark.parametrize("start", [0.0, 1.5, 4.2])
def test_a_segment_without_an_end_goes_on_to_the_files(long_file, start):
    whole = media.read_segments(long_file, sample_rate=RATE)
    clip = media.read_segments(long_file, [(start, None)], sample_rate=RATE)
    assert numbers(clip.frames) == list(range(round(10 * start), 60)) and clip.notes == []
    np.testing.assert_allclose(clip.audio, whole.audio[round(start * RATE) :], atol=1e-4)


@pytest.mark.parametrize("segment", [(1.0, 2.5), (0.0, 0.3), (4.2, None), (5.5, 8.0)])
def test_segments_of_a_sound(long_file, segment):
    (start, end), notes = segment, []
    sound = media.read_sound(long_file, RATE, segment=segment, notes=notes)
    whole = media.read_sound(long_file, RATE)
    wanted = whole[round(start * RATE) : None if end is None else round(end * RATE)]
    np.testing.assert_allclose(sound, wanted, atol=1e-4)
    over = ["segment at 5.5 s runs past the end (6.0 s)"]
    assert notes == (over if end == 8.0 else [])


def test_segments_that_make_no_sense(long_file):
    with pytest.raises(media.MediaError, match="no sound from 7 s on"):
        media.read_sound(long_file, RATE, segment=(7.0, None))
    for wrong in [(1.0,), (2.0, 1.0), (-1.0, None), (None, 2.0), (0.0, float("nan")), 3]:
        with pytest.raises(ValueError, match="`segment` must be .start, end. in seconds"):
            media.read_sound(long_file, RATE, segment=wrong)
    for wrong in [[(0.0, None), (1.0, 2.0)], [(None, None)], [(1.0,)]]:
        with pytest.raises(ValueError, match="`segments` must be .start, end. in seconds"):
            media.read_segments(long_file, wrong)


@pytest.mark.parametrize("segments", [[(4.0, 5.0)], [(0.5, 1.5), (2.0, 2.5), (4.5, 5.0)]])
def test_segments_by_timestamps_with_their_sound(long_file, segments):
    clip = media.read_segments(long_file, segments, sample_rate=RATE)
    times = times_of(long_file)
    expected = [k for s, e in segments for k, time in enumerate(times) if s <= time < e]
    assert len(expected) in (10, 20) and numbers(clip.frames) == expected
    assert len(clip.audio) == round(sum(e - s for s, e in segments) * RATE)
    whole = media.read_sound(long_file, RATE)
    cut = np.concatenate([whole[round(s * RATE) : round(e * RATE)] for s, e in segments])
    np.testing.assert_array_equal(clip.audio, cut)


def test_sound_is_resampled_within_the_segment(long_file):
    clip = media.read_segments(long_file, [(3.0, 4.0)], sample_rate=32000)
    spectrum = np.abs(np.fft.rfft(clip.audio))
    assert len(clip.audio) == pytest.approx(32000, abs=64)
    assert np.argmax(spectrum) * 32000 / len(clip.audio) == pytest.approx(1100, abs=3)


def test_frame_rate_is_reduced_by_timestamps(tmp_path):
    path = lossless(tmp_path / "a.mkv", numbered(20), fps=10)
    assert numbers(media.read_segments(path, fps=5).frames) == list(range(0, 20, 2))
    assert numbers(media.read_segments(path, fps=4).frames) == [0, 2, 5, 7, 10, 12, 15, 17]
    assert numbers(media.read_segments(path, fps=20).frames) == [k // 2 for k in range(40)]
    at_offset = media.read_segments(path, [(0.55, 1.55)], fps=5)
    assert numbers(at_offset.frames) == [5, 7, 9, 11, 13] and at_offset.fps == 5


def test_variable_frame_rate(tmp_path):
    times = [*np.arange(10) / 20, *(0.5 + np.arange(10) / 5)]  # 20, then 5 frames a second
    media.write_clip(
        tmp_path / "a.mp4",
        numbered(20),
        10,
        None,
        None,
        "libx264",
        options={"crf": "1"},
        times=times,
    )
    assert media.probe(tmp_path / "a.mp4").variable_frame_rate
    clip = media.read_segments(tmp_path / "a.mp4")
    assert numbers(clip.frames) == list(range(20)) and clip.notes == ["variable frame rate"]
    assert clip.fps == pytest.approx(19 / 2.3, rel=1e-3)
    even = media.read_segments(tmp_path / "a.mp4", fps=10)
    assert numbers(even.frames)[:23] == [0, 2, 4, 6, 8, *np.repeat(range(10, 19), 2)]
    assert 0 < len(even.frames) - 23 <= 2  # how long the last one lasts, the file does not say
    part = media.read_segments(tmp_path / "a.mp4", [(1.0, 2.0)])
    assert numbers(part.frames) == [k for k in range(20) if 1.0 <= times[k] < 2.0]


def test_a_jump_of_the_clock_is_not_filled(tmp_path):
    times = [*np.arange(10) / 10, *(5000 + np.arange(10) / 10)]
    media.write_clip(tmp_path / "a.mkv", numbered(20), 10, times=times)
    frames = media.read_segments(tmp_path / "a.mkv", fps=10).frames
    found = numbers(frames)
    assert found[:9] == list(range(9)) and found[-10:] == list(range(10, 20))
    assert len(found) == pytest.approx(9 + 600 + 10, abs=1)


@pytest.mark.parametrize(
    ("size", "scaled"), [((240, 320), (128, 171)), ((320, 240), (171, 128)), ((96, 400), (96, 400))]
)
def test_short_side_is_scaled_down_and_never_up(tmp_path, size, scaled):
    y = np.linspace(0, 255, size[0]).astype(np.uint8)
    frames = np.broadcast_to(y[None, :, None, None], (3, *size, 3))
    clip = media.read_segments(lossless(tmp_path / "a.mkv", frames))
    assert clip.frames.shape == (3, *scaled, 3) and clip.frames.dtype == np.uint8
    areas = np.linspace(0, 255, size[0]).reshape(-1)
    expected = np.interp(
        (np.arange(scaled[0]) + 0.5) * size[0] / scaled[0] - 0.5, range(size[0]), areas
    )
    assert np.abs(clip.frames.mean((0, 2, 3)) - expected).max() < 3


def test_crop_is_of_the_picture_as_shown(tmp_path):
    frames = np.zeros((4, 60, 160, 3), np.uint8)
    frames[:, 15:45, :80] = (200, 0, 0)
    frames[:, 15:45, 80:] = (0, 0, 200)
    path = lossless(tmp_path / "a.mkv", frames)
    for across, colour in (((0.0, 0.5), (200, 0, 0)), ((0.5, 1.0), (0, 0, 200))):
        clip = media.read_segments(path, crop=(across[0], 0.25, across[1], 0.75), short_side=15)
        assert clip.frames.shape == (4, 15, 40, 3)
        np.testing.assert_allclose(clip.frames[:, 1:-1, 1:-1].mean((0, 1, 2)), colour, atol=2)
    assert media.read_segments(path, short_side=15).frames.shape == (4, 15, 40, 3)


def test_rotated(tmp_path):
    frames = np.zeros((5, 64, 96, 3), np.uint8)
    frames[:, :32, :48] = 240  # bright in the upper left corner
    path = tmp_path / "a.mp4"
    media.write_clip(path, frames, 10, video_codec="libx264")
    turn(path)
    info = media.probe(path)
    assert (info.height, info.width, info.rotation) == (96, 64, 270)
    clip = media.read_segments(path)
    assert clip.frames.shape == (5, 96, 64, 3) and clip.notes == ["rotated by 270 degrees"]
    # Turned clockwise, as the matrix (0 1 -1 0) says: bright in the upper right corner.
    quarters = clip.frames.reshape(5, 2, 48, 2, 32, 3).mean((0, 2, 4, 5))
    np.testing.assert_allclose(quarters, [[0, 240], [0, 0]], atol=8)


def test_odd_and_tiny_sizes(tmp_path):
    media.write_clip(tmp_path / "a.avi", numbered(8, (47, 61)), 10, video_codec="mpeg4")
    clip = media.read_segments(tmp_path / "a.avi")
    assert clip.frames.shape == (8, 47, 61, 3) and clip.notes == ["odd size (61x47)"]
    small = lossless(tmp_path / "b.mkv", numbered(8, (2, 4)))
    clip = media.read_segments(small)
    assert clip.frames.shape == (8, 2, 4, 3) and clip.notes == ["tiny size (4x2)"]


def test_one_frame(tmp_path):
    path = lossless(tmp_path / "a.mkv", numbered(1), audio=tone(440, 0.1))
    clip = media.read_segments(path, sample_rate=RATE)
    assert clip.frames.shape == (1, 32, 48, 3) and len(clip.audio) == 1600 and clip.fps == 10
    assert len(media.read_segments(path, fps=5).frames) == 1


@pytest.mark.parametrize(
    ("suffix", "codecs", "share"),
    [
        ("avi", ("mpeg4", "libmp3lame"), 0.6),
        ("mkv", ("libx264", "aac"), 0.6),
        ("mp4", ("libx264", "aac"), 0.9),
    ],
)
def test_truncated(tmp_path, suffix, codecs, share):
    path = tmp_path / f"a.{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (30, 48, 64, 3), np.uint8)
    media.write_clip(path, noise, 10, tone(440, 3), RATE, *codecs)
    assert len(media.read_segments(path, sample_rate=RATE).frames) == 30
    cut_short(path, share)
    with pytest.raises(media.MediaError, match="truncated|broken") as caught:
        media.read_segments(path, sample_rate=RATE)
    assert caught.value.path == str(path)


@pytest.mark.parametrize(
    ("mark", "garbage", "frames"), [(b"\x00\x00\x01\xb6", b"\xff", 39), (b"01wb", b"\x00", 40)]
)
def test_damage_in_the_middle_is_noted(tmp_path, mark, garbage, frames):
    path = tmp_path / "a.avi"
    noise = np.random.default_rng(0).integers(0, 256, (40, 32, 48, 3), np.uint8)
    media.write_clip(path, noise, 10, tone(440, 4), RATE, "mpeg4", "libmp3lame")
    content = bytearray(path.read_bytes())
    place = content.index(mark, len(content) // 2)
    place += 8 if mark == b"01wb" else 0  # past the size of the chunk
    content[place : place + 40] = garbage * 40
    path.write_bytes(content)
    clip = media.read_segments(path, sample_rate=RATE)
    assert len(clip.frames) == frames and len(clip.audio) == pytest.approx(4 * RATE, abs=4000)
    assert clip.notes == ["packets that could not be decoded"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("zero.mkv", "zero bytes"), ("text.mkv", "broken"), ("no.mkv", "no such file")],
)
def test_unusable_files(tmp_path, name, reason):
    (tmp_path / "zero.mkv").write_bytes(b"")
    (tmp_path / "text.mkv").write_text("not a film " * 99)
    for read in (media.read_segments, media.probe):
        with pytest.raises(media.MediaError, match=reason):
            read(tmp_path / name)


def test_sound_and_picture_are_asked_for_by_name(tmp_path):
    silent = lossless(tmp_path / "silent.mkv", numbered(5))
    assert len(media.read_segments(silent).frames) == 5
    with pytest.raises(media.MediaError, match="no sound"):
        media.read_segments(silent, sample_rate=RATE)
    media.write_sound(tmp_path / "a.wav", tone(440, 1), RATE)
    with pytest.raises(media.MediaError, match="no picture"):
        media.read_segments(tmp_path / "a.wav")
    still = lossless(tmp_path / "still.mkv", numbered(10), audio=np.zeros(RATE, "f4"))
    assert media.read_segments(still, sample_rate=RATE).notes == ["silent (every sample is zero)"]
    short = lossless(tmp_path / "short.mkv", numbered(20), audio=tone(440, 0.5))
    assert media.read_segments(short, sample_rate=RATE).notes == ["sound for 0.5 s of 1.9 s"]
    with pytest.raises(media.MediaError, match="no sound at the time"):
        media.read_segments(short, [(1.0, 2.0)], sample_rate=RATE)


def test_segments_beyond_the_end(tmp_path):
    path = lossless(tmp_path / "a.mkv", numbered(20), audio=tone(440, 2))
    clip = media.read_segments(path, [(1.5, 9.0), (30.0, 40.0)])
    assert numbers(clip.frames) == [15, 16, 17, 18, 19]
    assert clip.notes == [
        "segment at 1.5 s runs past the end (2.0 s)",
        "segment at 30 s starts after the end (2.0 s)",
    ]
    with pytest.raises(media.MediaError, match="no frames.*after the end"):
        media.read_segments(path, [(30.0, 40.0)])


def test_sound_that_starts_late_stays_in_step(tmp_path):
    path = tmp_path / "late.mkv"
    with av.open(str(path), "w") as container:
        video = container.add_stream("ffv1", rate=10)
        video.width, video.height, video.pix_fmt = 48, 32, "bgr0"
        audio = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for number in range(20):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 48, 3), np.uint8))
            frame.pts = number
            container.mux(video.encode(frame))
        sound = av.AudioFrame.from_ndarray(np.full((1, RATE), 8192, np.int16), "s16", "mono")
        sound.sample_rate, sound.pts = RATE, RATE // 2
        container.mux(audio.encode(sound))
        container.mux(video.encode(None) + audio.encode(None))
    clip = media.read_segments(path, sample_rate=RATE)
    assert len(clip.audio) == 1.5 * RATE
    assert not clip.audio[: RATE // 2].any()
    np.testing.assert_allclose(clip.audio[RATE // 2 :], 0.25, atol=1e-3)
    clip = media.read_segments(path, [(0.4, 0.9)], sample_rate=RATE)
    assert np.flatnonzero(clip.audio)[0] == pytest.approx(0.1 * RATE, abs=1)
    assert len(clip.audio) == pytest.approx(0.5 * RATE, abs=1)


def test_probe(long_file, tmp_path):
    info = media.probe(long_file)
    assert (info.frames, info.fps, info.height, info.width) == (60, 10, 32, 48)
    assert info.duration == pytest.approx(6, abs=0.2)
    assert (info.has_video, info.has_sound, info.sample_rate) == (True, True, RATE)
    assert (info.rotation, info.variable_frame_rate) == (0, False)
    media.write_sound(tmp_path / "a.wav", tone(440, 1.5, 22050), 22050)
    info = media.probe(tmp_path / "a.wav")
    assert (info.has_video, info.has_sound, info.sample_rate) == (False, True, 22050)
    assert info.duration == pytest.approx(1.5) and info.frames == 0 and info.height is None


def test_wrong_times_are_named(tmp_path):
    for times in ([0.0, 0.1], [0.0, 0.2, 0.1]):
        with pytest.raises(ValueError, match="`times` must be 3 rising seconds"):
            media.write_clip(tmp_path / "a.mp4", numbered(3), 10, times=times)
