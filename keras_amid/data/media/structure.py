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
_PAGE = 65307  # bytes of the longest page of an Ogg file
_SEGMENT = b"\x18\x53\x80\x67"  # EBML's identifier of Matroska's one big element


def announced_size(path: str | os.PathLike) -> float | None:
    """Returns the number of bytes that a file says it has.

    Args:
        path: A regular file.

    Returns:
        Bytes; infinity where some lack and nobody can say how many; None where the format does not
        say it (FLAC, MPEG program streams), or the writer did not know it (live recordings).
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
    """MPEG transport streams: packets of one length, that of .m2ts after four bytes of time."""
    for first, length in ((0, 188), (4, 192)):
        marks = [_at(file, first + n * length, 1) for n in range(3)]
        if marks == [b"\x47"] * 3:
            return math.inf if size % length else size
    return None


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
    (b"OggS", 0, _ogg),
)
