"""How a served student's inputs are made from files: as they were made for training. Without Keras.

What there is to know stands in `assets/inputs.json` of the exported version:

    {"modalities": {"video": {"kind": "video", "shape": [8, 56, 56, 3], "sample_rate": null,
                              "vocabulary": null, "columns": null}},
     "fps": 8.0, "short_side": 128}

Videos are decoded at `fps` (null: their own) and shown in windows of shape[0] frames, of sounds the
middle, of texts the words of the vocabulary, numbers in the order of `columns`: as the training
pipeline does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

#: In `assets/` of a version.
FILE = "inputs.json"
#: In a run's folder: what it adds to the model card of its student.
CARD = "card.json"
_MEDIA = ("video", "audio")


class Inputs:
    """The inputs of one exported version.

    Args:
        described: as above.

    Attributes:
        modalities: dict, name -> its description.
    """

    def __init__(self, described: Mapping[str, Any]):
        self.modalities = described["modalities"]
        self._fps, self._short_side = described["fps"], described["short_side"]

    @classmethod
    def read(cls, version: Path) -> Inputs:
        """Those of a version's folder.

        Raises:
            ValueError: the version does not say how its inputs are made.
        """
        path = version / "assets" / FILE
        try:
            return cls(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"`model` must be a version that `keras-amid train` or `export` wrote of a run; "
                f"received {str(version)!r}, without a whole assets/{FILE}."
            ) from error

    def check_files(self) -> None:
        """Refuses files, each a sample, where a sample is made of more than one.

        Raises:
            ValueError: the student takes what one file cannot hold.
        """
        kinds = sorted(modality["kind"] for modality in self.modalities.values())
        numbers = any(map(self.is_numbers, self.modalities))
        if numbers or (len(kinds) > 1 and kinds != ["audio", "video"]):
            raise ValueError(
                f"`files` must be a table with columns of {list(self.modalities)}, of which a "
                "sample of this student is made; received files."
            )

    def is_numbers(self, name: str) -> bool:
        """Whether a modality is made of columns of numbers."""
        return bool(self.modalities[name].get("columns"))

    def is_file(self, name: str) -> bool:
        """Whether a modality is read from a file."""
        return self.modalities[name]["kind"] != "text" and not self.is_numbers(name)

    def of_file(self, path: Path) -> dict[str, Any]:
        """Modality -> array (windows, ...), one window or all of the video's.

        Args:
            path: media file, .npy or .txt.

        Raises:
            MediaError: the file cannot be used.
            ValueError: it is no file for this student.
        """
        return self.of_row(dict.fromkeys(self.modalities, str(path)), Path())

    def columns(self, names: Sequence[str]) -> dict[str, list[str]]:
        """Modality -> the columns of a table that have it: of its name, a file's, or of numbers.

        Args:
            names: of the columns.

        Raises:
            ValueError: there is none.
        """
        plain = [name for name in names if name in ("file", "path", "media")]
        found = {}
        for name, modality in self.modalities.items():
            others = plain if modality["kind"] in _MEDIA else []
            column = next((n for n in (name, *others) if n in names), name)
            found[name] = list(modality.get("columns") or [column])
            lacking = [column for column in found[name] if column not in names]
            if lacking:
                raise ValueError(
                    f"`files` must be a table with a column {lacking[0]!r}; received the columns "
                    f"{list(names)}."
                )
        return found

    def of_row(
        self,
        cells: Mapping[str, Any],
        folder: Path,
        segment: tuple[float, float | None] | None = None,
    ) -> dict[str, Any]:
        """The same as `of_file`, of a table's row.

        Args:
            cells: modality -> path, text, or list of numbers.
            folder: that paths are relative to.
            segment: start and end of the part of media to take, seconds, or None.
        """
        values = self._read(cells, folder, segment)
        for name, modality in self.modalities.items():
            if modality["kind"] == "audio":
                values[name] = _middle(values[name], modality["shape"][0])
            elif modality["kind"] == "video":
                values[name] = _windows(values[name], modality["shape"])
            elif modality["kind"] == "text":
                values[name] = self._text(values[name], folder, modality)
            else:
                values[name] = _array(cells[name], values[name], modality["shape"])
        count = max(len(value) for value in values.values())
        # What has fewer windows shows its last one again, as the training pipeline does.
        return {n: v[[min(i, len(v) - 1) for i in range(count)]] for n, v in values.items()}

    def _read(self, cells, folder, segment):
        """Modality -> value as the records would have it."""
        if self._short_side is None:  # they were not made of a table
            return self._media({name: folder / cells[name] for name in self.modalities})
        from keras_amid.data.datasets.table.cells import CellReader
        from keras_amid.data.datasets.table.columns import Source

        # The picture comes first: its file's sound is then cut alike.
        kinds = {name: self._kind(name, cells[name]) for name in self.modalities}
        names = sorted(kinds, key=lambda name: kinds[name] != "video")
        rates = [m["sample_rate"] for m in self.modalities.values() if m["sample_rate"]]
        reader = CellReader(
            root=folder,
            sources=tuple(Source(name, kinds[name], (name,)) for name in names),
            sample_rate=rates[0] if rates else 16000,
            short_side=self._short_side,
            fps=self._fps,
            keep_silent=False,
            dimensions={name: len(m["shape"]) for name, m in self.modalities.items()},
        )
        row = {"cells": cells, **({} if segment is None else {"segment": segment})}
        values = reader.read(row)
        return {name: values[name] for name in self.modalities}

    def _kind(self, name, cell):
        """What `CellReader` calls a modality."""
        from keras_amid.data.datasets.finding import PICTURES

        kind = self.modalities[name]["kind"]
        if kind == "array":
            return "numbers" if isinstance(cell, list) else "array"
        return "image" if kind == "video" and cell.lower().endswith(PICTURES) else kind

    def _media(self, paths):
        """Pictures and sounds of media files, whole."""
        from keras_amid.data.media import read_clip, read_sound

        values = {}
        for name, path in paths.items():
            modality = self.modalities[name]
            if modality["kind"] == "audio":
                values[name] = read_sound(path, modality["sample_rate"])
            else:
                values[name] = read_clip(path, modality["shape"][-1]).frames
        return values

    def _text(self, cell, folder, modality):
        import numpy as np

        path = folder / cell
        text = path.read_text(encoding="utf-8") if cell.endswith(".txt") else cell
        words, length = modality["vocabulary"]
        numbers = {word: number for number, word in enumerate(words, start=2)}
        tokens = [numbers.get(word, 1) for word in text.lower().split()][:length]
        return np.array([tokens + [0] * (length - len(tokens))], "int32")


def _array(cell, value, shape):
    import numpy as np

    if len(shape) > 1:
        value = value[: shape[0]]
        value = np.pad(value, [(0, shape[0] - len(value))] + [(0, 0)] * (value.ndim - 1))
    if list(value.shape) != list(shape):
        raise ValueError(f"{cell} must be of shape {tuple(shape)}; received {value.shape}")
    return value[None]


def _middle(sound, samples):
    """As the training pipeline's `CenterCrop`."""
    import numpy as np

    start = max(len(sound) - samples, 0) // 2
    part = sound[start : start + samples]
    return np.pad(part, (0, samples - len(part)))[None].astype("float32")


def _windows(frames, shape):
    """As the training pipeline's `Windows`, which needs Keras: uint8 (windows, *shape)."""
    import numpy as np
    import tensorflow as tf

    length, size = shape[:2]
    extra = max(len(frames) - length, 0)
    starts = [min(length * i, extra) for i in range(1 + -(-extra // length))]
    places = np.minimum(np.add.outer(starts, np.arange(length)), len(frames) - 1)
    height, width = frames.shape[1:3]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = tf.cast(frames[:, top : top + side, left : left + side], tf.float32) + 0.5
    return tf.cast(tf.image.resize(square, (size, size)), tf.uint8).numpy()[places]
