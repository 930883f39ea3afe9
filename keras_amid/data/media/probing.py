"""What a media file holds, without decoding all of it."""

from __future__ import annotations

import dataclasses
import os

from keras_amid.data.media.decoding import Film
from keras_amid.data.media.errors import MediaError
from keras_amid.data.media.limits import Allowance, Limits
from keras_amid.data.media.opening import opened
from keras_amid.data.media.pictures import right_angle
from keras_amid.data.media.streams import (
    has_variable_rate,
    measured_rate,
    picture_stream,
    sound_stream,
)


@dataclasses.dataclass(frozen=True)
class MediaInfo:
    """What a media file holds.

    Attributes:
        duration: Seconds from the first to the last of the picture; of the sound, without one.
        fps: Frames a second on the average, or None without a picture.
        frames: Frames that are there (packets of the video stream).
        height: Of the picture in pixels, as it is shown (after `rotation`); None without one.
        width: Likewise.
        rotation: Degrees counterclockwise, a multiple of 90, by which the stored picture is turned
            to be shown (the display matrix of phone videos).
        has_video: Whether there is a picture.
        has_sound: Whether there is sound.
        sample_rate: Samples a second of the sound as it is stored, or None.
        variable_frame_rate: Whether the frames come at a variable rate.
    """

    duration: float | None
    fps: float | None
    frames: int
    height: int | None
    width: int | None
    rotation: int
    has_video: bool
    has_sound: bool
    sample_rate: int | None
    variable_frame_rate: bool


def probe(path: str | os.PathLike, *, limits: Limits | None = None) -> MediaInfo:
    """Looks into a media file: reads its packets, decodes the key frames of its picture.

    Args:
        path: Media file.
        limits: A `Limits`; None for those that `limit` set, or the defaults.

    Returns:
        A `MediaInfo`.

    Raises:
        MediaError: The file is missing, empty, broken or truncated, or holds neither picture nor
            sound; its picture changes its size; or it asks for more than `limits`.
    """
    allowance = Allowance(path, limits)
    with opened(path, allowance.limits) as container:
        video = picture_stream(container, allowance)
        audio = sound_stream(container, allowance, video)
        if video is None and audio is None:
            raise MediaError(path, "neither picture nor sound")
        film = Film(container, video, audio, allowance)
        first, times = _look(film)
        film.check()
        if video is not None and first is None:
            raise MediaError(path, "no frames")
        return _info(film, first, times)


def find_streams(path: str | os.PathLike, *, limits: Limits | None = None) -> tuple[bool, bool]:
    """Says whether a media file has a picture and whether it has sound, by its header alone.

    Args:
        path: Media file.
        limits: A `Limits`; None for those that `limit` set, or the defaults.

    Returns:
        (has a picture, has sound).

    Raises:
        MediaError: The file is missing, empty or broken, or asks for more than `limits`.
    """
    allowance = Allowance(path, limits)
    with opened(path, allowance.limits) as container:
        video = picture_stream(container, allowance)
        return video is not None, sound_stream(container, allowance, video) is not None


def _look(film: Film) -> tuple:
    """Reads all packets. Returns the first frame, and the times of all."""
    first, times = None, []
    for packet in film.packets():
        if packet.stream is not film.video:
            continue
        if packet.size and not packet.is_discard:
            times.append(film.time_of(packet, film.video))
        # A picture changes its size at key frames only. Where every frame is one, the first does.
        key = packet.is_keyframe and not film.video.codec_context.codec.intra_only
        if first is None or key:
            frames = film.decode(packet)
            first = frames[0] if first is None and frames else first
    return first, times


def _info(film: Film, first, times: list) -> MediaInfo:
    video, audio = film.video, film.audio
    rate = audio.codec_context.sample_rate if audio is not None else None
    known = sorted(time for time in times if time is not None)
    begin = known[0] if known else film.start()
    duration = max(0.0, film.last() - begin)
    if video is None:
        return MediaInfo(duration, None, 0, None, None, 0, False, True, rate, False)
    rotation = right_angle(first)
    height, width = first.height, first.width
    return MediaInfo(
        duration=duration,
        fps=measured_rate([known], video.average_rate) or None,
        frames=len(times),
        height=width if rotation % 180 else height,
        width=height if rotation % 180 else width,
        rotation=rotation,
        has_video=True,
        has_sound=audio is not None,
        sample_rate=rate,
        variable_frame_rate=has_variable_rate(known),
    )
