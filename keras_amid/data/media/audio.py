"""Decoded audio frames -> mono samples at one rate, cut by time."""

import av
import numpy as np

_LATEST = 60.0  # seconds of silence in front; more is a damaged timestamp


class MonoSound:
    """Collects decoded audio frames as mono samples at one rate.

    The channels are averaged by hand: FFmpeg's own mix to mono scales by 1/sqrt(2), with which two
    full channels exceed [-1, 1]. Layout, format and rate may change from frame to frame.

    Args:
        sample_rate: Samples a second to resample to.
    """

    def __init__(self, sample_rate):
        self._sample_rate = sample_rate
        self._source_rate = None
        self._resampler = None
        self._chunks = []

    def add_frame(self, frame):
        """Adds a whole `av.AudioFrame`."""
        self.add(mono(frame), frame.sample_rate)

    def add(self, samples, rate):
        """Adds float32 samples (samples,) of `rate` samples a second."""
        if not len(samples):
            return
        if rate != self._source_rate:
            self._flush()
            self._resampler = av.AudioResampler(format="fltp", rate=self._sample_rate)
            self._source_rate = rate
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="fltp", layout="mono")
        frame.sample_rate = rate
        self._keep(frame)

    def finish(self):
        """Returns everything, float32 (samples,)."""
        self._flush()
        return np.concatenate([np.zeros(0, np.float32), *self._chunks])

    def _flush(self):
        if self._resampler is not None:
            self._keep(None)
            self._resampler = None

    def _keep(self, frame):
        self._chunks += [chunk.to_ndarray()[0] for chunk in self._resampler.resample(frame)]


def mono(frame):
    """Returns an `av.AudioFrame`'s samples, the mean of its channels, float32 (samples,)."""
    converted = av.AudioResampler(format="fltp").resample(frame)
    return np.concatenate([part.to_ndarray().mean(axis=0) for part in converted])


class SoundCutter:
    """Cuts the sound from `start` to `end` out of decoded audio frames.

    Sound that starts late is padded with silence in front, so that it stays in step.

    Args:
        start: Seconds.
        end: Seconds, or None for all there is.
        target: The `MonoSound` that takes the samples.

    Attributes:
        seconds: Of sound that was found (silence in front not counted).
    """

    def __init__(self, start, end, target):
        self._start, self._end, self._target = start, end, target
        self._next = start
        self.seconds = 0.0

    def add(self, frame, time):
        """Adds what lies inside of an `av.AudioFrame` that starts at `time` (None: at once)."""
        rate = frame.sample_rate
        time = self._next if time is None else time
        self._next = time + frame.samples / rate
        samples = mono(frame)
        first = max(0, round((self._start - time) * rate))
        if self._end is not None:
            samples = samples[: max(0, round((self._end - time) * rate))]
        samples = samples[first:]
        if not len(samples):
            return
        if not self.seconds:
            late = round(min(time - self._start, _LATEST) * rate)
            self._target.add(np.zeros(max(late, 0), np.float32), rate)
        self._target.add(samples, rate)
        self.seconds += len(samples) / rate
