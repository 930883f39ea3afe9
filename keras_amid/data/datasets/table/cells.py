"""Cells of a row -> arrays: what runs in the worker processes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np

from keras_amid.data.datasets.table.columns import FILES, Source, located
from keras_amid.data.media import (
    MediaError,
    find_streams,
    read_picture,
    read_segments,
    read_sound,
)

# What numpy raises about damaged .npy files; a header that is no Python ends in the last two.
_DAMAGED = (
    OSError, ValueError, EOFError, MemoryError, TypeError, OverflowError, SyntaxError, TokenError,
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class CellReader:
    """Decodes rows of a table.

    Attributes:
        root: Folder that paths are relative to.
        sources: The modalities.
        sample_rate, short_side, fps: See `Table`.
        keep_silent: Keep a video without sound, where it should have some.
        dimensions: Dict modality -> number of dimensions of its arrays.
    """

    root: Path
    sources: tuple[Source, ...]
    sample_rate: int
    short_side: int
    fps: float | None
    keep_silent: bool
    dimensions: dict[str, int]

    def read(self, row: dict) -> dict[str, Any]:
        """Decodes a row.

        Args:
            row: Dict with `cells`, modality -> text (of numbers, a list of them), without those
                that are missing, and where there is one `segment`, (start, end or None).

        Returns:
            Dict modality -> value, None where it is missing, and `notes`, for `write_records`.

        Raises:
            MediaError: A file cannot be used.
        """
        values: dict[str, Any] = {"notes": []}
        for source in self.sources:
            if source.modality in row["cells"] and source.modality not in values:
                reader = getattr(self, f"_read_{source.kind}")
                values |= reader(source, row, values["notes"])
        values["notes"] = list(dict.fromkeys(values["notes"]))
        return {**dict.fromkeys(source.modality for source in self.sources), **values}

    def files(self, row: dict) -> list[Path]:
        """Returns the files that a row is read from."""
        cells = [row["cells"].get(s.modality) for s in self.sources if s.kind in FILES]
        return [located(self.root, cell) for cell in dict.fromkeys(cells) if cell is not None]

    def _read_video(self, source, row, notes):
        """The picture and, from the same file, its sound, so that both are cut alike."""
        path, sound = located(self.root, row["cells"][source.modality]), self._sound_of(source, row)
        heard = sound is not None and (not self.keep_silent or find_streams(path)[1])
        clip = read_segments(
            path,
            [tuple(row["segment"])] if "segment" in row else None,
            short_side=self.short_side,
            fps=self.fps,
            sample_rate=self.sample_rate if heard else None,
        )
        notes += clip.notes
        values = {source.modality: clip.frames}
        return values if sound is None else {**values, sound: clip.audio}

    def _sound_of(self, source, row):
        """The modality that is the sound of the same file; None where there is none."""
        cells = row["cells"]
        same = [
            other.modality
            for other in self.sources
            if other.kind == "audio" and cells.get(other.modality) == cells[source.modality]
        ]
        return same[0] if same else None

    def _read_image(self, source, row, notes):
        path = located(self.root, row["cells"][source.modality])
        return {source.modality: read_picture(path, self.short_side, notes)}

    def _read_audio(self, source, row, notes):
        path, segment = located(self.root, row["cells"][source.modality]), row.get("segment")
        segment = None if segment is None else tuple(segment)
        return {source.modality: read_sound(path, self.sample_rate, segment=segment, notes=notes)}

    def _read_array(self, source, row, notes):
        path = located(self.root, row["cells"][source.modality])
        array = read_array(path)
        expected = self.dimensions[source.modality]
        if array.ndim != expected or not array.size:
            reason = f"an array of shape {array.shape}, not of {expected} dimensions"
            raise MediaError(path, reason if array.size else f"an empty array {array.shape}")
        if not np.isfinite(array).all():
            raise MediaError(path, "numbers that are not finite")
        return {source.modality: array}

    def _read_text(self, source, row, notes):
        return {source.modality: row["cells"][source.modality]}

    def _read_numbers(self, source, row, notes):
        return {source.modality: np.array(row["cells"][source.modality], np.float32)}


def read_array(path: Path, memory_map: bool = False) -> np.ndarray:
    """Reads a .npy file as float32, of at least one dimension.

    Args:
        path: The file. Pickled objects in it are refused, for reading one runs its code.
        memory_map: Return the array as it is, without reading its numbers.

    Raises:
        MediaError: It is missing, damaged, or holds no numbers.
    """
    try:
        array = np.load(path, mmap_mode="r" if memory_map else None, allow_pickle=False)
    except FileNotFoundError as error:
        raise MediaError(path, "no such file") from error
    except _DAMAGED as error:
        raise MediaError(path, f"no whole .npy file ({error})") from error
    if not isinstance(array, np.ndarray) or not _is_numeric(array.dtype):
        raise MediaError(path, f"no array of numbers ({getattr(array, 'dtype', 'an archive')})")
    return array if memory_map else np.atleast_1d(array).astype(np.float32)


def _is_numeric(dtype):
    return np.issubdtype(dtype, np.bool_) or (
        np.issubdtype(dtype, np.number) and not np.issubdtype(dtype, np.complexfloating)
    )
