"""How a served student's inputs are made from files: as they were made for training. Without Keras.

What there is to know stands in `assets/inputs.json` of the exported version:

    {"modalities": {"video": {"kind": "video", "shape": [8, 56, 56, 3], "sample_rate": null,
                              "vocabulary": null}},
     "fps": 8.0, "short_side": 128}

Videos are decoded at `fps` (null: their own) and shown in windows of shape[0] frames, of sounds the
middle, of texts the words of the vocabulary: as the training pipeline does.
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

    def of_file(self, path: Path) -> dict[str, Any]:
        """Modality -> array (windows, ...), one window or all of the video's.

        Args:
            path: media file, .npy or .txt.

        Raises:
            MediaError: the file cannot be used.
            ValueError: it is no file for this student.
        """
        return self.of_cells(dict.fromkeys(self.modalities, str(path)), Path())

    def columns(self, names: Sequence[str]) -> dict[str, str]:
        """Modality -> the column of a table that has it: of its name, or a file's.

        Args:
            names: of the columns.

        Raises:
            ValueError: there is none.
        """
        plain = [name for name in names if name in ("file", "path", "media")]
        found = {}
        for name, modality in self.modalities.items():
            others = plain if modality["kind"] in _MEDIA else []
            column = next((n for n in (name, *others) if n in names), None)
            if column is None:
                raise ValueError(
                    f"`files` must be a table with a column {name!r}; received the columns "
                    f"{list(names)}."
                )
            found[name] = column
        return found

    def of_cells(self, cells: Mapping[str, str], folder: Path) -> dict[str, Any]:
        """The same, of a table's row: modality -> path or text; paths are relative to `folder`."""
        media = {n: folder / cells[n] for n, m in self.modalities.items() if m["kind"] in _MEDIA}
        values = self._media(media)
        for name, modality in self.modalities.items():
            if modality["kind"] == "array":
                values[name] = _array(folder / cells[name], modality["shape"])
            elif modality["kind"] == "text":
                values[name] = self._text(cells[name], folder, modality)
        count = max(len(value) for value in values.values())
        return {name: value.repeat(count // len(value), axis=0) for name, value in values.items()}

    def _media(self, paths):
        """Windows of the pictures and middles of the sounds of media files."""
        from keras_amid.data.media import read_clip, read_segments, read_sound

        values = {}
        for name, path in paths.items():
            modality = self.modalities[name]
            if modality["kind"] == "audio":
                sound = read_sound(path, modality["sample_rate"])
                values[name] = _middle(sound, modality["shape"][0])
            else:
                if self._short_side is None:
                    frames = read_clip(path, modality["shape"][-1]).frames
                else:
                    options = {"short_side": self._short_side, "fps": self._fps}
                    frames = read_segments(path, **options).frames
                values[name] = _windows(frames, modality["shape"])
        return values

    def _text(self, cell, folder, modality):
        import numpy as np

        path = folder / cell
        text = path.read_text(encoding="utf-8") if cell.endswith(".txt") else cell
        words, length = modality["vocabulary"]
        numbers = {word: number for number, word in enumerate(words, start=2)}
        tokens = [numbers.get(word, 1) for word in text.lower().split()][:length]
        return np.array([tokens + [0] * (length - len(tokens))], "int32")


def _array(path, shape):
    import numpy as np

    try:
        value = np.load(path, allow_pickle=False).astype("float32")
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is no whole .npy file of numbers: {error}") from error
    if value.ndim == len(shape) and value.ndim > 1:
        value = value[: shape[0]]
        value = np.pad(value, [(0, shape[0] - len(value))] + [(0, 0)] * (value.ndim - 1))
    if list(value.shape) != list(shape):
        raise ValueError(f"{path} must be of shape {tuple(shape)}; received {value.shape}")
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
