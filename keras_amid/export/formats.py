"""The formats of an export, and the one place that knows which module writes which.

A new format is a module with `write(student, folder, work, wanted)` and a line in `FORMATS`.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
from collections.abc import Mapping, Sequence

import keras
import numpy as np


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is to be written.

    Attributes:
        format: name in `FORMATS`.
        quantize: None, or "int8".
        assets: dict, name of a file in `assets/` -> its text.
        representative: dict, input name -> array (samples, ...), to quantize by; or None.
    """

    format: str = "saved_model"
    quantize: str | None = None
    assets: Mapping[str, str] = dataclasses.field(default_factory=dict)
    representative: Mapping[str, np.ndarray] | None = None


@dataclasses.dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        module: its `write` needs the TensorFlow backend.
        file: within the version's folder, what a runtime loads; empty: the folder.
        quantizes: whether it has an int8 form.
        numbers_only: whether inputs must be numbers, and layers compute in float32.
        needs: packages beside TensorFlow.
        quantizing_needs: more of them, for int8.
    """

    module: str
    file: str = ""
    quantizes: bool = False
    numbers_only: bool = False
    needs: Sequence[str] = ()
    quantizing_needs: Sequence[str] = ()

    def check_installed(self, name: str, quantizing: bool) -> None:
        """Raises ImportError where a package is missing."""
        needed = [*self.needs, *(self.quantizing_needs if quantizing else ())]
        missing = [package for package in needed if importlib.util.find_spec(package) is None]
        if missing:
            raise ImportError(
                f"the format {name!r} needs {', '.join(missing)}: pip install 'keras_amid[{name}]'."
            )


FORMATS = {
    "saved_model": Format("keras_amid.export.graph"),
    "onnx": Format(
        "keras_amid.export.onnx_model", "model.onnx", quantizes=True, numbers_only=True,
        needs=("tf2onnx", "onnx"), quantizing_needs=("onnxruntime",),
    ),
    "litert": Format(
        "keras_amid.export.litert_model", "model.tflite", quantizes=True, numbers_only=True
    ),
}  # fmt: skip


def write(student: keras.Model, folder: str, work: str, wanted: Wanted) -> None:
    """Writes a student in its format; needs the TensorFlow backend.

    Args:
        student: functional `keras.Model`, dict of inputs, dict of outputs `graph.OUTPUTS`.
        folder: to create.
        work: an existing folder for temporary files.
        wanted: what is to be written.
    """
    module = importlib.import_module(FORMATS[wanted.format].module)
    module.write(student, folder, work, wanted)
