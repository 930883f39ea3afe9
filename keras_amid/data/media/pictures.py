"""Decoded video frames -> small RGB arrays, chosen by their timestamps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from keras_amid.data.media.limits import Allowance

_TINY = 32  # pixels
_SAME_TIME = 1e-3  # seconds; containers round timestamps to as much as that
_NOTICED = 0.1  # seconds between pictures that need no note
_LONGEST_STILL = 60.0  # seconds; a longer one is a damaged timestamp


def right_angle(frame: av.VideoFrame) -> int:
    """Returns a frame's rotation to the nearest right angle: 0, 90, 180 or 270 degrees.

    Counterclockwise, from its display matrix; that it may mirror the picture too is ignored.
    """
    return round(frame.rotation / 90) * 90 % 360


def told_duration(frame: av.VideoFrame) -> float:
    """Returns for how many seconds a file says that a frame is to be shown; 0 if it does not."""
    return float((frame.duration or 0) * (frame.time_base or 0))


class PictureScaler:
    """Turns frames as they are to be shown, crops them, and scales them down (area average).

    Args:
        short_side: Pixels of the region's shorter side; pictures are never enlarged.
        crop: (left, top, right, bottom) as fractions of the picture as shown, or None.
        allowance: An `Allowance`.

    Attributes:
        notes: List of str, what is out of the ordinary about the pictures.
    """

    def __init__(self, short_side: int, crop: Sequence[float] | None, allowance: Allowance) -> None:
        self._short_side = short_side
        self._crop = crop or (0.0, 0.0, 1.0, 1.0)
        self._allowance = allowance
        self._reformatter = VideoReformatter()
        self._size: Any = None
        self._last: Any = (None, None)
        self.notes = []

    def scaled(self, frames: list[av.VideoFrame]) -> list[np.ndarray]:
        """Returns uint8 arrays (height, width, 3) of `av.VideoFrame`s, all of one shape."""
        pictures = []
        for frame in frames:
            pictures.append(self._scaled(frame))
            self._allowance.take_memory(pictures[-1].nbytes)
        return pictures

    def _scaled(self, frame: av.VideoFrame) -> np.ndarray:
        if frame is self._last[0]:  # shown again: see `FrameSampler`
            return self._last[1]
        if self._size is None:
            self._measure(frame)
        height, width, rotation = self._size
        small = self._reformatter.reformat(frame, width, height, "rgb24", interpolation="AREA")
        picture = np.rot90(small.to_ndarray(), rotation // 90)
        left, top, right, bottom = self._crop
        rows, columns = _span(top, bottom, picture.shape[0]), _span(left, right, picture.shape[1])
        picture = np.ascontiguousarray(picture[rows, columns])
        self._last = (frame, picture)
        return picture

    def _measure(self, frame: av.VideoFrame) -> None:
        """Sets the scaled size of the stored picture from the first frame; later ones share it."""
        height, width, rotation = frame.height, frame.width, right_angle(frame)
        left, top, right, bottom = self._crop
        shown = (width, height) if rotation % 180 else (height, width)
        short = min(shown[0] * (bottom - top), shown[1] * (right - left))
        factor = min(1.0, self._short_side / short)
        self._size = (max(1, round(height * factor)), max(1, round(width * factor)), rotation)
        if rotation:
            self.notes.append(f"rotated by {rotation} degrees")
        if height % 2 or width % 2:
            self.notes.append(f"odd size ({width}x{height})")
        if min(height, width) < _TINY:
            self.notes.append(f"tiny size ({width}x{height})")


def _span(start: float, end: float, size: int) -> slice:
    # Sizes depend on the fraction alone, so that two halves have the same.
    first = min(int(start * size), size - 1)
    return slice(first, first + max(1, round((end - start) * size)))


class Continuity:
    """Finds where pictures lack between others: by their times, and how long each is to be shown.

    Attributes:
        times: List of the times of the pictures, in seconds.
    """

    def __init__(self) -> None:
        self.times = []
        self._gaps = []  # (seconds to the next picture, seconds that the file says)
        self._duration = 0.0
        self._torn = False

    def add(self, frame: av.VideoFrame, time: float) -> None:
        """Adds a decoded frame that is shown from `time` on."""
        self.end(time)
        self.times.append(time)
        self._duration = told_duration(frame)
        self._torn |= frame.is_corrupt

    def end(self, time: float) -> None:
        """Says that the last picture is shown up to `time` for want of another."""
        if self.times:
            self._gaps.append((time - self.times[-1], self._duration))

    def usual(self) -> float:
        """Returns the seconds between most pictures, 0 where nothing is known."""
        return float(np.median(np.diff(self.times))) if len(self.times) > 1 else 0.0

    def notes(self) -> list[str]:
        """Returns what is to be said about stills or pictures that lack, [] if nothing."""
        usual = self.usual()
        least = max(4 * usual, _NOTICED)
        lacking = sum(gap - usual for gap, said in self._gaps if gap > max(least, said + usual))
        notes = [f"no new picture for {lacking:.1f} s in between"] if usual and lacking else []
        return notes + ["pictures that lack a part"] * self._torn


class FrameSampler:
    """Chooses the frames of a segment by their timestamps.

    Args:
        start: Seconds.
        end: Seconds, or None for all there is.
        fps: Frames a second to take, the one that is shown at each start + k / fps; None takes
            every frame with start <= time < end, or, where the segment lies within the time for
            which one frame is shown, that frame.

    Attributes:
        pictures: The `Continuity` of the file's frames inside the segment, taken or not.
        begin: Seconds from which on there is a picture in the segment; None before the first.
    """

    def __init__(self, start: float, end: float | None, fps: float | None) -> None:
        self._start, self._end = start, math.inf if end is None else end
        self._fps = fps
        self._shown = None  # the latest frame, until the next one's time is known
        self._shown_at = start
        self._duration = 0.0  # seconds that it is to be shown, as the file says
        self._taken = 0
        self.pictures = Continuity()
        self.begin: Any = None

    def add(self, frame: av.VideoFrame, time: float) -> list[av.VideoFrame]:
        """Takes the next decoded frame, shown from `time` on; returns the frames chosen by now."""
        inside = self._start - _SAME_TIME <= time < self._end - _SAME_TIME
        chosen = self._still(min(time, self._end)) if time >= self._end else []
        if self._fps is not None:
            chosen = self._ticks_before(min(time, self._end))
        elif inside:
            chosen = [frame]
        if inside:
            self.pictures.add(frame, time)
        elif self._shown_at < self._end <= time:
            self.pictures.end(self._end)
        if self.begin is None:
            self.begin = max(self._start, time)
            if self._fps is not None:
                self._start = self.begin  # the picture starts late
        self._shown, self._shown_at = frame, time
        self._duration = told_duration(frame)
        return chosen

    def finish(self) -> list[av.VideoFrame]:
        """Returns the frames chosen up to the segment's end."""
        end = min(self.shown_until(), self._end)
        return self._still(end) if self._fps is None else self._ticks_before(end)

    def shown_until(self) -> float:
        """Returns up to where the latest frame is shown: as the file says, or as long as most."""
        return self._shown_at + max(self._duration, self.pictures.usual())

    def _still(self, end: float) -> list[av.VideoFrame]:
        """The frame that is shown throughout the segment, where it has none of its own."""
        if self._shown is None or self.pictures.times or self._taken:
            return []
        if min(end, self._shown_at + _LONGEST_STILL) <= self._start + _SAME_TIME:
            return []
        self._taken = 1
        return [self._shown]

    def _ticks_before(self, time: float) -> list[av.VideoFrame]:
        if self._shown is None:
            return []
        chosen = []
        until = min(time, self._shown_at + _LONGEST_STILL)
        while self._start + self._taken / self._fps < until - _SAME_TIME:
            chosen.append(self._shown)
            self._taken += 1
        if until < time:  # on with the next frame, without what is between
            self._taken = max(self._taken, math.ceil((time - self._start) * self._fps))
        return chosen
