"""Reading of whole media files (FFmpeg through PyAV)."""

import dataclasses

import numpy as np

from keras_amid.data.media.audio import MonoSound
from keras_amid.data.media.errors import MediaError, opened
from keras_amid.data.media.streams import picture_stream, sound_stream


@dataclasses.dataclass(frozen=True)
class Clip:
    """A decoded clip.

    Attributes:
        frames: uint8 array (frames, height, width, channels).
        fps: Frames a second.
        audio: float32 array (samples,) in [-1, 1], or None where no sound was asked for.
        sample_rate: Samples a second of `audio`, or None.
    """

    frames: np.ndarray
    fps: float
    audio: np.ndarray | None = None
    sample_rate: int | None = None


def read_clip(path, channels=3, sample_rate=None):
    """Decodes a whole clip as it is stored; see `read_segments` for what real videos need.

    Args:
        path: Media file.
        channels: 3 for RGB, 1 for gray (luma, full range whatever the file's own).
        sample_rate: Samples a second of the sound (resampled, the mean of its channels); None
            leaves the sound alone (a silent file is then fine).

    Returns:
        A `Clip`.

    Raises:
        MediaError: The file is missing, empty or broken, has no frames, or has no sound where
            sound is asked for.
        ValueError: `channels` is neither 1 nor 3.
    """
    if channels not in (1, 3):
        raise ValueError(f"`channels` must be 1 or 3, received {channels!r}.")
    frames, fps, audio = _decode(path, "gray" if channels == 1 else "rgb24", sample_rate)
    if not frames:
        raise MediaError(path, "no frames")
    frames = np.stack(frames)
    if channels == 1:
        frames = frames[..., np.newaxis]
    return Clip(frames, fps, audio, sample_rate)


def read_sound(path, sample_rate):
    """Decodes the sound of a media file.

    Args:
        path: Media file, with or without a picture.
        sample_rate: Samples a second to resample to.

    Returns:
        float32 array (samples,) in [-1, 1], the mean of the channels.

    Raises:
        MediaError: The file is missing, empty or broken, or has no sound.
    """
    return _decode(path, None, sample_rate)[2]


def _decode(path, pixels, sample_rate):
    """Decodes the first video and the first audio stream, each only where it is asked for."""
    frames, sound, fps = [], MonoSound(sample_rate), 0.0
    with opened(path) as container:
        video = picture_stream(container) if pixels else None
        audio = sound_stream(container) if sample_rate else None
        if pixels and video is None:
            raise MediaError(path, "no picture")
        if sample_rate and audio is None:
            raise MediaError(path, "no sound")
        for packet in container.demux([s for s in (video, audio) if s is not None]):
            for frame in packet.decode():
                if packet.stream is video:
                    frames.append(frame.to_ndarray(format=pixels))
                else:
                    sound.add_frame(frame)
        if pixels:
            fps = float(video.average_rate or 0)
    if not sample_rate:
        return frames, fps, None
    samples = sound.finish()
    if not len(samples):
        raise MediaError(path, "no sound")
    return frames, fps, samples
