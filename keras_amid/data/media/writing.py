"""Writing of media files (FFmpeg through PyAV)."""

from __future__ import annotations

import fractions
from pathlib import Path
from typing import Any

import av
import numpy as np

from keras_amid.data.storage.files import replacing

_FULL_RANGE = 2  # AVCOL_RANGE_JPEG: luma 0..255, as in the arrays
_LOSSLESS_FORMATS = {1: "gray", 3: "bgr0"}
_ODD_SIZES = ("ffv1", "mpeg4")  # encoders that take an odd height or width
_CLOCK = fractions.Fraction(1, 90000)  # seconds a tick of frames at a variable rate
_SOUND_CODECS = {".flac": "flac", ".wav": "pcm_s16le"}
_PCM_SCALE = 32768.0
_REPRODUCIBLE = {"fflags": "+bitexact"}  # no random identifiers: the same clip, the same bytes


def write_clip(
    path: str | Path,
    frames: Any,
    fps: float,
    audio: Any = None,
    sample_rate: int | None = None,
    video_codec: str = "ffv1",
    audio_codec: str = "flac",
    options: dict | None = None,
    times: Any = None,
) -> None:
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
        times: Seconds at which each frame is shown, rising, for a variable frame rate (in .mp4 and
            .mkv); None for k / fps.

    Raises:
        ValueError: `frames`, `audio` or `times` of another shape or dtype, no `sample_rate` with
            `audio`, or an odd height or width with a codec that does not take it.
    """
    frames = _check_frames(frames, video_codec, times)
    if audio is not None:
        audio = _check_audio(audio, sample_rate)
    with replacing(path) as temporary, _create(temporary) as container:
        video_stream = _add_video(container, frames, fps, video_codec, options)
        audio_stream = None
        if audio is not None:
            audio_stream = _add_audio(container, sample_rate, audio_codec)
        for frame in _video_frames(frames, video_stream, times):
            container.mux(video_stream.encode(frame))
        container.mux(video_stream.encode(None))
        if audio_stream is not None:
            _mux_audio(container, audio_stream, audio, sample_rate)


def write_sound(path: str | Path, audio: Any, sample_rate: int, codec: str | None = None) -> None:
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


def _create(path):
    return av.open(str(path), "w", options=_REPRODUCIBLE)


def _check_frames(frames, codec, times):
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] not in (1, 3):
        raise ValueError(
            "`frames` must be uint8 of shape (frames, height, width, 1 or 3), "
            f"received {frames.dtype} of shape {frames.shape}."
        )
    if not frames.size:
        raise ValueError(f"`frames` must not be empty; received shape {frames.shape}.")
    if codec not in _ODD_SIZES and (frames.shape[1] % 2 or frames.shape[2] % 2):
        raise ValueError(
            f"`frames` must have an even height and width for {codec!r}, "
            f"received shape {frames.shape}."
        )
    if times is not None and (len(times) != len(frames) or np.any(np.diff(times) <= 0)):
        raise ValueError(
            f"`times` must be {len(frames)} rising seconds, one a frame; received {times!r}."
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
        raise ValueError(f"`sample_rate` must be a positive integer; received {sample_rate!r}.")
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


def _video_frames(frames, stream, times):
    full = stream.codec_context.color_range == _FULL_RANGE
    if times is not None:
        stream.codec_context.time_base = _CLOCK
    for number, array in enumerate(frames):
        if array.shape[-1] == 1:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(array[..., 0]), format="gray")
        else:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(array), format="rgb24")
        if full:
            frame = frame.reformat(
                format=stream.pix_fmt, src_color_range=_FULL_RANGE, dst_color_range=_FULL_RANGE
            )
            frame.color_range = _FULL_RANGE
        if times is not None:
            frame.pts, frame.time_base = round(times[number] / _CLOCK), _CLOCK
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
