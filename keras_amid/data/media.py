"""Reading and writing of media files (FFmpeg through PyAV)."""

import dataclasses
import fractions

import av
import numpy as np

from keras_amid.data.files import replacing

_FULL_RANGE = 2  # AVCOL_RANGE_JPEG: luma 0..255, as in the arrays
_LOSSLESS_FORMATS = {1: "gray", 3: "bgr0"}
_SOUND_CODECS = {".flac": "flac", ".wav": "pcm_s16le"}
_PCM_SCALE = 32768.0
_REPRODUCIBLE = {"fflags": "+bitexact"}  # no random identifiers: the same clip, the same bytes


class MediaError(Exception):
    """A media file that cannot be used: missing, broken, empty, or without what was asked for.

    Attributes:
        path: The file, as text.
        reason: What is wrong with it.
    """

    def __init__(self, path, reason):
        super().__init__(str(path), reason)
        self.path = str(path)
        self.reason = reason

    def __str__(self):
        return f"{self.path}: {self.reason}"


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


def write_clip(
    path,
    frames,
    fps,
    audio=None,
    sample_rate=None,
    video_codec="ffv1",
    audio_codec="flac",
    options=None,
):
    """Writes a clip, atomically, with one encoder thread (encode many clips in parallel instead).

    Args:
        path: File to write; its suffix chooses the container (.mkv takes every codec).
        frames: uint8 array (frames, height, width, channels), channels 1 (gray) or 3 (RGB).
        fps: Frames a second.
        audio: float array (samples,) in [-1, 1], mono; None for a clip without sound.
        sample_rate: Samples a second of `audio`.
        video_codec: FFmpeg encoder. "ffv1" is lossless; "libx264" is written in full range, so
            that gray levels keep their values; others are written as FFmpeg does by default.
        audio_codec: FFmpeg encoder of the sound; "flac" and "pcm_s16le" are lossless at 16 bits.
        options: Dict of encoder options, such as `{"crf": "10"}`.

    Raises:
        ValueError: `frames` or `audio` of another shape or dtype, no `sample_rate` with `audio`,
            or an odd height or width with a codec that halves the colour planes.
    """
    frames = _check_frames(frames, video_codec)
    if audio is not None:
        audio = _check_audio(audio, sample_rate)
    with replacing(path) as temporary, _create(temporary) as container:
        video_stream = _add_video(container, frames, fps, video_codec, options)
        audio_stream = None
        if audio is not None:
            audio_stream = _add_audio(container, sample_rate, audio_codec)
        for frame in _video_frames(frames, video_stream):
            container.mux(video_stream.encode(frame))
        container.mux(video_stream.encode(None))
        if audio_stream is not None:
            _mux_audio(container, audio_stream, audio, sample_rate)


def write_sound(path, audio, sample_rate, codec=None):
    """Writes a mono sound file, atomically.

    Args:
        path: File to write.
        audio: float array (samples,) in [-1, 1].
        sample_rate: Samples a second.
        codec: FFmpeg encoder; None chooses by the suffix (.flac or .wav, 16 bits).

    Raises:
        ValueError: `audio` of another shape or dtype, or a suffix that names no codec.
    """
    audio = _check_audio(audio, sample_rate)
    with replacing(path) as temporary:
        codec = codec or _SOUND_CODECS.get(temporary.suffix)
        if codec is None:
            raise ValueError(
                f"`path` must end in one of {sorted(_SOUND_CODECS)} where `codec` is None, "
                f"received {str(path)!r}."
            )
        with _create(temporary) as container:
            stream = _add_audio(container, sample_rate, codec)
            _mux_audio(container, stream, audio, sample_rate)


def read_clip(path, channels=3, sample_rate=None):
    """Decodes a whole clip.

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


def _create(path):
    return av.open(str(path), "w", options=_REPRODUCIBLE)


def _check_frames(frames, codec):
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] not in (1, 3):
        raise ValueError(
            "`frames` must be uint8 of shape (frames, height, width, 1 or 3), "
            f"received {frames.dtype} of shape {frames.shape}."
        )
    if not frames.size:
        raise ValueError(f"`frames` must not be empty, received shape {frames.shape}.")
    if codec != "ffv1" and (frames.shape[1] % 2 or frames.shape[2] % 2):
        raise ValueError(
            f"`frames` must have an even height and width for {codec!r}, "
            f"received shape {frames.shape}."
        )
    return frames


def _check_audio(audio, sample_rate):
    audio = np.asarray(audio)
    if audio.ndim != 1 or not audio.size or not np.issubdtype(audio.dtype, np.floating):
        raise ValueError(
            "`audio` must be floating point of shape (samples,), not empty, "
            f"received {audio.dtype} of shape {audio.shape}."
        )
    if not isinstance(sample_rate, int) or sample_rate < 1:
        raise ValueError(f"`sample_rate` must be a positive integer, received {sample_rate!r}.")
    return audio


def _add_video(container, frames, fps, codec, options):
    rate = fractions.Fraction(fps).limit_denominator(1001)
    stream = container.add_stream(codec, rate=rate, options=dict(options or {}))
    stream.height, stream.width, channels = frames.shape[1:]
    stream.codec_context.thread_count = 1
    if codec == "ffv1":
        stream.pix_fmt = _LOSSLESS_FORMATS[channels]
    else:
        stream.pix_fmt = "yuv420p"
    if codec == "libx264":
        stream.codec_context.color_range = _FULL_RANGE
    return stream


def _video_frames(frames, stream):
    full = stream.codec_context.color_range == _FULL_RANGE
    for array in frames:
        if array.shape[-1] == 1:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(array[..., 0]), format="gray")
        else:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(array), format="rgb24")
        if full:
            frame = frame.reformat(
                format=stream.pix_fmt, src_color_range=_FULL_RANGE, dst_color_range=_FULL_RANGE
            )
            frame.color_range = _FULL_RANGE
        yield frame


def _add_audio(container, sample_rate, codec):
    stream = container.add_stream(codec, rate=sample_rate, layout="mono")
    if codec in _SOUND_CODECS.values():
        stream.format = "s16"
    return stream


def _mux_audio(container, stream, audio, sample_rate):
    pcm = np.clip(np.round(audio * _PCM_SCALE), -_PCM_SCALE, _PCM_SCALE - 1).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(pcm[np.newaxis], format="s16", layout="mono")
    frame.sample_rate = sample_rate
    frame.pts = 0
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _decode(path, pixels, sample_rate):
    """Decodes the first video and the first audio stream, each only where it is asked for."""
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            video = next(iter(container.streams.video), None) if pixels else None
            audio = next(iter(container.streams.audio), None) if sample_rate else None
            if pixels and video is None:
                raise MediaError(path, "no picture")
            if sample_rate and audio is None:
                raise MediaError(path, "no sound")
            frames, chunks = _decode_streams(container, video, audio, pixels, sample_rate)
            fps = float(video.average_rate or 0) if pixels else 0.0
    except (av.error.FFmpegError, OSError) as error:
        raise MediaError(path, _reason(path, error)) from error
    if not sample_rate:
        return frames, fps, None
    if not sum(chunk.size for chunk in chunks):
        raise MediaError(path, "no sound")
    return frames, fps, np.concatenate(chunks)


def _decode_streams(container, video, audio, pixels, sample_rate):
    frames, chunks = [], []
    resampler = None
    if audio is not None:
        # FFmpeg's own mix to mono scales by 1/sqrt(2): two full channels would exceed [-1, 1].
        resampler = av.AudioResampler(format="fltp", rate=sample_rate)
    for packet in container.demux([s for s in (video, audio) if s is not None]):
        for frame in packet.decode():
            if packet.stream is video:
                frames.append(frame.to_ndarray(format=pixels))
            else:
                chunks += [chunk.to_ndarray().mean(axis=0) for chunk in resampler.resample(frame)]
    if chunks:
        chunks += [chunk.to_ndarray().mean(axis=0) for chunk in resampler.resample(None)]
    return frames, chunks


def _reason(path, error):
    if isinstance(error, FileNotFoundError):
        return "no such file"
    try:
        with open(path, "rb") as file:
            if not file.read(1):
                return "empty file (zero bytes)"
    except OSError:
        pass
    return f"broken ({error.strerror or type(error).__name__})"
