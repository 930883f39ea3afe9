"""What lacks of a film, be it less than a tenth, is noted; a still is not taken for it."""

import collections

import films
import numpy as np
import pytest
from films import RATE, numbered, steps

from keras_amid.data import media

pytestmark = pytest.mark.any_backend
NOISE = np.random.default_rng(0).integers(0, 256, (100, 32, 48, 3), np.uint8)


def without(path, start, end, target):
    """Copies a film but for the packets of its picture between two times, in seconds."""
    with films.av.open(str(path)) as source, films.av.open(str(target), "w") as container:
        copies = [container.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux():
            picture = packet.stream_index == 0
            if packet.size and not (picture and start <= packet.pts * packet.time_base < end):
                packet.stream = copies[packet.stream_index]
                container.mux(packet)
    return target


@pytest.mark.parametrize("suffix", ["mkv", "webm", "flv"])
def test_pictures_that_lack_in_between(tmp_path, suffix):
    codecs = ("mjpeg", "pcm_s16le") if suffix == "mkv" else None  # each packet for itself
    path = films.write_film(tmp_path / f"a.{suffix}", numbered(100), steps(4), codecs=codecs)
    path = without(path, 1.02, 1.5, tmp_path / f"b.{suffix}")
    note = "no new picture for 0.5 s in between"
    for fps in (None, 25):
        for segments in (None, [(0.5, 2.0)], [(0.5, 1.3), (1.4, 3.0)]):
            clip = media.read_segments(path, segments, fps=fps)
            noted = [text for text in clip.notes if text.startswith("no new picture")]
            assert noted and (segments or noted == [note])
        assert media.read_segments(path, [(2.0, 3.0)], fps=fps).notes == []
    assert note in media.read_clip(path).notes


def test_a_still_in_between_whose_length_the_file_tells(tmp_path):
    times = np.concatenate([np.arange(50) / 25, 2 + 2 + np.arange(50) / 25])
    path = films.write_film(tmp_path / "a.mp4", numbered(100), steps(6), times=times)
    assert media.read_segments(path).notes == media.read_clip(path).notes == []


@pytest.mark.parametrize(("lost", "starts"), [(100, 0), (300, 3), (3000, 700), (190, 188)])
def test_a_transport_stream_cut_within_a_packet(tmp_path, lost, starts):
    """Wherever its first packets are damaged or lack a part."""
    path = films.write_film(tmp_path / "a.ts", NOISE, steps(4))
    content = path.read_bytes()
    path.write_bytes(content[:200] + content[200 + starts : -lost])
    for read in (media.read_segments, media.read_clip, media.probe):
        with pytest.raises(media.MediaError, match="truncated"):
            read(path)
    path.write_bytes(content[:200] + content[200 + starts :])
    assert len(media.read_segments(path).frames) >= 90


def test_a_transport_stream_cut_between_packets(tmp_path):
    """Sound says how long a piece of it is; of a torn picture nobody knows how much follows."""
    path = films.write_film(tmp_path / "a.ts", NOISE, steps(4), codecs=("libx264", "mp2"))
    content, found = path.read_bytes(), collections.defaultdict(list)
    for end in range(len(content) // 2 // 188 * 188, len(content) // 2 + 30 * 188, 3 * 188):
        path.write_bytes(content[:end])
        stream = int.from_bytes(content[end - 187 : end - 185], "big") & 0x1FFF
        try:
            found[stream] += media.read_segments(path).notes
        except media.MediaError as error:
            found[stream].append(error.reason)
    assert len(found[256]) > 2 and set(found[256]) == {"pictures that lack a part"}
    assert len(found[257]) > 2 and all("truncated" in reason for reason in found[257])
    path.write_bytes(content)
    assert media.read_segments(path, [(0.5, 2.0)]).notes == media.read_clip(path).notes == []


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.99])
def test_a_program_stream_that_is_cut(tmp_path, share):
    codecs = ("mpeg2video", "mp2")
    path = films.write_film(tmp_path / "a.mpg", NOISE, steps(4), codecs=codecs)
    assert len(media.read_segments(path).frames) == 100
    path.write_bytes(path.read_bytes()[: round(share * path.stat().st_size) | 1])
    for read in (media.read_segments, media.read_clip, media.probe):
        with pytest.raises(media.MediaError, match="truncated"):
            read(path)


def test_a_flash_film_that_lacks_its_end(tmp_path):
    path = films.write_film(tmp_path / "a.flv", NOISE, steps(4))
    content = path.read_bytes().replace(b"duration", b"dur\0tion")
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(media.MediaError, match=r"truncated \(.* bytes of .* are there\)"):
        media.read_segments(path)
    path.write_bytes(content[: len(content) // 2].replace(b"filesize", b"filesiz\0"))
    with pytest.raises(media.MediaError, match="ends within a page, packet or box"):
        media.read_segments(path)
    path.write_bytes(content[:-900])
    assert media.read_segments(path, sample_rate=RATE).notes[0].endswith("of the file are missing")


def test_a_length_that_is_not_reached_is_noted(tmp_path):
    """A header that is wrong, or one that tells of more than there is."""
    path = films.write_film(tmp_path / "a.mkv", numbered(50), steps(2))
    path.write_bytes(path.read_bytes().replace(b"00:00:02.000", b"00:00:02.200"))
    for clip in (media.read_segments(path, sample_rate=RATE), media.read_clip(path)):
        assert clip.notes == ["the last 0.2 s of 2.2 s are missing"]
