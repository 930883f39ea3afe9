import pickle

import av
import numpy as np
import pytest

from keras_amid.data import media


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def tone(hertz, seconds=0.5, rate=16000):
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype("f4")


def loudest(audio, rate):
    return np.argmax(np.abs(np.fft.rfft(audio))) * rate / len(audio)


@pytest.mark.parametrize("channels", [1, 3])
def test_default_codecs_are_lossless(tmp_path, channels):
    frames = noise((5, 18, 34, channels))
    audio = np.random.default_rng(1).uniform(-1, 1, 4000).astype("float32")
    media.write_clip(tmp_path / "a.mkv", frames, 12.5, audio, 16000)
    clip = media.read_clip(tmp_path / "a.mkv", channels, sample_rate=16000)
    np.testing.assert_array_equal(clip.frames, frames)
    assert clip.frames.dtype == np.uint8 and clip.audio.dtype == np.float32
    assert clip.audio.shape == (4000,) and clip.sample_rate == 16000
    assert np.abs(clip.audio - audio).max() <= 1 / 32768
    assert clip.fps == pytest.approx(12.5, rel=1e-3)


def test_same_clip_gives_same_bytes(tmp_path):
    for name in ("a.mkv", "b.mkv"):
        media.write_clip(tmp_path / name, noise((3, 16, 16, 1)), 8, tone(440), 16000)
    for name in ("a.flac", "b.flac"):
        media.write_sound(tmp_path / name, tone(440), 16000)
    assert (tmp_path / "a.mkv").read_bytes() == (tmp_path / "b.mkv").read_bytes()
    assert (tmp_path / "a.flac").read_bytes() == (tmp_path / "b.flac").read_bytes()


@pytest.mark.parametrize(
    ("codec", "suffix", "options"),
    [("libx264", "mkv", {"crf": "1"}), ("libx264", "mp4", {"crf": "1"}), ("mpeg4", "avi", {})],
)
def test_gray_levels_survive_every_range_convention(tmp_path, codec, suffix, options):
    levels = np.array([0, 5, 16, 60, 128, 200, 235, 250, 255], np.uint8)
    frames = np.broadcast_to(levels[:, None, None, None], (9, 32, 32, 1))
    path = tmp_path / f"a.{suffix}"
    media.write_clip(path, frames, 10, video_codec=codec, options=options)
    read = media.read_clip(path, channels=1).frames
    assert np.abs(read.mean((1, 2, 3)) - levels).max() <= (1 if codec == "libx264" else 4)


@pytest.mark.parametrize(
    ("suffix", "video_codec", "audio_codec"),
    [("avi", "mpeg4", "libmp3lame"), ("mp4", "libx264", "aac"), ("mkv", "ffv1", "pcm_s16le")],
)
def test_common_containers(tmp_path, suffix, video_codec, audio_codec):
    path = tmp_path / f"a.{suffix}"
    colour = np.full((8, 32, 48, 3), (200, 60, 30), np.uint8)
    sound = tone(1000, rate=32000)
    media.write_clip(path, colour, 16, sound, 32000, video_codec, audio_codec)
    clip = media.read_clip(path, sample_rate=16000)
    assert clip.frames.shape == colour.shape
    assert np.abs(clip.frames.astype(int) - colour).max() <= 12
    assert abs(len(clip.audio) - 8000) < 1600  # lossy codecs pad to whole frames
    assert abs(loudest(clip.audio, 16000) - 1000) < 5
    assert clip.fps == pytest.approx(16)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_sound_is_resampled(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    media.write_sound(path, tone(700, rate=44100), 44100)
    audio = media.read_sound(path, 16000)
    assert audio.dtype == np.float32 and len(audio) == pytest.approx(8000, abs=32)
    assert abs(loudest(audio, 16000) - 700) < 3
    assert np.sqrt(np.mean(audio**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.02)


def test_stereo_is_mixed_to_mono(tmp_path):
    with av.open(str(tmp_path / "a.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="stereo")
        pcm = np.zeros((1, 2000), np.int16)
        pcm[0, ::2] = 16384  # left half scale, right silent
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="stereo")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    np.testing.assert_allclose(media.read_sound(tmp_path / "a.wav", 8000), 0.25, atol=1e-3)


def test_full_scale_does_not_wrap(tmp_path):
    media.write_sound(tmp_path / "a.wav", np.array([1.0, -1.0, 1.5, -1.5]), 8000)
    read = media.read_sound(tmp_path / "a.wav", 8000)
    np.testing.assert_allclose(read, [1, -1, 1, -1], atol=1e-4)


def test_silent_clip_is_fine_where_no_sound_is_asked_for(tmp_path):
    media.write_clip(tmp_path / "a.mkv", noise((2, 16, 16, 3)), 8)
    clip = media.read_clip(tmp_path / "a.mkv")
    assert clip.audio is None and clip.sample_rate is None
    with pytest.raises(media.MediaError, match="no sound"):
        media.read_clip(tmp_path / "a.mkv", sample_rate=16000)


def broken_files(folder):
    media.write_clip(folder / "good.mkv", noise((4, 64, 64, 1)), 8, tone(440), 16000)
    (folder / "zero.mkv").write_bytes(b"")
    (folder / "text.mkv").write_text("not a clip " * 100)
    (folder / "header.mkv").write_bytes((folder / "good.mkv").read_bytes()[:300])
    media.write_sound(folder / "sound.mkv", tone(440), 16000, "flac")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("zero.mkv", "zero bytes"),
        ("text.mkv", "broken"),
        ("header.mkv", "broken|no frames|no picture"),
        ("absent.mkv", "no such file"),
        ("sound.mkv", "no picture"),
    ],
)
def test_unusable_files_raise_media_error(tmp_path, name, reason):
    broken_files(tmp_path)
    with pytest.raises(media.MediaError, match=reason) as caught:
        media.read_clip(tmp_path / name, channels=1, sample_rate=16000)
    assert caught.value.path == str(tmp_path / name) and name in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)


@pytest.mark.parametrize("name", ["zero.mkv", "text.mkv", "absent.mkv"])
def test_unusable_sounds_raise_media_error(tmp_path, name):
    broken_files(tmp_path)
    with pytest.raises(media.MediaError):
        media.read_sound(tmp_path / name, 16000)


def test_failed_write_leaves_nothing(tmp_path):
    with pytest.raises(Exception, match="no_such_codec"):
        media.write_clip(tmp_path / "a.mkv", noise((2, 16, 16, 1)), 8, video_codec="no_such_codec")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frames": noise((2, 16, 16))}, "`frames`.*uint8.*(2, 16, 16)"),
        ({"frames": np.zeros((2, 16, 16, 1))}, "`frames`.*uint8.*float64"),
        ({"frames": noise((0, 16, 16, 1))}, "`frames` must not be empty"),
        ({"video_codec": "libx264"}, "`frames`.*even"),
        ({"audio": np.zeros((2, 9), "f4"), "sample_rate": 8000}, "`audio`.*floating"),
        ({"audio": np.zeros(9, "f4")}, "`sample_rate`.*None"),
    ],
)
def test_wrong_arguments_are_named(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(").replace(")", r"\)")):
        media.write_clip(
            **{"path": tmp_path / "a.mkv", "frames": noise((2, 15, 16, 1)), "fps": 8, **arguments}
        )
    assert not list(tmp_path.iterdir())


def test_wrong_reading_arguments_are_named(tmp_path):
    with pytest.raises(ValueError, match="`channels` must be 1 or 3; received 2"):
        media.read_clip(tmp_path / "a.mkv", channels=2)
    with pytest.raises(ValueError, match="`path` must end in"):
        media.write_sound(tmp_path / "a.xyz", tone(440), 16000)
