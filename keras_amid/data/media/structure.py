"""How many bytes a media file says that it has: a file cut short lacks some of them.

FFmpeg reads such a file to its end without a word, and for some formats takes its length from the
bytes that are there. Their outermost structure says how many there should be; it is read by hand
here, for no library tells (MediaInfo's would be one more native dependency).
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Callable
from typing import BinaryIO

_STREAMED = 0x7FFF0000  # sizes from here on are what programs write that cannot know it yet
_PACKETS, _MARKS = 512, 10  # at the end of a transport stream; of which most must be in place
_PACK, _PACKS = b"\0\0\1\xba", 2**18  # of a program stream: its mark; bytes that hold one or more
_PAGE = 65307  # bytes of the longest page of an Ogg file
_SEGMENT = b"\x18\x53\x80\x67"  # EBML's identifier of Matroska's one big element


def announced_size(path: str | os.PathLike) -> float | None:
    """Returns the number of bytes that a file says it has.

    Args:
        path: A regular file.

    Returns:
        Bytes; infinity where some lack and nobody can say how many; None where the format does not
        say it (FLAC), or the writer did not know it (live recordings).
    """
    with open(path, "rb") as file:
        head = file.read(12)
        size = os.fstat(file.fileno()).st_size
        for mark, place, reader in _READERS:
            if head[place : place + len(mark)] == mark:
                return reader(file, size)
        transport = _transport(file, size)
        return _mpeg_audio(file) if transport is None else transport


def _riff(file: BinaryIO, size: int) -> int | None:
    """RIFF: chunks of a name, a size and that many bytes. The samples of a .wav are one chunk."""
    file.seek(0)
    form, total, kind = struct.unpack("<4sI4s", file.read(12))
    if kind != b"WAVE":
        return _riffs(file, size)
    place, long_size = 12, None
    while len(head := _at(file, place, 8)) == 8:
        name, length = struct.unpack("<4sI", head)
        if name == b"ds64":
            long_size = int.from_bytes(_at(file, place + 16, 8), "little")
        if name == b"data":
            length = long_size if form == b"RF64" and long_size is not None else length
            known = form == b"RF64" or 0 < length < _STREAMED
            return place + 8 + length if known else None
        place += 8 + length + length % 2
    return None


def _riffs(file: BinaryIO, size: int) -> int | None:
    """An .avi of several gigabytes is a row of RIFFs."""
    place = 0
    while len(head := _at(file, place, 8)) == 8 and head[:4] == b"RIFF":
        length = int.from_bytes(head[4:], "little")
        if not 0 < length < _STREAMED:
            return None
        place += 8 + length
    return place or None


def _form(file: BinaryIO, size: int) -> int | None:
    length = int.from_bytes(_at(file, 4, 4), "big")
    return 8 + length if 0 < length < _STREAMED else None


def _wave64(file: BinaryIO, size: int) -> int | None:
    return int.from_bytes(_at(file, 16, 8), "little") or None


def _core_audio(file: BinaryIO, size: int) -> int | None:
    place = 8
    while len(head := _at(file, place, 12)) == 12:
        length = int.from_bytes(head[4:], "big", signed=True)
        if length < 0:  # not known
            return None
        place += 12 + length
    return place


def _boxes(file: BinaryIO, size: int) -> float | None:
    """MP4 and MOV: a row of boxes, each of which begins with its size and its name.

    Of a film in fragments (moof) nobody knows how many should follow.
    """
    place, in_fragments = 0, False
    while len(head := _at(file, place, 16)) >= 8:
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        if length == 0:  # up to the end of the file
            return size
        if length < 8 or not head[4:8].strip(b"\xa9 ").isalnum():
            return None
        in_fragments = in_fragments or head[4:8] == b"moof"
        place += length
    return math.inf if in_fragments and place > size else place


def _matroska(file: BinaryIO, size: int) -> int | None:
    place = 0
    while len(head := _at(file, place, 12)) == 12:
        mark = 4 if head[0] & 0x10 else 0
        width = 9 - head[mark].bit_length()
        if not mark or width > 8:
            return None
        bits = 7 * width
        length = int.from_bytes(head[mark : mark + width], "big") & ((1 << bits) - 1)
        if length == (1 << bits) - 1:  # not known
            return None
        place += mark + width + length
        if head[:4] == _SEGMENT:
            return place
    return None


def _flash(file: BinaryIO, size: int) -> float | None:
    """FLV: a row of tags, each of which says how long it is; the first may tell the file's size."""
    head = _at(file, 0, 4096)
    told = head.find(b"filesize\0") + 9
    if 9 <= told <= len(head) - 8:
        length = struct.unpack(">d", head[told : told + 8])[0]
        if 0 < length < math.inf:
            return length
    place = int.from_bytes(head[5:9], "big") + 4
    while len(tag := _at(file, place, 11)) == 11 and tag[0] in (8, 9, 18):
        place += 15 + int.from_bytes(tag[1:4], "big")
    return math.inf if place - 4 > size or 0 < len(tag) < 11 else None


def _ogg(file: BinaryIO, size: int) -> float:
    """Ogg: pages, of which only the last of a stream says that it is the last."""
    start = max(0, size - _PAGE)
    tail = _at(file, start, _PAGE)
    place = tail.rfind(b"OggS")
    page = tail[place:]
    if place < 0 or len(page) < 27 or len(page) < 27 + page[26]:
        return math.inf
    end = 27 + page[26] + sum(page[27 : 27 + page[26]])
    return math.inf if end > len(page) else size


def _transport(file: BinaryIO, size: int) -> float | None:
    """MPEG transport streams: packets of one length (of .m2ts with four bytes of time before each).

    The last ones say whether the file ends with a whole one, and within what they carry: the first
    may be damaged, and bytes that lack in between put all that follow out of place.
    """
    for length, before in ((188, 0), (192, 4)):
        tail = _at(file, max(0, size - _PACKETS * length), _PACKETS * length)
        for rest in range(length):  # bytes after the last whole packet
            ends = range(len(tail) - rest, length - 1, -length)
            packets = [tail[end - length + before : end] for end in reversed(ends)]
            last = [packet[:1] for packet in packets[-_MARKS:]]
            if len(last) > 2 and last.count(b"G") > 0.6 * len(last):
                return math.inf if rest or _breaks_off(packets) else size
    return None


def _breaks_off(packets: list[bytes]) -> bool:
    """Whether one of the streams in transport packets ends before what it says it has to come."""
    lacking = {}  # stream -> bytes to come; sound says how many, pictures mostly do not
    for packet in packets:
        stream, kind = int.from_bytes(packet[1:3], "big") & 0x1FFF, packet[3] >> 4 & 3
        payload = packet[5 + packet[4] if kind & 2 else 4 :] if kind & 1 else b""
        if packet[1] & 0x40 and payload[:3] == b"\0\0\1":  # something new begins
            told = int.from_bytes(payload[4:6], "big")
            lacking[stream] = 6 + told if told else 0
        lacking[stream] = lacking.get(stream, 0) - len(payload)
    return any(count > 0 for count in lacking.values())


def _program(file: BinaryIO, size: int) -> float | None:
    """MPEG program streams: packs of packets, each of which says how long it is."""
    start = max(0, size - _PACKS)
    tail = _at(file, start, _PACKS)
    place = tail.rfind(_PACK)
    if place < 0 or len(tail) < place + 14:
        return None if place < 0 else math.inf
    newer = tail[place + 4] >> 6 == 1  # MPEG-2
    place += 14 + (tail[place + 13] & 7) if newer else 12
    while tail[place : place + 3] == b"\0\0\1" and tail[place + 3 : place + 4] != b"\xb9":
        if len(tail) < place + 6:
            return math.inf
        place += 6 + int.from_bytes(tail[place + 4 : place + 6], "big")
    return math.inf if place > len(tail) else size


def _mpeg_audio(file: BinaryIO) -> int | None:
    """MP3: the first frame may hold a table (Xing, Info) with the number of bytes."""
    start = 0
    head = _at(file, 0, 10)
    if head[:3] == b"ID3" and len(head) == 10:
        start = 10 + sum((byte & 0x7F) << (7 * i) for i, byte in enumerate(reversed(head[6:])))
    frame = _at(file, start, 64)
    place = max(frame.find(b"Xing"), frame.find(b"Info"))
    if place < 0 or frame[:1] != b"\xff" or len(frame) < place + 16:
        return None
    flags = frame[place + 7]
    if not flags & 2:
        return None
    count = place + 8 + (4 if flags & 1 else 0)
    return start + int.from_bytes(frame[count : count + 4], "big")


def _at(file: BinaryIO, place: int, count: int) -> bytes:
    file.seek(place)
    return file.read(count)


_READERS: tuple[tuple[bytes, int, Callable], ...] = (
    (b"RIFF", 0, _riff),
    (b"RF64", 0, _riff),
    (b"FORM", 0, _form),
    (b"riff", 0, _wave64),
    (b"caff", 0, _core_audio),
    *((name, 4, _boxes) for name in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")),
    (b"\x1a\x45\xdf\xa3", 0, _matroska),
    (b"FLV", 0, _flash),
    (_PACK, 0, _program),
    (b"OggS", 0, _ogg),
)
