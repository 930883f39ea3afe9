"""The one way in which all readers step through a media file, and judge whether it is sound.

Streams stand on one clock, the file's: zero is where the first of them begins.

What counts as sound: nine tenths of what was asked for come out (a quarter of a second may always
lack). A file that was cut short is told by the bytes that it lacks of those it announces, or by the
length that its header tells; the picture's own length counts, not that of the longest stream. A
length that is not reached although every byte is there and was read is a wrong header, or a last
picture that stands still: noted. Packets that cannot be decoded are stepped over. Whatever lacks
less than a tenth is noted: bytes, time, parts of packets, pictures between others.
"""

from __future__ import annotations

import collections
import math
import os
from collections.abc import Iterator
from typing import Any

import av

from keras_amid.data.media.errors import MediaError
from keras_amid.data.media.limits import Allowance
from keras_amid.data.media.streams import (
    container_end,
    lengths,
    origin,
    own_end,
    seconds_of,
    start_of,
)
from keras_amid.data.media.structure import announced_size

_WHOLE = 0.9  # the share of what a file tells that must be there
_ROUNDING = 0.25  # seconds that may always lack: lengths are rounded, and sound runs on
_NOTICED = 0.15  # seconds that may lack without a note
_SEEK_AHEAD = 1.0  # seconds; decoders of sound need a few packets to settle


class Film:
    """An open media file: its picture, its sound, or both.

    Args:
        container: The open `av` container.
        video: The stream of the picture to decode, or None.
        audio: That of the sound, or None; one of the two is needed.
        allowance: The file's `Allowance`.

    Attributes:
        video, audio: As given.
        end: Seconds on the file's clock where the picture (the sound, without one) says that it
            ends; None if it does not say it.
        ended: Whether the file was read to its end since the last `seek`.

    Raises:
        MediaError: The file states that it lasts longer than the limits allow.
    """

    def __init__(self, container, video, audio, allowance: Allowance) -> None:
        self.video, self.audio = video, audio
        self.ended, self._fresh = False, True
        self._path, self._container, self._allowance = allowance.path, container, allowance
        self._main = video or audio
        self._origin = origin(container)
        own = own_end(container, self._main)
        self.end = None if own is None else own - self._origin
        # Where only the longest stream's length is told, the ends of all of them count.
        self._told = container_end(container) if own is None else own
        self._telling = list(container.streams) if own is None else [self._main]
        self._ends = {}  # index of a stream -> seconds on the container's clock
        self._reached = 0  # bytes into the file
        self._good, self._bad = collections.Counter(), collections.Counter()
        self._torn = False  # whether a packet lacks a part
        self._fault: Any = None
        self._size: Any = None
        for seconds in lengths(container):
            allowance.check_duration(seconds)

    def start(self) -> float:
        """Returns where the picture (the sound, without one) says that it begins, in seconds."""
        told = start_of(self._main)
        return 0.0 if told is None else told - self._origin

    def packets(self) -> Iterator[av.Packet]:
        """Yields the packets of the picture and the sound, from here to the end of the file.

        The last ones are empty: they make decoders give what they hold back.
        """
        wanted = [stream for stream in (self.video, self.audio) if stream is not None]
        self.ended = self._fresh = False
        packets = self._container.demux()  # of all streams: how far the file is read matters
        while True:
            self._allowance.check_time()
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:
                self._note_fault(self._main, error)
                break
            if packet is None:
                break
            self._follow(packet)
            if packet.stream in wanted:
                self._torn |= packet.is_corrupt
                yield packet
        self.ended = True

    def decode(self, packet: av.Packet) -> list:
        """Returns the frames of a packet; those that cannot be decoded are counted."""
        try:
            frames = packet.decode()
        except av.error.FFmpegError as error:
            self._note_fault(packet.stream, error)
            return []
        self._good[packet.stream] += bool(packet.size)
        for frame in frames:
            if packet.stream is self.video:
                self._check_size(frame)
        return frames

    def frames(self) -> Iterator[tuple]:
        """Yields (stream, decoded frame, its time or None) from here to the end of the file."""
        for packet in self.packets():
            for frame in self.decode(packet):
                yield packet.stream, frame, self.time_of(frame, packet.stream)

    def frames_from(self, start: float) -> Iterator[tuple]:
        """Yields the same from a picture that is shown at `start` or before, if there is one."""
        if self._fresh and start <= 2 * _SEEK_AHEAD:
            yield from self.frames()
            return
        for position in (max(0.0, start - _SEEK_AHEAD), 0.0):
            self._container.seek(round((position + self._origin) * av.time_base))
            head = []
            for stream, frame, time in (frames := self.frames()):
                head.append((stream, frame, time))
                if stream is self.video:
                    break
            # The index of an .avi may lead past what was asked for: then from the beginning.
            if head and head[-1][2] is not None and head[-1][2] <= start:
                break
        yield from head
        yield from frames

    def time_of(self, stamp: av.Packet | av.frame.Frame, stream: av.stream.Stream) -> float | None:
        """Returns the time of a frame or packet on the file's clock, in seconds; or None."""
        seconds = seconds_of(stamp, stream)
        return None if seconds is None else seconds - self._origin

    def last(self) -> float:
        """Returns where the last packet of the picture ends (the sound's, without one)."""
        return self._ends.get(self._main.index, self._origin) - self._origin

    def check(self) -> list[str]:
        """Judges what was read.

        Returns:
            Notes: list of str, what is out of the ordinary though it may be used.

        Raises:
            MediaError: More than a tenth of the packets, or of the file, is missing or broken.
        """
        bad, good = self._bad[self._main], self._good[self._main]
        if bad > 1 and bad > (1 - _WHOLE) * (bad + good):
            reason = f"broken ({bad} of {bad + good} packets cannot be decoded: {self._fault})"
            raise MediaError(self._path, reason)
        notes = self._check_end() if self.ended and self._reached else []
        if self._bad.total():
            notes.append("packets that could not be decoded")
        if self._torn and not notes:
            notes.append("packets that lack a part")
        return notes

    def _check_end(self) -> list[str]:
        size, announced = os.path.getsize(self._path), announced_size(self._path)
        if announced == math.inf:
            raise MediaError(self._path, "truncated (the file ends within a page, packet or box)")
        lost = 0.0 if announced is None else max(0.0, 1 - size / announced)
        if self._told is not None:
            found = max(self._ends.get(stream.index, self._origin) for stream in self._telling)
            lacking, length = self._told - found, self._told - self._origin
            short = lacking > max(_ROUNDING, (1 - _WHOLE) * length)
            unread = announced is None or self._reached < _WHOLE * size
            if short and (lost > 1 - _WHOLE or unread):
                is_there = f"{max(0.0, length - lacking):.2f} s of {length:.2f} s are there"
                raise MediaError(self._path, f"truncated ({is_there})")
            still = self._container.format.name == "avi" and not lost and not unread
            if lacking > _NOTICED and not still:
                return [f"the last {lacking:.1f} s of {length:.1f} s are missing"]
        elif lost > 1 - _WHOLE:
            raise MediaError(self._path, f"truncated ({size} bytes of {announced} are there)")
        return [f"the last {100 * lost:.2g} % of the file are missing"] if lost else []

    def _follow(self, packet: av.Packet) -> None:
        """Remembers how far into the file, and to what time, its packets lead."""
        # Pictures that stand still leave empty packets in an .avi.
        self._reached = max(self._reached, (packet.pos or 0) + packet.size)
        if packet.size and not packet.is_discard:
            begin = seconds_of(packet, packet.stream)
            if begin is not None:
                end = begin + float((packet.duration or 0) * packet.time_base)
                index = packet.stream.index
                self._ends[index] = max(self._ends.get(index, end), end)

    def _note_fault(self, stream: av.stream.Stream, error: av.error.FFmpegError) -> None:
        self._bad[stream] += 1
        self._fault = error.strerror or type(error).__name__

    def _check_size(self, frame: av.VideoFrame) -> None:
        size = f"{frame.width}x{frame.height}"
        if self._size not in (None, size):
            reason = f"the picture changes its size from {self._size} to {size}"
            raise MediaError(self._path, reason)
        self._size = size
