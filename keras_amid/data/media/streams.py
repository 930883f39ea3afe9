"""What readers of media files share: which streams, at what times, and for how long."""

import statistics

import av
import numpy as np


def picture_stream(container):
    """Returns the first video stream that is a film and can be decoded, or None."""
    for stream in container.streams.video:
        cover = bool(stream.disposition & av.stream.Disposition.attached_pic)
        if stream.codec_context is not None and not cover:
            # One thread a file: many files are decoded at once instead.
            stream.codec_context.thread_count = 1
            return stream
    return None


def sound_stream(container):
    """Returns the first audio stream that can be decoded, or None."""
    streams = (s for s in container.streams.audio if s.codec_context is not None)
    return next(streams, None)


def seconds_of(stamp, stream, origin=0.0):
    """Returns the time of a frame or packet in seconds since `origin`, or None.

    Args:
        stamp: A frame or a packet of `stream`.
        stream: An `av` stream.
        origin: Seconds, see `stream_origin`.
    """
    ticks = stamp.pts if stamp.pts is not None else stamp.dts
    base = stamp.time_base or stream.time_base
    return None if ticks is None else float(ticks * base) - origin


def stream_origin(stream):
    """Returns the time at which a stream starts, in seconds of the container's clock."""
    return float((stream.start_time or 0) * stream.time_base)


def declared_duration(container, stream):
    """Returns how long the file says that a video stream is, in seconds; None if it does not.

    The longest claim counts: for an .avi that was cut short FFmpeg shortens the durations, while
    the header's count of frames is still the whole one's.
    """
    claims = []
    if stream.duration:
        claims.append(float(stream.duration * stream.time_base))
    if stream.frames and stream.average_rate:
        claims.append(float(stream.frames / stream.average_rate))
    if not claims and container.duration:
        claims.append(container.duration / av.time_base)
    return max(claims, default=None)


def has_variable_rate(times):
    """Whether frames at `times` (seconds, rising) come at a variable rate.

    That is the case where more than one gap in twenty (and more than one gap) is a quarter longer
    or shorter than the median gap. The first gap is not looked at: muxers stretch it.
    """
    gaps = np.diff(times)[1:]
    if len(gaps) < 2:
        return False
    median = statistics.median(gaps)
    odd = np.count_nonzero(np.abs(gaps - median) > 0.25 * median)
    return bool(odd > max(1, 0.05 * len(gaps)))
