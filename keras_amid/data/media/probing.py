"""What a media file holds, without decoding it."""

import dataclasses

from keras_amid.data.media.errors import MediaError, opened
from keras_amid.data.media.pictures import right_angle
from keras_amid.data.media.streams import (
    declared_duration,
    has_variable_rate,
    picture_stream,
    seconds_of,
    sound_stream,
)


@dataclasses.dataclass(frozen=True)
class MediaInfo:
    """What a media file holds.

    Attributes:
        duration: Seconds, as the file declares it; None if it does not.
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


def probe(path):
    """Looks into a media file: reads its packets, decodes one frame.

    Args:
        path: Media file.

    Returns:
        A `MediaInfo`.

    Raises:
        MediaError: The file is missing, empty or broken, or holds neither picture nor sound.
    """
    with opened(path) as container:
        video, audio = picture_stream(container), sound_stream(container)
        if video is None and audio is None:
            raise MediaError(path, "neither picture nor sound")
        if video is None:
            duration = container.duration and container.duration / 1e6
            rate = audio.codec_context.sample_rate
            return MediaInfo(duration, None, 0, None, None, 0, False, True, rate, False)
        first, times = _first_frame_and_times(container, video)
        if first is None:
            raise MediaError(path, "no frames")
        rotation = right_angle(first)
        height, width = first.height, first.width
        return MediaInfo(
            duration=declared_duration(container, video),
            fps=float(video.average_rate) if video.average_rate else None,
            frames=len(times),
            height=width if rotation % 180 else height,
            width=height if rotation % 180 else width,
            rotation=rotation,
            has_video=True,
            has_sound=audio is not None,
            sample_rate=audio.codec_context.sample_rate if audio is not None else None,
            variable_frame_rate=has_variable_rate(sorted(t for t in times if t is not None)),
        )


def _first_frame_and_times(container, video):
    first, times = None, []
    for packet in container.demux(video):
        if packet.size:
            times.append(seconds_of(packet, video))
        if first is None:
            first = next(iter(packet.decode()), None)
    return first, times
