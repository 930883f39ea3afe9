"""Decoding of a sample that is a video file with its own sound."""

from __future__ import annotations

from pathlib import Path

from keras_amid.data.media.segments import read_segments

_CLIP_FRAMES = 16  # frames of a training clip


def read_video(
    path: str | Path,
    row: dict,
    *,
    sample_rate: int,
    short_side: int,
    fps: float | None,
) -> dict:
    """Decodes a row's video.

    Args:
        path: The video file.
        row: Dict, optionally with `segments` (all of the video without) and `notes`.
        sample_rate: See `read_segments`, as `short_side` and `fps`.
        short_side: Pixels.
        fps: Frames a second.

    Returns:
        Dict with `video` (uint8, (frames, height, width, 3)), `audio` (float32, (samples,)) and
        `notes`, for `write_records`.
    """
    clip = read_segments(
        path, row.get("segments"), sample_rate=sample_rate, short_side=short_side, fps=fps
    )
    notes = [*row.get("notes", ()), *clip.notes]
    if len(clip.frames) < _CLIP_FRAMES:
        plural = "s" if len(clip.frames) > 1 else ""
        notes.append(f"{len(clip.frames)} frame{plural}, fewer than {_CLIP_FRAMES}")
    return {"video": clip.frames, "audio": clip.audio, "notes": notes}
