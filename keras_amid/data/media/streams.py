"""What readers of media files share: which streams, at what times, and for how long."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import av
import numpy as np

from keras_amid.data.media.errors import MediaError
from keras_amid.data.media.limits import Allowance
from keras_amid.data.media.opening import opened, pixel_guard

# Their headers tell a length. That of other formats FFmpeg guesses, or takes from the file's size.
_TELL_LENGTH = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flv", "asf", "flac", "au", "aiff")
_TOLERANCE = 0.05  # of the rate: containers round timestamps
_SHORTEST = 1e-6  # seconds between frames
_STILL_CODECS = ("mjpeg", "png", "apng", "bmp", "gif", "jpegls", "tiff", "webp")
_PCM = re.compile(r"pcm_\D+(?P<bits>\d+)?")
_LENGTH_TAG = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


def picture_stream(
    container: av.container.InputContainer, allowance: Allowance
) -> av.VideoStream | None:
    """Returns the video stream that FFmpeg would play, of those that are films; or None.

    Attached pictures (covers) are no films, nor are streams of one still image.

    Args:
        container: The open `av` container.
        allowance: The file's `Allowance`.

    Raises:
        MediaError: The pictures have more pixels than the limits allow.
    """
    best = container.streams.best("video")
    others = sorted(container.streams.video, key=_standing, reverse=True)
    for stream in dict.fromkeys([s for s in (best, *others) if s is not None]):
        cover = bool(stream.disposition & av.stream.Disposition.attached_pic)
        if stream.codec_context is None or cover or _is_still(stream, allowance):
            continue
        allowance.check_picture(*stated_size(stream, allowance))
        # One thread a file: many files are decoded at once instead.
        stream.codec_context.thread_count = 1
        stream.codec_context.options = pixel_guard(allowance.limits)
        return stream
    return None


def sound_stream(
    container: av.container.InputContainer, allowance: Allowance, video: av.VideoStream | None
) -> av.AudioStream | None:
    """Returns the audio stream that FFmpeg would play beside `video`; or None.

    Args:
        container: The open `av` container.
        allowance: The file's `Allowance`.
        video: The stream of the picture, or None.

    Raises:
        MediaError: Its sample rate is not one that the limits allow, or contradicts the header.
    """
    best = container.streams.best("audio", related=video)
    others = sorted(container.streams.audio, key=_standing, reverse=True)
    for stream in [s for s in (best, *others) if s is not None]:
        if stream.codec_context is not None:
            allowance.check_rate(stream.codec_context.sample_rate or 0)
            _check_pcm(stream, allowance)
            return stream
    return None


def _check_pcm(stream: av.AudioStream, allowance: Allowance) -> None:
    """Refuses plain samples whose number a second is not what their bytes a second make."""
    context = stream.codec_context
    match = _PCM.match(context.name)
    told = context.bit_rate or 0
    if match is None or not told:
        return
    bits = context.sample_rate * context.channels * int(match["bits"] or 8)
    if abs(bits - told) > _TOLERANCE * told:
        reason = f"{context.sample_rate} samples a second, but {told // 8} bytes in its header"
        raise MediaError(allowance.path, f"broken ({reason})")


def _standing(stream: av.stream.Stream) -> tuple[bool, int]:
    default = bool(stream.disposition & av.stream.Disposition.default)
    return default, stream.codec_context.bit_rate or 0 if stream.codec_context else 0


def _is_still(stream: av.VideoStream, allowance: Allowance) -> bool:
    """Whether a stream is one image: a cover that is not marked as one."""
    if stream.codec_context.name not in _STILL_CODECS or stream.frames > 1:
        return False
    count = 0
    with opened(allowance.path, allowance.limits) as container:
        for packet in container.demux(container.streams[stream.index]):
            count += bool(packet.size)
            if count > 1:
                return False
    return True


def stated_size(stream: av.VideoStream, allowance: Allowance) -> tuple[int, int]:
    """Returns (width, height) as a file states it, be it too large a picture to look into."""
    context = stream.codec_context
    if context.width and context.height:
        return context.width, context.height
    with opened(allowance.path, allowance.limits, skip_pictures=True) as container:
        context = container.streams[stream.index].codec_context
        return context.width or 0, context.height or 0


def seconds_of(stamp: av.Packet | av.frame.Frame, stream: av.stream.Stream) -> float | None:
    """Returns the time of a frame or packet on the container's clock, in seconds; or None.

    Args:
        stamp: A frame or a packet of `stream`.
        stream: An `av` stream.
    """
    ticks = stamp.pts if stamp.pts is not None else stamp.dts
    base = stamp.time_base or stream.time_base
    return None if ticks is None else float(ticks * base)


def origin(container: av.container.InputContainer) -> float:
    """Returns where a file's own time begins on the container's clock, in seconds.

    That is where its first stream begins, be it the picture or the sound: a player shows that as
    zero, and annotations count from there.
    """
    return (container.start_time or 0) / av.time_base


def start_of(stream: av.stream.Stream) -> float | None:
    """Returns where a stream says that it begins on the container's clock; None if it does not."""
    return None if stream.start_time is None else float(stream.start_time * stream.time_base)


def own_end(container: av.container.InputContainer, stream: av.stream.Stream) -> float | None:
    """Returns where a stream says that it ends on the container's clock, in seconds; or None."""
    if container.format.name == "avi" and stream.type == "video":
        # FFmpeg shortens the duration of an .avi that was cut short, not the header's count.
        counted = stream.frames and stream.average_rate
        return float(stream.frames / stream.average_rate) if counted else None
    match = _LENGTH_TAG.match(stream.metadata.get("DURATION", ""))
    if match is not None:  # Matroska
        hours, minutes, seconds = match.groups()
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    if container.format.name in _TELL_LENGTH and stream.duration:
        return (start_of(stream) or 0.0) + float(stream.duration * stream.time_base)
    return None


def container_end(container: av.container.InputContainer) -> float | None:
    """Returns where a file says that the longest of its streams ends; None if it does not."""
    if container.format.name in _TELL_LENGTH and container.duration:
        return container.duration / av.time_base
    return None


def lengths(container: av.container.InputContainer) -> Iterator[float]:
    """Yields every duration that a file states, in seconds."""
    if container.duration:
        yield container.duration / av.time_base
    for stream in container.streams:
        if stream.duration and stream.time_base:
            yield float(stream.duration * stream.time_base)


def has_variable_rate(times: Sequence[float]) -> bool:
    """Whether frames at `times` (seconds, rising) come at a variable rate.

    That is the case where more than one gap in twenty (and more than one gap) is a quarter longer
    or shorter than the median gap. The first gap is not looked at: muxers stretch it.
    """
    gaps: Any = np.diff(times)[1:]
    if len(gaps) < 2:
        return False
    median = statistics.median(gaps)
    odd = np.count_nonzero(np.abs(gaps - median) > 0.25 * median)
    return bool(odd > max(1, 0.05 * len(gaps)))


def measured_rate(times: Sequence[Sequence[float]], told: float | None) -> float:
    """Returns frames a second: as a file tells, unless the times of its frames contradict it.

    Args:
        times: Runs of frames' times in seconds, each rising.
        told: Frames a second on the average, as the file tells; None if it does not.

    Returns:
        The mean of the runs where the rate is variable or not as told; else what is told; 0 where
        nothing is known.
    """
    told = float(told or 0)
    gaps = np.concatenate([np.zeros(0), *(np.diff(run) for run in times)])
    if not gaps.sum() > 0:
        return told
    mean, usual = len(gaps) / gaps.sum(), 1 / max(float(np.median(gaps)), _SHORTEST)
    # The mean alone would not do: muxers stretch the first gap.
    as_told = any(abs(rate - told) <= _TOLERANCE * told for rate in (mean, usual))
    return told if as_told and not any(map(has_variable_rate, times)) else float(mean)
