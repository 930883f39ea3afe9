"""Limits: stated, set by an argument or a context, compared before anything is decoded."""

import resource
import struct
import subprocess
import sys
import threading
import time

import films
import numpy as np
import pytest
from films import RATE, numbered, steps

from keras_amid import data
from keras_amid.data import media
from keras_amid.data.media.limits import current_limits, within

pytestmark = pytest.mark.any_backend


def spoiled_wav(path, place, form, value, seconds=2):
    media.write_sound(path, steps(seconds, RATE), RATE)
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, place, value)
    path.write_bytes(content)
    return path


def huge_film(path):
    """A film of small pictures whose header, and whose JPEGs' headers, say 16000 x 16000."""
    films.write_film(path, numbered(4), codecs=("mjpeg", None))
    content = bytearray(path.read_bytes())
    small, large = struct.pack(">HH", 32, 48), struct.pack(">HH", 16000, 16000)
    place = content.index(b"jpeg", content.index(b"stsd")) + 28
    assert content[place : place + 4] == struct.pack(">HH", 48, 32)
    content[place : place + 4] = large
    content = content.replace(b"\xff\xc0\x00\x11\x08" + small, b"\xff\xc0\x00\x11\x08" + large)
    path.write_bytes(content)
    return path


def test_too_many_pixels_are_refused_before_decoding(tmp_path):
    path = huge_film(tmp_path / "a.mov")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    for read in (media.read_segments, media.read_clip, media.probe):
        with pytest.raises(media.MediaError, match="256,000,000 pixels.*16000x16000.*`pixels`"):
            read(path)
    assert time.monotonic() - started < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


def test_too_many_pixels_in_the_middle_are_refused(tmp_path):
    parts = []
    for number, size in enumerate(((64, 64), (640, 640))):
        path = tmp_path / f"{number}.ts"
        films.write_film(path, numbered(50, size), starts=(2.0 * number, 0.0))
        parts.append(path.read_bytes())
    (tmp_path / "a.ts").write_bytes(b"".join(parts))
    for read in (media.read_segments, media.read_clip, media.probe):
        with pytest.raises(media.MediaError, match="cannot be decoded|changes its size"):
            read(tmp_path / "a.ts", limits=media.Limits(pixels=64 * 64))


@pytest.mark.parametrize(
    ("rate", "reason"),
    [
        (1, "fewer than 1000"),
        (128, "fewer than 1000"),
        (8000, "but 32000 bytes in its header"),
        (32384, "but 32000 bytes in its header"),
        (2**24 + RATE, "more than 768,000"),
        (2**31 - 1, "more than 768,000"),
        (2**32 - 1, "broken"),
        (0, "broken"),
    ],
)
def test_a_damaged_sample_rate_is_refused_at_once(tmp_path, rate, reason):
    path = spoiled_wav(tmp_path / "a.wav", 24, "<I", rate)
    started = time.monotonic()
    for read in (lambda path: media.read_sound(path, RATE), media.probe):
        with pytest.raises(media.MediaError, match=reason):
            read(path)
    assert time.monotonic() - started < 2


def test_a_length_beyond_the_limit_is_refused(tmp_path):
    path = films.write_film(tmp_path / "a.mkv", numbered(50), steps(2))
    content = bytearray(path.read_bytes())
    place = content.index(b"\x44\x89\x88") + 3  # Matroska's Duration
    struct.pack_into(">d", content, place, 1e12)
    path.write_bytes(content)
    for read in (media.read_segments, media.read_clip, media.probe):
        with pytest.raises(media.MediaError, match="1,000,000,000 s long.*86,400.*`duration`"):
            read(path)


def test_every_limit_can_be_set(tmp_path):
    path = films.write_film(tmp_path / "a.mkv", numbered(50), steps(2))
    cases = {
        "pixels": (32 * 48 - 1, "1,536 pixels in a picture of 48x32"),
        "duration": (1.5, "2 s long, more than 1.5"),
        "sample_rate": (47999, "48,000 samples a second, more than 47,999"),
        "lowest_sample_rate": (48001, "48000 samples a second, fewer than 48001"),
        "memory": (50 * 32 * 48 * 3 - 1, "bytes of decoded pictures and sound"),
        "seconds": (1e-6, "not read within 1e-06 s"),
    }
    for name, (value, reason) in cases.items():
        limits = media.Limits(**{name: value})
        for read in (media.read_segments, media.read_clip):
            with pytest.raises(media.MediaError, match=f"{reason}.*`{name}` of the limits"):
                read(path, sample_rate=RATE, limits=limits)
    at_the_limit = media.Limits(pixels=32 * 48, sample_rate=48000, lowest_sample_rate=48000)
    assert len(media.read_clip(path, sample_rate=RATE, limits=at_the_limit).frames) == 50


def test_frames_that_are_shown_again_take_memory_too(tmp_path):
    path = films.write_film(tmp_path / "a.mkv", numbered(50))
    with pytest.raises(media.MediaError, match="`memory`"):
        media.read_segments(path, fps=1e6, limits=media.Limits(memory=10**7))


def test_limits_of_a_context(tmp_path):
    path = films.write_film(tmp_path / "a.mkv", numbered(50), steps(2))
    with data.limit(pixels=100), data.limit(seconds=50) as limits:
        assert (limits.pixels, limits.seconds) == (100, 50)
        assert limits == current_limits()
        with pytest.raises(media.MediaError, match="more than 100 "):
            media.probe(path)
        assert media.probe(path, limits=data.Limits()).frames == 50
    assert current_limits() == data.Limits() and media.probe(path).frames == 50


def test_limits_reach_threads(tmp_path):
    path = films.write_film(tmp_path / "a.mkv", numbered(50))
    with data.limit(pixels=100) as limits:
        pass
    found = []

    def read():
        with pytest.raises(media.MediaError, match="more than 100 ") as caught:
            within(limits, media.read_clip, path)
        found.append(caught.value)

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert len(found) == 1


def test_wrong_limits_are_named():
    for value in (0, -1, float("inf"), float("nan"), "8", True):
        with pytest.raises(ValueError, match="`pixels` must be a positive number; received"):
            media.Limits(pixels=value)
    with pytest.raises(ValueError, match="names among .*'pixels'.*; received 'picels'"):
        with media.limit(picels=3):
            pass


def test_memory_stays_bounded_whatever_the_rate_says(tmp_path):
    """In a process of its own, for memory that once was taken is not given back."""
    path = tmp_path / "a.wav"
    samples = np.random.default_rng(0).integers(-9999, 9999, 500_000).astype("<i2")
    content = samples.tobytes()
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(content), b"WAVE", b"fmt ", 16, 1, 1,
                       10, 20, 2, 16)  # fmt: skip
    path.write_bytes(head + struct.pack("<4sI", b"data", len(content)) + content)
    script = (
        "import resource, sys\n"
        "from keras_amid.data import media\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n    media.read_sound(sys.argv[1], 16000)\n"
        "except media.MediaError as error:\n    print(error.reason)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    command = [sys.executable, "-c", script, str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    reason, grown = run.stdout.splitlines()
    assert "fewer than 1000" in reason and int(grown) < 50
