"""Segments of real videos, scaled as they are decoded, with the sound of the same time.

What counts as usable, `keras_amid.data.media.decoding` says. What else is out of the ordinary is
kept with a note.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

import numpy as np

from keras_amid.data.media.arguments import (
    check_crop,
    check_number,
    check_sample_rate,
    check_segments,
)
from keras_amid.data.media.audio import MonoSound, SoundCutter
from keras_amid.data.media.decoding import Film
from keras_amid.data.media.errors import MediaError
from keras_amid.data.media.limits import Allowance, Limits
from keras_amid.data.media.opening import opened
from keras_amid.data.media.pictures import FrameSampler, PictureScaler
from keras_amid.data.media.streams import (
    has_variable_rate,
    measured_rate,
    picture_stream,
    sound_stream,
)

_INTERLEAVING = 5.0  # seconds by which sound may lie behind the picture in a file
_NOTICED = 0.1  # seconds by which picture and segment may differ without a note
_ENOUGH = 0.9  # the share of the picture's time for which there should be sound


@dataclasses.dataclass(frozen=True)
class Segments:
    """Decoded segments of a file, joined.

    Attributes:
        frames: uint8 array (frames, height, width, 3).
        fps: Frames a second (the mean where the rate is variable).
        audio: float32 array (samples,) in [-1, 1], or None where no sound was asked for.
        sample_rate: Samples a second of `audio`, or None.
        notes: List of str: what is out of the ordinary though it was kept.
        spans: List of (start, end) in seconds: the part of each segment for which there is a
            picture, and to which its sound was cut. Segments without a picture have none.
    """

    frames: np.ndarray
    fps: float
    audio: np.ndarray | None
    sample_rate: int | None
    notes: list[str]
    spans: list[tuple[float, float]]


def read_segments(
    path: str | os.PathLike,
    segments: Sequence[tuple[float, float | None]] | None = None,
    *,
    short_side: int = 128,
    fps: float | None = None,
    crop: Sequence[float] | None = None,
    sample_rate: int | None = None,
    limits: Limits | None = None,
) -> Segments:
    """Decodes segments of a video. Memory holds the scaled frames only.

    Times are those of the file's clock, on which picture and sound stand: zero is where the first
    of the two begins. Pixels are taken as square. Rotation of the display matrix is applied (to
    right angles).

    A segment that runs past the end of the picture, or begins before it, is kept as far as there is
    a picture, with a note and with the sound of the same time. In a whole file the sound goes on to
    its own end.

    Args:
        path: Media file.
        segments: List of (start, end) in seconds, rising and apart; frames with start <= t < end
            by their timestamps; the last end may be None, that of the file. None for the whole
            file.
        short_side: Pixels to which the shorter side (of the region, with `crop`) is scaled down,
            keeping the shape; smaller pictures are left as they are, never enlarged.
        fps: Frames a second to take by timestamps: at each start + k / fps the frame that is shown
            then (repeated where the file is slower, skipped where it is faster). None takes every
            frame there is.
        crop: (left, top, right, bottom) of a region of the picture as it is shown, as fractions
            of its width and height; None for all of it.
        sample_rate: Samples a second of the sound (resampled, the mean of its channels), None for
            no sound. Sound that starts late or has gaps is padded with silence, so that it stays
            in step.
        limits: A `Limits`; None for those that `limit` set, or the defaults.

    Returns:
        A `Segments`.

    Raises:
        MediaError: The file is missing, empty, broken or truncated, has no picture, no frames in
            the segments, or no sound where sound is asked for; its picture changes its size; or it
            asks for more than `limits`.
        ValueError: An argument is wrong.
    """
    check_segments(segments)
    check_number("short_side", short_side, whole=True)
    if fps is not None:
        check_number("fps", fps)
    check_crop(crop)
    if sample_rate is not None:
        check_sample_rate(sample_rate)
    allowance = Allowance(path, limits)
    with opened(path, allowance.limits) as container:
        video = picture_stream(container, allowance)
        audio = sound_stream(container, allowance, video) if sample_rate else None
        if video is None:
            raise MediaError(path, "no picture")
        if sample_rate and audio is None:
            raise MediaError(path, "no sound")
        film = Film(container, video, audio, allowance)
        sound = MonoSound(sample_rate, allowance) if sample_rate else None
        reading = _Reading(path, film, PictureScaler(short_side, crop, allowance), sound)
        for start, end in [(0.0, None)] if segments is None else segments:
            reading.read(start, end, fps)
        return reading.result(fps, sample_rate)


class _Reading:
    """The reading of one file: what came out so far."""

    def __init__(self, path, film: Film, scaler: PictureScaler, sound: MonoSound | None) -> None:
        self.path, self.film, self.scaler, self.sound = path, film, scaler, sound
        self.frames, self.times, self.notes, self.spans = [], [], [], []
        self.sound_seconds = 0.0

    def read(self, start: float, end: float | None, fps: float | None) -> None:
        """Adds the segment from `start` to `end` (None: the file's end), in seconds."""
        film = self.film
        if film.end is not None and start >= film.end:
            self._note_beyond(start, film.end)
            return
        sampler, cutter = FrameSampler(start, end, fps), SoundCutter(start, end, self.sound)
        before, latest = len(self.frames), start
        for stream, frame, time in film.frames_from(start) if start else film.frames():
            if stream is film.audio:
                cutter.add(frame, time)
                continue
            # Frames without timestamps come one by one at the mean rate.
            latest = latest + 1 / (film.video.average_rate or 25) if time is None else time
            self.frames += self.scaler.scaled(sampler.add(frame, latest))
            cutter.begin(sampler.begin)
            cutter.release(float("inf") if end is None else latest)
            if end is not None and latest >= end + (_INTERLEAVING if film.audio else 0):
                break
        self.frames += self.scaler.scaled(sampler.finish())
        self.notes += film.check()
        if len(self.frames) > before:
            self._enter(start, end, sampler, cutter)
        elif sampler.begin is not None:
            self._note_beyond(start, sampler.shown_until())

    def _note_beyond(self, start: float, end: float) -> None:
        self.notes.append(f"segment at {start:g} s starts after the end ({end:.1f} s)")

    def _enter(self, start, end, sampler: FrameSampler, cutter: SoundCutter) -> None:
        begin, last = sampler.begin, sampler.shown_until()
        if begin > start + _NOTICED:
            self.notes.append(f"segment at {start:g} s has a picture from {begin:.1f} s on only")
        over = end is not None and end > last + _NOTICED
        if over:
            self.notes.append(f"segment at {start:g} s runs past the end ({last:.1f} s)")
        cutter.finish(last if over else end)
        if cutter.silence:
            self.notes.append(f"sound lacks {cutter.silence:.1f} s in between")
        self.spans.append((begin, last if over or end is None else end))
        if end is None:
            sampler.pictures.end(self.film.last())
        self.notes += sampler.pictures.notes()
        self.times.append(sampler.pictures.times)
        self.sound_seconds += cutter.seconds

    def result(self, fps: float | None, sample_rate: int | None) -> Segments:
        """Returns the `Segments`."""
        if not self.frames:
            raise MediaError(self.path, "; ".join(["no frames", *self.notes]))
        audio = self.sound.finish() if self.sound is not None else None
        if audio is not None and not len(audio):
            raise MediaError(self.path, "no sound at the time of the picture")
        rate = measured_rate(self.times, self.film.video.average_rate)
        notes = self.notes + self.scaler.notes
        if any(has_variable_rate(times) for times in self.times):
            notes.append("variable frame rate")
        if audio is not None:
            seconds = sum(times[-1] - times[0] for times in self.times if times)
            notes += _sound_notes(audio, self.sound_seconds, seconds)
        notes = list(dict.fromkeys(notes))
        return Segments(
            np.stack(self.frames), float(fps or rate), audio, sample_rate, notes, self.spans
        )


def _sound_notes(audio: np.ndarray, sound_seconds: float, seconds: float) -> list[str]:
    if not audio.any():
        return ["silent (every sample is zero)"]
    if sound_seconds < _ENOUGH * seconds:
        return [f"sound for {sound_seconds:.1f} s of {seconds:.1f} s"]
    return []
