"""Reading of whole media files (FFmpeg through PyAV)."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import av
import numpy as np

from keras_amid.data.media.arguments import check_sample_rate, check_segment
from keras_amid.data.media.audio import MonoSound, SoundCutter
from keras_amid.data.media.decoding import Film
from keras_amid.data.media.errors import MediaError
from keras_amid.data.media.limits import Allowance, Limits
from keras_amid.data.media.opening import opened
from keras_amid.data.media.pictures import Continuity
from keras_amid.data.media.streams import measured_rate, picture_stream, sound_stream

_NOTICED = 0.1  # seconds by which a sound may end before its segment without a note


@dataclasses.dataclass(frozen=True)
class Clip:
    """A decoded clip.

    Attributes:
        frames: uint8 array (frames, height, width, channels).
        fps: Frames a second.
        audio: float32 array (samples,) in [-1, 1], or None where no sound was asked for.
        sample_rate: Samples a second of `audio`, or None.
        notes: List of str: what is out of the ordinary though it was kept.
    """

    frames: np.ndarray
    fps: float
    audio: np.ndarray | None = None
    sample_rate: int | None = None
    notes: list[str] = dataclasses.field(default_factory=list)


def read_clip(
    path: str | os.PathLike,
    channels: int = 3,
    sample_rate: int | None = None,
    *,
    limits: Limits | None = None,
) -> Clip:
    """Decodes a whole clip as it is stored; see `read_segments` for what real videos need.

    Args:
        path: Media file.
        channels: 3 for RGB, 1 for gray (luma, full range whatever the file's own).
        sample_rate: Samples a second of the sound (resampled, the mean of its channels; it begins
            with the picture); None leaves the sound alone (a silent file is then fine).
        limits: A `Limits`; None for those that `limit` set, or the defaults.

    Returns:
        A `Clip`.

    Raises:
        MediaError: The file is missing, empty, broken or truncated, has no frames, or has no sound
            where sound is asked for; its picture changes its size; or it asks for more than
            `limits`.
        ValueError: An argument is wrong.
    """
    if channels not in (1, 3) or isinstance(channels, bool):
        raise ValueError(f"`channels` must be 1 or 3; received {channels!r}.")
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
        return _read_clip(path, film, channels, sample_rate, allowance)


def _read_clip(path, film: Film, channels: int, sample_rate: int | None, allowance) -> Clip:
    frames, pictures = [], Continuity()
    sound = MonoSound(sample_rate, allowance) if sample_rate else None
    cutter = SoundCutter(0.0, None, sound)
    for stream, frame, time in film.frames():
        if stream is film.audio:
            cutter.add(frame, time)
            continue
        if not frames:
            cutter.begin(time or 0.0)
        cutter.release(float("inf"))
        if time is not None:
            pictures.add(frame, time)
        frames.append(_pixels(frame, channels))
        allowance.take_memory(frames[-1].nbytes)
    pictures.end(film.last())
    notes = film.check() + pictures.notes()
    if not frames:
        raise MediaError(path, "no frames")
    cutter.finish(None)
    samples = sound.finish() if sound is not None else None
    if samples is not None and not len(samples):
        raise MediaError(path, "no sound")
    fps = measured_rate([pictures.times], film.video.average_rate)
    return Clip(np.stack(frames), fps, samples, sample_rate, notes)


def _pixels(frame: av.VideoFrame, channels: int) -> np.ndarray:
    if channels == 1:
        return frame.to_ndarray(format="gray")[..., np.newaxis]
    return frame.to_ndarray(format="rgb24")


def read_sound(
    path: str | os.PathLike,
    sample_rate: int,
    *,
    segment: tuple[float, float | None] | None = None,
    notes: list[str] | None = None,
    limits: Limits | None = None,
) -> np.ndarray:
    """Decodes the sound of a media file, from its own beginning to its end.

    Args:
        path: Media file, with or without a picture.
        sample_rate: Samples a second to resample to.
        segment: (start, end) in seconds on the file's clock, the part to return; an end of None
            is that of the file. None for all of it.
        notes: List that takes what is out of the ordinary (str) though it was kept.
        limits: A `Limits`; None for those that `limit` set, or the defaults.

    Returns:
        float32 array (samples,) in [-1, 1], the mean of the channels. Gaps are silent.

    Raises:
        MediaError: The file is missing, empty, broken or truncated, has no sound, or asks for more
            than `limits`.
        ValueError: `sample_rate` is no positive integer, or `segment` is none.
    """
    check_sample_rate(sample_rate)
    check_segment(segment)
    start, end = segment or (0.0, None)
    allowance = Allowance(path, limits)
    with opened(path, allowance.limits) as container:
        audio = sound_stream(container, allowance, None)
        if audio is None:
            raise MediaError(path, "no sound")
        film = Film(container, None, audio, allowance)
        sound = MonoSound(sample_rate, allowance)
        cutter: Any = None
        for _, frame, time in film.frames():
            if cutter is None:
                begin = max(start, time or 0.0)
                cutter = SoundCutter(begin, end, sound)
            cutter.add(frame, time)
            cutter.release(float("inf"))
            if end is not None and (time or 0.0) >= end:
                break
        found = film.check()
        samples = sound.finish()
        if not len(samples):
            raise MediaError(path, "no sound" + f" from {start:g} s on" * bool(start))
    last = begin + len(samples) / sample_rate
    if end is not None and last < end - _NOTICED:
        found.append(f"segment at {start:g} s runs past the end ({last:.1f} s)")
    if cutter.silence:
        found.append(f"sound lacks {cutter.silence:.1f} s in between")
    if notes is not None:
        notes += found
    return samples
