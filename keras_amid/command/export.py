"""Export a trained student: for TensorFlow Serving, ONNX Runtime or LiteRT.

keras-amid export runs/mine saved_models/mine
keras-amid export student.keras saved_models/mine --class-names classes.txt
keras-amid export runs/mine models/mine-int8 --format litert --quantize int8
"""

from __future__ import annotations

import argparse
import zipfile
from pathlib import Path

from keras_amid.own.inputs import CARD, FILE
from keras_amid.validation.exits import Parser, finished

_FORMATS = ("saved_model", "onnx", "litert")


def main(arguments: list[str], program: str) -> int:
    """See `keras_amid.command`."""
    parser = Parser(
        prog=program, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("model", type=Path, help="folder of a run, or a .keras file")
    add("path", type=Path, help="folder of the served model's versions, e.g. saved_models/mine")
    add("--class-names", type=Path, metavar="FILE",
        help="one class name a line; a run has its own")  # fmt: skip
    add("--version", type=int, help="(default: one more than the highest in PATH)")
    add("--format", choices=_FORMATS, default=_FORMATS[0], help=f"(default: {_FORMATS[0]})")
    add("--quantize", choices=("int8",), help="weights and values within in 8 bits, by training "
        "samples of the run (onnx, litert); `keras-amid formats` says what it costs")  # fmt: skip
    add("--representative", type=Path, metavar="FILE", help="samples to quantize by, where the "
        "model is a .keras file: .npz, an array for each modality")  # fmt: skip
    given = parser.parse_args(arguments)
    return finished(parser, lambda: _run(given))


def _run(given):
    of_run = given.model.is_dir()
    names, assets, card, model = _of_run(given.model) if of_run else (None, {}, None, given.model)
    if not of_run and (model.suffix != ".keras" or not model.is_file()):
        raise ValueError(
            f"`model` must be a folder of a run or a .keras file; received {str(model)!r}."
        )
    names = given.class_names or names
    listed = None if names is None else names.read_text(encoding="utf-8").splitlines()
    import keras_amid.api  # noqa: F401
    from keras_amid.export import export_student

    samples = _representative(given)
    student = _loaded(model)
    try:
        version = export_student(
            student, given.path, listed, given.version, assets, given.format,
            quantize=given.quantize, representative=samples, card=card,
        )  # fmt: skip
    except (ImportError, RuntimeError) as error:
        raise ValueError(f"`format` {given.format!r}: {error}") from error
    print(version)
    return 0


def _of_run(folder):
    """Class names' file, assets, the model card's entries, and the student."""
    import json

    from keras_amid.data.storage.files import read_json

    student, described = folder / "student.keras", read_json(folder / FILE)
    if described is None or not student.exists():
        raise ValueError(
            f"`model` must be a folder with a trained student; received {str(folder)!r}."
        )
    names, card = folder / "class_names.txt", read_json(folder / CARD)
    if not names.read_text(encoding="utf-8").endswith("\n"):  # of a name, a part may be left
        raise ValueError(f"{names} is cut off: its last line does not end.")
    return names, {FILE: json.dumps(described)}, card, student


def _loaded(path):
    """The student of a .keras file; whatever is wrong with the file is said in a line."""
    import keras

    try:
        return keras.saving.load_model(path, compile=False)
    # Of a zip file, its JSON, HDF5, and layers that are not known here.
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, zipfile.BadZipFile) as error:
        said = " ".join(str(error).split())
        raise ValueError(
            f"`model` must be a whole .keras file of known layers; {path} cannot be read: "
            f"{said[:300]}"
        ) from error


def _representative(given):
    """Modality -> samples, or None."""
    import numpy as np

    if given.quantize is None or (given.representative is None and not given.model.is_dir()):
        return None
    if given.representative is None:
        from keras_amid.experiments.own.formats import representative

        return representative(given.model)
    try:
        with np.load(given.representative, allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"`representative` must be an .npz file of arrays; received "
            f"{str(given.representative)!r}: {error}."
        ) from error
