"""Decoded audio frames -> mono samples at one rate, cut by time."""

from __future__ import annotations

import collections
import math
from typing import Any

import av
import numpy as np

from keras_amid.data.media.limits import Allowance

_LATEST = 60.0  # seconds of silence in front or between; more is a damaged timestamp
_JITTER = 0.1  # seconds by which the timestamps of sound without a gap may be apart


class MonoSound:
    """Collects decoded sound as mono samples at one rate.

    The channels are averaged by hand: FFmpeg's own mix to mono scales by 1/sqrt(2), with which two
    full channels exceed [-1, 1]. Layout, format and rate may change from frame to frame.

    Args:
        sample_rate: Samples a second to resample to.
        allowance: An `Allowance`.
    """

    def __init__(self, sample_rate: int, allowance: Allowance) -> None:
        self._sample_rate = sample_rate
        self._allowance = allowance
        self._source_rate: int | None = None
        self._resampler: Any = None
        self._converters = {}
        self._chunks = []

    def mono(self, frame: av.AudioFrame) -> np.ndarray:
        """Returns a frame's samples, the mean of its channels, float32 (samples,)."""
        self._allowance.check_rate(frame.sample_rate)
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form not in self._converters:
            self._converters[form] = av.AudioResampler(format="fltp")
        frame.pts = None  # the converter would fill the gaps of a clock that jumps
        parts = self._converters[form].resample(frame)
        return np.concatenate([part.to_ndarray().mean(axis=0) for part in parts])

    def add(self, samples: np.ndarray, rate: int) -> None:
        """Adds float32 samples (samples,) of `rate` samples a second."""
        if not len(samples):
            return
        self._allowance.take_sound(len(samples) / rate)
        self._allowance.take_memory(math.ceil(len(samples) / rate * self._sample_rate) * 4)
        if rate != self._source_rate:
            self._flush()
            self._resampler = av.AudioResampler(format="fltp", rate=self._sample_rate)
            self._source_rate = rate
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="fltp", layout="mono")
        frame.sample_rate = rate
        self._keep(frame)

    def finish(self) -> np.ndarray:
        """Returns everything, float32 (samples,)."""
        self._flush()
        return np.concatenate([np.zeros(0, np.float32), *self._chunks])

    def _flush(self) -> None:
        if self._resampler is not None:
            self._keep(None)
            self._resampler = None

    def _keep(self, frame: av.AudioFrame | None) -> None:
        self._chunks += [chunk.to_ndarray()[0] for chunk in self._resampler.resample(frame)]


class SoundCutter:
    """Cuts the sound of a segment out of decoded audio frames, in step with the picture.

    Sound is held back until it is known that there is a picture to it. Where it starts late or has
    gaps, silence takes its place.

    Args:
        start: Seconds.
        end: Seconds, or None for all there is.
        target: The `MonoSound` that takes the samples; None where no sound is asked for.

    Attributes:
        seconds: Of sound that was found (silence put in not counted).
        silence: Seconds of silence put in between.
    """

    def __init__(self, start: float, end: float | None, target: MonoSound | None) -> None:
        self._start, self._end = start, end
        self._target: Any = target
        self._held: collections.deque = collections.deque()  # (time, samples, rate)
        self._heard = start  # up to where frames were added
        self._filled: Any = None  # up to where the target has sound; None before the first
        self.seconds = self.silence = 0.0

    def add(self, frame: av.AudioFrame, time: float | None) -> None:
        """Adds what lies inside of an `av.AudioFrame` that starts at `time` (None: at once)."""
        rate = frame.sample_rate
        time = self._heard if time is None else time
        samples = self._target.mono(frame)
        self._heard = time + len(samples) / rate
        self._hold(*_cut(time, samples, rate, self._start, self._end))

    def begin(self, time: float) -> None:
        """Sets where the picture begins within the segment: no sound before is kept."""
        self._start = time

    def release(self, until: float) -> None:
        """Passes on what was held back, up to where the picture leads by now."""
        while self._held and self._held[0][0] + len(self._held[0][1]) / self._held[0][2] <= until:
            self._pass_on(self._held.popleft(), None)

    def finish(self, end: float | None) -> None:
        """Passes on the rest, up to where the picture ends (None: all)."""
        while self._held:
            self._pass_on(self._held.popleft(), end)

    def _hold(self, time: float, samples: np.ndarray, rate: int) -> None:
        if len(samples):
            self._held.append((time, samples, rate))

    def _pass_on(self, piece: tuple, end: float | None) -> None:
        time, samples, rate = piece
        time, samples, rate = _cut(time, samples, rate, self._start, end)
        if not len(samples):
            return
        first = self._filled is None
        gap = time - (self._start if first else self._filled)
        if gap > (0 if first else _JITTER):
            silence = min(gap, _LATEST)
            self._target.add(np.zeros(round(silence * rate), np.float32), rate)
            self.silence += 0 if first else silence
        self._target.add(samples, rate)
        self._filled = time + len(samples) / rate
        self.seconds += len(samples) / rate


def _cut(time: float, samples: np.ndarray, rate: int, start: float, end: float | None) -> tuple:
    """The part of samples that start at `time` which lies between `start` and `end`."""
    if end is not None:
        samples = samples[: max(0, round((end - time) * rate))]
    first = max(0, round((start - time) * rate))
    return time + first / rate, samples[first:], rate
