"""The picture's own clock decides, and picture and sound stand on one clock, the file's."""

import films
import numpy as np
import pytest
from films import RATE, numbered, numbers, pitch, steps

from keras_amid.data import media

pytestmark = pytest.mark.any_backend
SUFFIXES = ("mkv", "webm", "mp4", "mov", "ts", "flv")


def film(folder, suffix, seconds=4, sound=4, **options):
    pictures = None if seconds is None else numbered(25 * seconds)
    return films.write_film(folder / f"a.{suffix}", pictures, steps(sound), **options)


def assert_numbers(frames, expected):
    assert len(frames) == len(expected)
    assert np.abs(np.subtract(numbers(frames), expected)).max() <= 1  # lossy codecs


@pytest.mark.parametrize("suffix", [*SUFFIXES, "avi"])
@pytest.mark.parametrize("fps", [None, 25])
def test_sound_that_is_longer_than_the_picture(tmp_path, suffix, fps):
    path = film(tmp_path, suffix, 4, 4.6)
    clip = media.read_segments(path, fps=fps, sample_rate=RATE)
    assert_numbers(clip.frames, range(100))
    assert clip.notes == [] and clip.fps == pytest.approx(25)
    assert len(clip.audio) == pytest.approx(4.6 * RATE, abs=0.05 * RATE)
    assert len(media.read_segments(path).frames) == len(media.read_clip(path).frames) == 100
    assert media.probe(path).duration == pytest.approx(4, abs=0.05)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_sound_that_is_much_longer_than_the_picture(tmp_path, suffix):
    clip = media.read_segments(film(tmp_path, suffix, 2, 7), sample_rate=RATE)
    assert len(clip.frames) == 50
    assert len(clip.audio) == pytest.approx(7 * RATE, abs=0.05 * RATE)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_picture_that_is_longer_than_the_sound(tmp_path, suffix):
    path = film(tmp_path, suffix, 4, 2)
    clip = media.read_segments(path, sample_rate=RATE)
    assert len(clip.frames) == 100 and clip.notes == ["sound for 2.0 s of 4.0 s"]
    assert len(media.read_sound(path, RATE)) == pytest.approx(2 * RATE, abs=0.05 * RATE)


@pytest.mark.parametrize("suffix", ["mkv", "webm", "mp4", "mov", "avi"])
def test_a_last_picture_that_stands_still(tmp_path, suffix):
    path = film(tmp_path, suffix, 2, 4, last=2.0)
    clip = media.read_segments(path, sample_rate=RATE)
    assert_numbers(clip.frames, range(50))
    assert clip.notes == [] and len(media.read_clip(path).frames) == 50
    if suffix != "avi":  # its packets have no length
        still = media.read_segments(path, [(2.5, 3.5)], fps=5, sample_rate=RATE)
        assert_numbers(still.frames, [49] * 5)
        assert len(still.audio) == pytest.approx(RATE, abs=16) and still.notes == []
        assert_numbers(media.read_segments(path, [(2.5, 3.5)]).frames, [49])


def test_a_length_that_only_the_longest_stream_has(tmp_path):
    """Matroska without the tags that FFmpeg adds: only the file's length is told."""
    path = film(tmp_path, "mkv", 2, 5)
    path.write_bytes(path.read_bytes().replace(b"DURATION", b"NOTHINGS"))
    assert len(media.read_segments(path).frames) == 50
    assert media.read_segments(path, [(4.0, 5.0), (1.0, 2.0)][1:]).notes == []
    with pytest.raises(media.MediaError, match=r"no frames.*starts after the end \(2.0 s\)"):
        media.read_segments(path, [(4.0, 5.0)])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_picture_that_starts_after_the_sound(tmp_path, suffix):
    path = film(tmp_path, suffix, 4, 5, starts=(1.0, 0.0))
    clip = media.read_segments(path, [(1.0, 2.0), (3.0, 4.0)], sample_rate=RATE)
    assert_numbers(clip.frames, [*range(25), *range(50, 75)])
    assert len(clip.audio) == pytest.approx(2 * RATE, abs=0.03 * RATE) and clip.notes == []
    middle = np.split(clip.audio[: 2 * RATE - RATE // 25], [RATE])
    assert [round(pitch(part[400:-400]), -2) for part in middle] == [700, 1300]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_has_no_picture_yet_is_left_out_and_noted(tmp_path, suffix):
    path = film(tmp_path, suffix, 4, 5, starts=(1.0, 0.0))
    clip = media.read_segments(path, [(0.0, 2.0)], sample_rate=RATE)
    assert_numbers(clip.frames, range(25))
    assert clip.notes == ["segment at 0 s has a picture from 1.0 s on only"]
    assert len(clip.audio) == pytest.approx(RATE, abs=0.03 * RATE)
    assert pitch(clip.audio) == pytest.approx(700, abs=20)
    assert clip.spans[0] == pytest.approx((1.0, 2.0), abs=0.03)
    for whole in (media.read_segments(path, sample_rate=RATE), media.read_clip(path, 3, RATE)):
        assert_numbers(whole.frames, range(100))
        assert len(whole.audio) == pytest.approx(4 * RATE, abs=0.05 * RATE)
        assert pitch(whole.audio[: RATE - 800]) == pytest.approx(700, abs=20)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_sound_that_starts_after_the_picture(tmp_path, suffix):
    path = film(tmp_path, suffix, 4, 3, starts=(0.0, 1.0))
    for clip in (media.read_segments(path, sample_rate=RATE), media.read_clip(path, 3, RATE)):
        assert len(clip.frames) == 100
        assert len(clip.audio) == pytest.approx(4 * RATE, abs=0.05 * RATE)
        assert np.abs(clip.audio[: RATE - 800]).max() < 1e-3
        assert pitch(clip.audio[RATE + 800 : 2 * RATE - 800]) == pytest.approx(400, abs=20)
    clip = media.read_segments(path, [(2.0, 3.0)], sample_rate=RATE)
    assert pitch(clip.audio[800:-800]) == pytest.approx(700, abs=20)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("start", [7.0, 0.4])
def test_a_clock_that_does_not_begin_at_zero(tmp_path, suffix, start):
    path = film(tmp_path, suffix, 4, 4, starts=(start, start))
    clip = media.read_segments(path, [(1.0, 2.0), (3.0, 4.0)], sample_rate=RATE)
    assert_numbers(clip.frames, [*range(25, 50), *range(75, 100)])
    assert pitch(clip.audio[800 : RATE - 800]) == pytest.approx(700, abs=20)
    assert clip.notes == []
    assert len(media.read_segments(path).frames) == 100
    assert media.probe(path).duration == pytest.approx(4, abs=0.05)


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_an_edit_list_that_leaves_out_the_beginning(tmp_path, suffix):
    """Timestamps below zero: the muxer writes an edit list, players begin at zero."""
    path = film(tmp_path, suffix, 4, 4, starts=(-0.6, -0.6))
    clip = media.read_segments(path, sample_rate=RATE)
    assert_numbers(clip.frames, range(15, 100))
    assert len(clip.audio) == pytest.approx(3.4 * RATE, abs=0.05 * RATE) and clip.notes == []
    assert pitch(clip.audio[800 : round(0.4 * RATE) - 800]) == pytest.approx(400, abs=20)
    part = media.read_segments(path, [(0.4, 1.4)], sample_rate=RATE)
    assert_numbers(part.frames, range(25, 50))
    assert pitch(part.audio[800:-800]) == pytest.approx(700, abs=20)
    info = media.probe(path)
    assert info.frames == 85 and info.duration == pytest.approx(3.4, abs=0.05)


def test_an_edit_list_that_leaves_out_the_end(tmp_path):
    path = film(tmp_path, "mp4", 4, 4)
    content = bytearray(path.read_bytes())
    place = content.index(b"elst") + 12  # of the picture's first edit: its length in 1/1000 s
    assert int.from_bytes(content[place : place + 4], "big") == 4000
    content[place : place + 4] = (2000).to_bytes(4, "big")
    path.write_bytes(content)
    clip = media.read_segments(path, sample_rate=RATE)
    assert_numbers(clip.frames, range(50))
    assert media.probe(path).duration == pytest.approx(2, abs=0.05)
    short = media.read_segments(path, [(1.0, 3.0)], sample_rate=RATE)
    assert_numbers(short.frames, range(25, 50))
    assert short.notes == ["segment at 1 s runs past the end (2.0 s)"]


@pytest.mark.parametrize("suffix", [*SUFFIXES, "avi"])
@pytest.mark.parametrize("fps", [None, 10])
def test_a_segment_that_runs_past_the_end_is_kept_with_its_sound(tmp_path, suffix, fps):
    path = film(tmp_path, suffix, 4, 7)
    clip = media.read_segments(path, [(1.0, 2.0), (3.0, 6.0)], fps=fps, sample_rate=RATE)
    assert len(clip.frames) == pytest.approx(50 if fps is None else 20, abs=fps is not None)
    assert clip.notes == ["segment at 3 s runs past the end (4.0 s)"]
    assert len(clip.audio) == pytest.approx(2 * RATE, abs=0.03 * RATE)
    assert pitch(clip.audio[RATE + 800 :]) == pytest.approx(1300, abs=20)
    assert clip.spans[1] == pytest.approx((3.0, 4.0), abs=0.03)
    silent = media.read_segments(path, [(3.0, 6.0)], fps=fps)
    assert len(silent.frames) == len(clip.frames) // 2 + len(clip.frames) % 2
    assert silent.notes == clip.notes


def test_a_segment_that_ends_with_the_film_needs_no_note(tmp_path):
    path = film(tmp_path, "mkv", 4, 4.6)
    for end in (4.0, 4.05):
        clip = media.read_segments(path, [(3.0, end)], sample_rate=RATE)
        assert len(clip.frames) == 25 and clip.notes == []


def test_sound_with_a_gap_stays_in_step(tmp_path):
    path = films.write_film(tmp_path / "a.mkv", numbered(100), np.tile(steps(2), 2))
    with films.av.open(str(path)) as source, films.av.open(str(tmp_path / "b.mkv"), "w") as target:
        copies = [target.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux():
            if packet.size and not (packet.stream_index == 1 and 1.0 <= packet.pts / 1000 < 2.0):
                packet.stream = copies[packet.stream_index]
                target.mux(packet)
    clip = media.read_segments(tmp_path / "b.mkv", sample_rate=RATE)
    assert len(clip.audio) == pytest.approx(4 * RATE, abs=800)
    assert clip.notes == ["sound lacks 1.0 s in between", "sound for 3.0 s of 4.0 s"]
    assert not clip.audio[RATE + 800 : 2 * RATE - 800].any()
    assert pitch(clip.audio[3 * RATE + 800 : 4 * RATE - 800]) == pytest.approx(700, abs=20)
    notes = []
    assert len(media.read_sound(tmp_path / "b.mkv", RATE, notes=notes)) == len(clip.audio)
    assert notes == ["sound lacks 1.0 s in between"]
