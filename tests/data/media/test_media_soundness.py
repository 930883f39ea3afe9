"""One rule for all readers: what is broken, which streams count, what is a media file at all."""

import os
import socket

import av
import films
import numpy as np
import pytest
from films import RATE, add_picture, encode_pictures, numbered, numbers, steps

from keras_amid.data import media

pytestmark = pytest.mark.any_backend
READERS = {
    "read_segments": lambda path: media.read_segments(path),
    "read_segments with sound": lambda path: media.read_segments(path, sample_rate=RATE),
    "read_clip": lambda path: media.read_clip(path),
    "read_clip with sound": lambda path: media.read_clip(path, sample_rate=RATE),
    "read_sound": lambda path: media.read_sound(path, RATE),
    "probe": lambda path: media.probe(path),
}
SOUNDS = {
    "wav": "pcm_s16le",
    "w64": "pcm_s16le",
    "caf": "pcm_s16le",
    "aiff": "pcm_s16be",
    "au": "pcm_s16be",
    "flac": "flac",
    "mp3": "libmp3lame",
    "opus": "libopus",
    "m4a": "aac",
    "mka": "aac",
}


def cut(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: round(len(content) * share)])
    return path


def assert_all_refuse(path, reason, readers=READERS):
    for name in readers:
        with pytest.raises(media.MediaError, match=reason) as caught:
            READERS[name](path)
        assert caught.value.path == str(path)


@pytest.mark.parametrize(
    ("suffix", "muxer"),
    [
        *((suffix, None) for suffix in ("mkv", "webm", "avi", "ts", "flv")),
        *((suffix, {"movflags": "faststart"}) for suffix in ("mp4", "mov")),
        ("mp4", {"movflags": "frag_keyframe+empty_moov"}),
    ],
)
def test_half_a_film_is_refused_by_all(tmp_path, suffix, muxer):
    path = films.write_film(tmp_path / f"a.{suffix}", numbered(100), steps(4), muxer=muxer)
    for reader in READERS.values():
        reader(path)
    assert_all_refuse(cut(path, 0.501), "truncated")


@pytest.mark.parametrize("suffix", SOUNDS)
def test_half_a_sound_is_refused(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    muxer = {"movflags": "faststart"} if suffix == "m4a" else None
    films.write_film(path, None, steps(4), codecs=(None, SOUNDS[suffix]), muxer=muxer)
    assert len(media.read_sound(path, RATE)) == pytest.approx(4 * RATE, abs=0.03 * RATE)
    assert media.probe(path).duration == pytest.approx(4, abs=0.03)
    assert_all_refuse(cut(path, 0.501), "truncated", ("read_sound", "probe"))


@pytest.mark.parametrize(
    ("suffix", "note"),
    [
        ("mkv", "the last 0.3 s of 4.0 s are missing"),
        ("mov", "the last 0.3 s of 4.0 s are missing"),
    ],
)
def test_a_film_that_lacks_a_little_is_kept_with_a_note(tmp_path, suffix, note):
    muxer = {"movflags": "faststart"} if suffix == "mov" else None
    noise = np.random.default_rng(0).integers(0, 256, (100, 32, 48, 3), np.uint8)
    path = films.write_film(tmp_path / f"a.{suffix}", noise, steps(4), muxer=muxer)
    cut(path, 0.93)
    clip = media.read_segments(path, sample_rate=RATE)
    assert 90 < len(clip.frames) < 100 and note in clip.notes
    assert note in media.read_clip(path).notes
    notes = []
    media.read_sound(path, RATE, notes=notes)
    assert notes[0].endswith("s of 4.0 s are missing")


def test_a_sound_that_lacks_a_little_is_kept_with_a_note(tmp_path):
    media.write_sound(tmp_path / "a.wav", steps(4, RATE), RATE)
    cut(tmp_path / "a.wav", 0.95)
    notes = []
    assert len(media.read_sound(tmp_path / "a.wav", RATE, notes=notes)) == pytest.approx(
        3.8 * RATE, abs=50
    )
    assert notes == ["the last 5 % of the file are missing"]


def test_a_segment_before_the_cut_is_whole(tmp_path):
    path = cut(films.write_film(tmp_path / "a.mkv", numbered(200), steps(8)), 0.6)
    assert numbers(media.read_segments(path, [(1.0, 3.0)]).frames) == list(range(25, 75))
    for segment in ((4.0, 6.0), (6.0, 7.0)):
        with pytest.raises(media.MediaError, match="truncated"):
            media.read_segments(path, [segment])


def test_a_file_whose_second_half_is_zeros_is_refused(tmp_path):
    """As a download leaves it that sets the file's size first."""
    noise = np.random.default_rng(0).integers(0, 256, (100, 32, 48, 3), np.uint8)
    for suffix in ("mkv", "mp4", "avi"):
        muxer = {"movflags": "faststart"} if suffix == "mp4" else None
        path = films.write_film(tmp_path / f"a.{suffix}", noise, steps(4), muxer=muxer)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))
        assert_all_refuse(path, "truncated|broken", ("read_segments", "read_clip"))


def test_packets_that_cannot_be_decoded_are_too_many(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (40, 32, 48, 3), np.uint8)
    media.write_clip(tmp_path / "a.avi", noise, 10, steps(4, RATE), RATE, "mpeg4", "pcm_s16le")
    content = bytearray((tmp_path / "a.avi").read_bytes())
    place = 0
    for number in range(20):
        place = content.index(b"\x00\x00\x01\xb6", place + 1)
        if number % 2:
            content[place : place + 40] = b"\xff" * 40
    (tmp_path / "a.avi").write_bytes(content)
    picture = ("read_segments", "read_segments with sound", "read_clip")
    assert_all_refuse(tmp_path / "a.avi", r"broken \(10 of 40 packets", picture)
    assert len(media.read_sound(tmp_path / "a.avi", RATE)) == 4 * RATE


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
@pytest.mark.parametrize("sizes", [((64, 64), (96, 96)), ((64, 96), (96, 64))])
def test_a_picture_that_changes_its_size_is_refused_by_all(tmp_path, codec, sizes):
    parts = []
    for number, size in enumerate(sizes):
        path, sound = tmp_path / f"{number}.ts", steps(2)
        starts = (2.0 * number, 2.0 * number)
        films.write_film(path, numbered(50, size), sound, starts=starts, codecs=(codec, "mp2"))
        parts.append(path.read_bytes())
    (tmp_path / "a.ts").write_bytes(b"".join(parts))
    old, new = (f"{width}x{height}" for height, width in sizes)
    reason = f"the picture changes its size from {old} to {new}"
    assert_all_refuse(tmp_path / "a.ts", reason, [n for n in READERS if n != "read_sound"])
    assert len(media.read_sound(tmp_path / "a.ts", RATE)) == pytest.approx(4 * RATE, abs=2000)


def two_pictures(path, still, pictures, *, count=1, default=None, cover=False, sound=True):
    """A film with a track of `count` images before it."""
    with av.open(str(path), "w") as container:
        first = add_picture(container, still, (16, 16), 25)
        if cover:
            first.disposition = av.stream.Disposition.attached_pic
        second = None if pictures is None else add_picture(container, "mpeg4", (32, 48), 25)
        if default is not None:
            first.disposition = av.stream.Disposition.default if default == 0 else 0
            second.disposition = av.stream.Disposition.default if default == 1 else 0
        audio = container.add_stream("pcm_s16le", rate=RATE, layout="mono") if sound else None
        shown = np.full((count, 16, 16, 3), 99, np.uint8)
        packets = list(encode_pictures(first, shown, np.arange(count) / 25, 25))
        if second is not None:
            times = np.arange(len(pictures)) / 25
            packets += encode_pictures(second, pictures, times, 25)
        if audio is not None:
            tone = (steps(2, RATE) * 32767).astype(np.int16)[np.newaxis]
            frame = av.AudioFrame.from_ndarray(tone, "s16", "mono")
            frame.sample_rate, frame.pts = RATE, 0
            packets += audio.encode(frame) + audio.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


@pytest.mark.parametrize(
    ("suffix", "still"),
    [("mkv", "mjpeg"), ("mov", "mjpeg"), ("mov", "png"), ("avi", "mjpeg"), ("avi", "png")],
)
@pytest.mark.parametrize("default", [None, 0])
def test_a_still_before_the_film_is_no_film(tmp_path, suffix, still, default):
    path = two_pictures(tmp_path / f"a.{suffix}", still, numbered(50), default=default)
    for clip in (media.read_segments(path), media.read_clip(path), media.read_clip(path, 3, RATE)):
        assert clip.frames.shape == (50, 32, 48, 3)
    info = media.probe(path)
    assert (info.frames, info.height, info.width) == (50, 32, 48)


def test_a_cover_is_no_film(tmp_path):
    path = two_pictures(tmp_path / "a.mp4", "mjpeg", None, cover=True)
    assert_all_refuse(path, "no picture", ("read_segments", "read_clip"))
    info = media.probe(path)
    assert not info.has_video and info.has_sound and info.frames == 0
    assert len(media.read_sound(path, RATE)) == 2 * RATE
    path = two_pictures(tmp_path / "b.mp4", "mjpeg", numbered(50), cover=True)
    assert media.read_segments(path).frames.shape == (50, 32, 48, 3)


@pytest.mark.parametrize("suffix", ["mkv", "avi"])
def test_a_single_image_is_no_film(tmp_path, suffix):
    path = two_pictures(tmp_path / f"a.{suffix}", "mjpeg", None)
    assert_all_refuse(path, "no picture", ("read_segments", "read_clip"))
    silent = two_pictures(tmp_path / f"b.{suffix}", "mjpeg", None, sound=False)
    assert_all_refuse(silent, "no picture|no sound|neither picture nor sound")


def test_a_film_of_images_is_a_film(tmp_path):
    path = two_pictures(tmp_path / "a.mkv", "mjpeg", None, count=50)
    assert media.read_segments(path).frames.shape == (50, 16, 16, 3)
    assert media.probe(path).frames == 50


def test_of_two_films_the_one_that_ffmpeg_plays_counts(tmp_path):
    for default, shape in ((0, (16, 16)), (1, (32, 48))):
        path = tmp_path / f"{default}.mkv"
        two_pictures(path, "mpeg4", numbered(50), count=50, default=default)
        assert media.read_segments(path).frames.shape[1:3] == shape
        assert media.read_clip(path).frames.shape[1:3] == shape
        info = media.probe(path)
        assert (info.height, info.width) == shape


def test_of_two_sounds_the_default_one_counts(tmp_path):
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        streams = [container.add_stream("flac", rate=RATE, layout="mono") for _ in range(2)]
        streams[0].disposition = av.stream.Disposition.comment
        streams[1].disposition = av.stream.Disposition.default
        for stream, level in zip(streams, (8192, 16384), strict=True):
            frame = av.AudioFrame.from_ndarray(np.full((1, RATE), level, np.int16), "s16", "mono")
            frame.sample_rate, frame.pts = RATE, 0
            container.mux(stream.encode(frame) + stream.encode(None))
    np.testing.assert_allclose(media.read_sound(tmp_path / "a.mkv", RATE), 0.5, atol=1e-3)


@pytest.mark.parametrize(
    "name",
    [
        "12:30 talk.mkv",
        "http:talk.mkv",
        "pipe:0",
        "-",
        "talk%03d.mkv",
        "concat:a.mkv|b.mkv",
        "file:a.mkv",
        "data:talk.mkv",
        "caf\udce9.mkv",  # not UTF-8
    ],
)
def test_a_name_is_never_an_address(tmp_path, monkeypatch, name):
    films.write_film(tmp_path / "a.mkv", numbered(25), steps(1))
    monkeypatch.chdir(tmp_path)
    os.replace("a.mkv", name)
    for reader in READERS.values():
        reader(name)
    assert len(media.read_segments(name).frames) == 25


@pytest.mark.parametrize("name", ["http://127.0.0.1:9/a.mkv", "tcp://127.0.0.1:9", "none/a.mkv"])
def test_an_address_is_a_name_of_no_file(name):
    assert_all_refuse(name, "no such file")


def test_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo.mp4")
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "link.mp4").symlink_to("fifo.mp4")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.mp4"))
        for name, kind in (
            ("fifo", "FIFO"),
            ("folder", "folder"),
            ("link", "FIFO"),
            ("s", "socket"),
        ):
            assert_all_refuse(tmp_path / f"{name}.mp4", f"no regular file but a {kind}")
    assert_all_refuse("/dev/zero", "no regular file but a device")
    assert_all_refuse("a\0b.mp4", "broken")


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile 'a.mkv'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        "<?xml version='1.0'?><MPD></MPD>",
    ],
)
def test_lists_of_files_or_addresses_are_refused(tmp_path, text):
    films.write_film(tmp_path / "a.mkv", numbered(25), steps(1))
    (tmp_path / "list.mp4").write_text(text)
    assert_all_refuse(tmp_path / "list.mp4", "a list of files or addresses")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"segments": [(2.0, 1.0)]}, r"`segments` must be .*; received \[\(2.0, 1.0\)\]"),
        ({"segments": [(1.0, 3.0), (2.0, 4.0)]}, "`segments`.*rising and apart"),
        ({"segments": [(-1.0, 3.0)]}, "`segments`.*from 0 on"),
        ({"segments": [(0.0, float("nan"))]}, "`segments`"),
        ({"segments": [3.0]}, "`segments`"),
        ({"short_side": 0}, "`short_side` must be a positive integer; received 0"),
        ({"fps": -1}, "`fps` must be a positive number; received -1"),
        ({"fps": float("inf")}, "`fps`.*inf"),
        ({"crop": (0.5, 0.0, 0.5, 1.0)}, "`crop` must be .*fractions"),
        ({"crop": (0.0, 0.0, 1.0)}, "`crop`"),
        ({"sample_rate": 0}, "`sample_rate` must be a positive integer; received 0"),
        ({"sample_rate": 16000.0}, "`sample_rate`"),
        ({"limits": 3}, "`limits` must be a `Limits` or None; received 3"),
    ],
)
def test_wrong_arguments_are_a_value_error(tmp_path, arguments, message):
    films.write_film(tmp_path / "a.mkv", numbered(25), steps(1))
    with pytest.raises(ValueError, match=message):
        media.read_segments(tmp_path / "a.mkv", **arguments)


@pytest.mark.parametrize("suffix", ["mkv", "webm", "mp4", "mov", "avi", "ts", "flv", "wav", "mp3"])
def test_damaged_files_give_nothing_but_media_errors(tmp_path, suffix):
    path, damaged = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    codecs = (None, SOUNDS[suffix]) if suffix in SOUNDS else None
    pictures = None if suffix in SOUNDS else numbered(12)
    content = films.write_film(path, pictures, steps(0.5), codecs=codecs).read_bytes()
    rng = np.random.default_rng(0)
    readers = ["read_sound", "probe"] if pictures is None else list(READERS)
    for number in range(40):
        spoiled = bytearray(content)
        # Half of them in the header, where the sizes and rates are.
        span = 300 if number % 2 else len(spoiled)
        for place in rng.integers(0, min(span, len(spoiled)), 1 + number % 5):
            spoiled[place] = rng.integers(256)
        damaged.write_bytes(spoiled)
        for name in readers:
            try:
                READERS[name](damaged)
            except media.MediaError as error:
                assert str(damaged) in str(error)
