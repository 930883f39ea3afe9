"""Decoding of a sample that is a video with its sound, in whatever files it is kept."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_amid.data.datasets.finding import PICTURES, first_readable, located
from keras_amid.data.media import MediaError, Segments, probe, read_segments, read_sound
from keras_amid.data.media.limits import Allowance
from keras_amid.data.media.pictures import FrameSampler, PictureScaler
from keras_amid.data.media.stills import decode_still

_CLIP_FRAMES = 16  # frames of a training clip
_USUAL_RATES = (23.0, 31.0)  # frames a second


@dataclasses.dataclass(frozen=True)
class VideoReader:
    """Decodes rows that are videos; see `read_segments` for what the arguments mean.

    Args:
        sample_rate: Samples a second of the sound.
        short_side: Pixels.
        fps: Frames a second, or None for every frame.
        keep_silent: Whether a video without a sound track is kept, with None as its sound.
    """

    sample_rate: int
    short_side: int
    fps: float | None
    keep_silent: bool = False

    def read(self, row: dict, roots: Path | Sequence[Path]) -> dict:
        """Decodes a row.

        Args:
            row: Dict with `file`, and where there are any `others` (files of the same video, for
                the case that the first cannot be used), `sound` (a file beside), `segments` (all of
                the video without) and `notes`. A `file` that is a folder holds the pictures.
            roots: Folder, or folders, that the files are relative to.

        Returns:
            Dict with `video` (uint8, (frames, height, width, 3)), `audio` (float32, (samples,), or
            None) and `notes`, for `write_records`.
        """
        files = [row["file"], *row.get("others", ())]
        paths = [path for file in files for path in located(roots, file)]
        sound = located(roots, row["sound"])[0] if "sound" in row else None
        try:
            clip, replaced = first_readable(paths, lambda path: self._clip(path, sound, row))
        except MediaError:
            silent = [p for p in paths if self.keep_silent and sound is None and _is_silent(p)]
            if not silent:
                raise
            clip, replaced = first_readable(silent, lambda path: self._silent(path, row))
        notes = [*row.get("notes", ()), *replaced, *clip.notes]
        if len(clip.frames) < _CLIP_FRAMES:
            plural = "s" if len(clip.frames) > 1 else ""
            notes.append(f"{len(clip.frames)} frame{plural}, fewer than {_CLIP_FRAMES}")
        return {"video": clip.frames, "audio": clip.audio, "notes": notes}

    def _options(self):
        return {name: getattr(self, name) for name in ("sample_rate", "short_side", "fps")}

    def _silent(self, path, row):
        options = {**self._options(), "sample_rate": None}
        clip = read_segments(path, row.get("segments"), **options)
        return dataclasses.replace(clip, notes=[*clip.notes, "no sound"])

    def _clip(self, path, sound, row):
        options = self._options()
        if path.is_dir():
            return read_pictures(path, sound, **options)
        if sound is None or probe(path).has_sound:
            return read_segments(path, row.get("segments"), **options)
        clip = read_segments(path, row.get("segments"), **{**options, "sample_rate": None})
        audio = read_sound(sound, self.sample_rate)
        notes = [*clip.notes, f"sound of {sound.suffix} file"]
        return dataclasses.replace(clip, audio=audio, sample_rate=self.sample_rate, notes=notes)


def read_pictures(
    folder: Path, sound: Path | None, *, sample_rate: int, short_side: int, fps: float | None
) -> Segments:
    """Reads a video that is kept as a folder of its pictures, and a sound file.

    Their rate is not written anywhere: it is taken from the sound, which is as long.

    Args:
        folder: Holds .jpg or .png files, numbered in their order. Optical flow (flow_*) is passed
            over.
        sound: Sound file.
        sample_rate: Samples a second to resample the sound to.
        short_side: Pixels to which the shorter side is scaled down.
        fps: Frames a second to take; None for every one there is.

    Returns:
        A `Segments`.

    Raises:
        MediaError: A picture or the sound cannot be used, the pictures differ in size, or they ask
            for more than the limits allow.
    """
    if sound is None:
        raise MediaError(folder, "pictures without a sound file")
    names = [path for path in folder.iterdir() if path.name.lower().endswith(PICTURES)]
    paths = sorted((p for p in names if not p.name.startswith("flow")), key=_number)
    audio = read_sound(sound, sample_rate)
    if not paths or not len(audio):
        raise MediaError(folder, "no frames" if not paths else "no sound")
    rate = len(paths) * sample_rate / len(audio)
    allowance = Allowance(folder, None)
    sampler, scaler = FrameSampler(0.0, None, fps), PictureScaler(short_side, None, allowance)
    frames, sizes = [], set()
    for number, path in enumerate(paths):
        picture = decode_still(path, allowance)
        sizes.add(f"{picture.width}x{picture.height}")
        if len(sizes) > 1:
            raise MediaError(path, f"the picture changes its size: {' and '.join(sorted(sizes))}")
        frames += scaler.scaled(sampler.add(picture, number / rate))
    frames += scaler.scaled(sampler.finish())
    notes = list(scaler.notes)
    if not _USUAL_RATES[0] <= rate <= _USUAL_RATES[1]:
        notes.append(f"{rate:.1f} pictures a second of sound")
    spans = [(0.0, len(paths) / rate)]
    return Segments(np.stack(frames), fps or rate, audio, sample_rate, notes, spans)


def _is_silent(path):
    """Whether a file has pictures and no sound track."""
    if path.is_dir():
        return False
    try:
        found = probe(path)
    except MediaError:
        return False
    return found.has_video and not found.has_sound


def _number(path):
    numbers = re.findall(r"\d+", path.stem)
    return int(numbers[-1]) if numbers else -1, path.name
