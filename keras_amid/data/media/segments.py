"""Segments of real videos, scaled as they are decoded, with the sound of the same time.

What counts as usable: a file whose frames cover nine tenths of the time that it declares (a quarter
of a second may always lack). Less is "truncated" and raises `MediaError`; packets that cannot be
decoded on the way are stepped over and noted. What else is out of the ordinary is kept with a note.
"""

import dataclasses
import itertools

import av
import numpy as np

from keras_amid.data.media.audio import MonoSound, SoundCutter
from keras_amid.data.media.errors import MediaError, opened
from keras_amid.data.media.pictures import FrameSampler, PictureScaler
from keras_amid.data.media.streams import (
    declared_duration,
    has_variable_rate,
    picture_stream,
    seconds_of,
    sound_stream,
    stream_origin,
)

_WHOLE = 0.9  # the share of the declared time that must come out
_ROUNDING = 0.25  # seconds that may always lack: declared times are rounded, and sound runs on
_SEEK_AHEAD = 1.0  # seconds; decoders of sound need a few packets to settle
_INTERLEAVING = 5.0  # seconds by which sound may lie behind the picture in a file


@dataclasses.dataclass(frozen=True)
class Segments:
    """Decoded segments of a file, joined.

    Attributes:
        frames: uint8 array (frames, height, width, 3).
        fps: Frames a second (the mean where the rate is variable).
        audio: float32 array (samples,) in [-1, 1], or None where no sound was asked for.
        sample_rate: Samples a second of `audio`, or None.
        notes: List of str: what is out of the ordinary though it was kept.
    """

    frames: np.ndarray
    fps: float
    audio: np.ndarray | None
    sample_rate: int | None
    notes: list


def read_segments(path, segments=None, *, short_side=128, fps=None, crop=None, sample_rate=None):
    """Decodes segments of a video. Memory holds the scaled frames only.

    Pixels are taken as square. Rotation of the display matrix is applied (to right angles).

    Args:
        path: Media file.
        segments: List of (start, end) in seconds, rising and apart; frames with start <= t < end
            by their timestamps. None for the whole file.
        short_side: Pixels to which the shorter side (of the region, with `crop`) is scaled down,
            keeping the shape; smaller pictures are left as they are, never enlarged.
        fps: Frames a second to take by timestamps: at each start + k / fps the frame that is shown
            then (repeated where the file is slower, skipped where it is faster). None takes every
            frame there is.
        crop: (left, top, right, bottom) of a region of the picture as it is shown, as fractions
            of its width and height; None for all of it.
        sample_rate: Samples a second of the sound (resampled, the mean of its channels), None for
            no sound. Sound that starts late is padded with silence, so that it stays in step.

    Returns:
        A `Segments`.

    Raises:
        MediaError: The file is missing, empty, broken or truncated, has no picture, no frames in
            the segments, or no sound where sound is asked for.
    """
    with opened(path) as container:
        video = picture_stream(container)
        audio = sound_stream(container) if sample_rate else None
        if video is None:
            raise MediaError(path, "no picture")
        if sample_rate and audio is None:
            raise MediaError(path, "no sound")
        sound = MonoSound(sample_rate) if sample_rate else None
        reading = _Reading(path, container, video, audio, PictureScaler(short_side, crop), sound)
        for start, end in [(0.0, None)] if segments is None else segments:
            reading.read(start, end, fps)
        return reading.result(fps, sample_rate)


class _Reading:
    """The reading of one file: where it stands, and what came out so far."""

    def __init__(self, path, container, video, audio, scaler, sound):
        self.path, self.container, self.scaler = path, container, scaler
        self.video, self.audio, self.sound = video, audio, sound
        self.origin = stream_origin(video)
        self.declared = declared_duration(container, video)
        self.frames, self.samplers, self.notes = [], [], []
        self.bad_packets = 0
        self.sound_seconds = 0.0

    def read(self, start, end, fps):
        """Adds the segment from `start` to `end` (None: the file's end), in seconds."""
        if self.declared is not None and start >= self.declared:
            self.notes.append(
                f"segment at {start:g} s starts after the end ({self.declared:.1f} s)"
            )
            return
        sampler, cutter = FrameSampler(start, end, fps), SoundCutter(start, end, self.sound)
        latest = start
        for stream, frame in self._from(start):
            time = seconds_of(frame, stream, self.origin)
            if stream is self.audio:
                cutter.add(frame, time)
                continue
            # Frames without timestamps come one by one at the mean rate.
            latest = latest + 1 / (self.video.average_rate or 25) if time is None else time
            self.frames += self.scaler.scaled(sampler.add(frame, latest))
            if end is not None and latest >= end + (_INTERLEAVING if self.audio else 0):
                break
        self.frames += self.scaler.scaled(sampler.finish())
        self._check_whole(start, end, sampler)
        self.samplers.append(sampler)
        self.sound_seconds += cutter.seconds

    def _from(self, start):
        """Yields (stream, decoded frame) from the picture at `start`, or before, to the end."""
        if not self.samplers and start <= 2 * _SEEK_AHEAD:
            return self._decoded()
        for position in (max(0.0, start - _SEEK_AHEAD), 0.0):
            self.container.seek(int((position + self.origin) * av.time_base))
            frames = self._decoded()
            head = []
            for stream, frame in frames:
                head.append((stream, frame))
                if stream is self.video:
                    break
            # The index of an .avi may lead past what was asked for: then from the beginning.
            time = seconds_of(frame, stream, self.origin) if head else None
            if time is not None and time <= start:
                break
        return itertools.chain(head, frames)

    def _decoded(self):
        packets = self.container.demux([s for s in (self.video, self.audio) if s is not None])
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError:
                self.bad_packets += 1
                return
            if packet is None:
                return
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                self.bad_packets += 1
                continue
            for frame in frames:
                yield packet.stream, frame

    def _check_whole(self, start, end, sampler):
        if self.declared is None:
            return
        wanted = min(self.declared, float("inf") if end is None else end) - start
        times = sampler.times
        found = times[-1] - times[0] + sampler.last_gap() if times else 0.0
        if wanted - found > max(_ROUNDING, (1 - _WHOLE) * wanted):
            raise MediaError(self.path, f"truncated ({found:.2f} s of {wanted:.2f} s decode)")

    def result(self, fps, sample_rate):
        """Returns the `Segments`."""
        if not self.frames:
            reason = "no frames"
            raise MediaError(self.path, "; ".join([reason, *self.notes]))
        audio = self.sound.finish() if self.sound is not None else None
        if audio is not None and not len(audio):
            raise MediaError(self.path, "no sound at the time of the picture")
        times = [sampler.times for sampler in self.samplers if sampler.times]
        seconds = sum(t[-1] - t[0] for t in times)
        rate = self.video.average_rate
        notes = self.notes + self.scaler.notes
        if any(has_variable_rate(t) for t in times):
            rate = sum(len(t) - 1 for t in times) / seconds
            notes.append("variable frame rate")
        if self.bad_packets:
            notes.append("packets that could not be decoded")
        if audio is not None:
            notes += _sound_notes(audio, self.sound_seconds, seconds)
        return Segments(np.stack(self.frames), float(fps or rate or 0), audio, sample_rate, notes)


def _sound_notes(audio, sound_seconds, seconds):
    if not audio.any():
        return ["silent (every sample is zero)"]
    if sound_seconds < _WHOLE * seconds:
        return [f"sound for {sound_seconds:.1f} s of {seconds:.1f} s"]
    return []
