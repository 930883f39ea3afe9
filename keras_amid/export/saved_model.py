"""The trained student as the next version of a served model, from any backend.

Also from the command line, for a saved student (or whole model):

    python -m keras_amid.export student.keras saved_models/name --class-names classes.txt
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_amid.export import formats, worker
from keras_amid.export.card import checked_card, model_card, write_card
from keras_amid.export.checks import (
    checked_class_names,
    checked_path,
    checked_wanted,
    student_of,
)
from keras_amid.export.graph import signature_inputs
from keras_amid.export.workspace import workspace
from keras_amid.validation.arguments import check_positive_int


def export_student(
    model: keras.Model,
    path: str | os.PathLike,
    class_names: Sequence[str] | None = None,
    version: int | None = None,
    assets: Mapping[str, str] | None = None,
    format: str = "saved_model",
    *,
    quantize: str | None = None,
    representative: Mapping[str, Any] | None = None,
    card: Mapping[str, Any] | None = None,
) -> str:
    """Writes the student as the next version of a served model.

    The SavedModel has the signature `serving_default`. Its inputs are the target modalities, under
    their names, with the dtypes and shapes of `model.student` and any batch size (the parts of a
    nested modality are named `modality_part`). Its outputs are float32: `probabilities` and
    `logits`, shape `(batch, num_classes)`, and `representation`, shape `(batch, D)`. Nothing but
    the student's weights is inside. It loads without Keras and without this package. The other
    signatures (representations of length 1; encoded pictures; the texts of `assets/`) are described
    in `keras_amid.export.signatures`; `assets.extra/` has a server's warm-up requests.

    "onnx" (`model.onnx`, for ONNX Runtime) and "litert" (`model.tflite`, for LiteRT) have the
    inputs and outputs of `serving_default`, and the same folders.

    Beside them stand `model_card.md` and `model_card.json`: shapes, dtypes, classes, versions, and
    what `card` says.

    A clip longer than the student's is shown to it in windows, and their probabilities are averaged
    by the client, as `keras-amid predict` and `ka.predict_videos` do.

    Under JAX and PyTorch a child process with the TensorFlow backend does the writing. Layers of
    your own must be in a module that can be imported there.

    Args:
        model: a trained model of this package, or its `student`.
        path: folder of the served model; the versions are its folders `1`, `2`, ... A version is
            renamed to its number when complete, so that a polling server never sees half of one.
        class_names: list of num_classes str, or None; written one a line to
            `assets/class_names.txt`.
        version: int, at least 1; None: one more than the highest in `path`.
        assets: dict, name of a file -> its text; more files for `assets/`.
        format: "saved_model", "onnx" or "litert".
        quantize: "int8" (of "onnx" and "litert"): weights and what passes between layers become 8
            bits wide after training, inputs and outputs stay as they are; or None.
        representative: dict, target modality -> array `(samples, ...)`, by which int8 chooses its
            ranges: a hundred training samples or more. Needed with `quantize`.
        card: dict of JSON values, more entries for the model card; see `keras_amid.export.card`.

    Returns:
        str, the path of the version's folder.

    Raises:
        FileExistsError: if `version` exists; no version is ever overwritten.
        ValueError: if the model is not built, has no such student or weights that are not finite,
            or another argument does not fit it.
        ImportError: if a package that the format needs is not installed.
        RuntimeError: if the format lacks an operation of the student, or the child process fails;
            with the end of what it said.
    """
    student = student_of(model)
    inputs = signature_inputs(student)
    class_names = checked_class_names(class_names, student.output["probabilities"].shape[-1])
    files = dict(assets or {})
    if class_names is not None:
        files["class_names.txt"] = "".join(f"{name}\n" for name in class_names)
    wanted = checked_wanted(student, format, quantize, representative, files)
    path, further = checked_path(path), checked_card(card)
    if version is not None:
        version = check_positive_int("version", version)
        if version in _versions(path):
            raise _version_exists(path, version)
    about = {"name": os.path.basename(os.path.abspath(path)), "format": format}
    known = model_card(student, inputs, class_names, {**about, "quantized": quantize, **further})
    in_process = keras.backend.backend() == "tensorflow"
    write = formats.write if in_process else worker.write_in_child
    os.makedirs(path, exist_ok=True)
    # Beside its final place, so that the rename is atomic; servers skip names that are no numbers.
    with workspace(path) as work:
        folder = os.path.join(work, "version")
        write(student, folder, work, wanted)
        write_card(folder, known)
        return _publish(folder, path, version)


def _versions(path):
    names = os.listdir(path) if os.path.isdir(path) else []
    return {int(name) for name in names if re.fullmatch("[0-9]+", name)}


def _version_exists(path, version):
    return FileExistsError(
        f"`version` {version} exists in {path!r} and is not overwritten; give another number, or "
        "None for the next one."
    )


def _publish(folder, path, version):
    while True:
        number = max(_versions(path), default=0) + 1 if version is None else version
        if version in _versions(path):
            raise _version_exists(path, version)
        try:
            target = os.path.join(path, str(number))
            os.rename(folder, target)
            return target
        except OSError:
            # Another export may have taken the number since it was looked up: then once more.
            if number not in _versions(path):
                raise


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m keras_amid.export",
        description="Export a saved student (or a whole keras_amid model) as the next version of "
        "a served model. Prints the folder of the version.",
    )
    parser.add_argument("model", help="the .keras file")
    parser.add_argument("path", help="folder of the served model, e.g. saved_models/name")
    parser.add_argument("--class-names", metavar="FILE", help="text file, one class name a line")
    parser.add_argument("--version", type=int, help="default: one more than the highest in PATH")
    parser.add_argument(
        "--format", choices=formats.FORMATS, default="saved_model", help="(default: saved_model)"
    )
    parser.add_argument(
        "--import",
        dest="modules",
        metavar="MODULE",
        action="append",
        default=[],
        help="module that registers layers of your own; may be given several times",
    )
    return parser


def main(arguments: Any = None):
    """The command line of `export_student`.

    Args:
        arguments: list of str; None: those of the process.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    class_names = None
    try:
        for module in options.modules:
            importlib.import_module(module)
        if options.class_names is not None:
            with open(options.class_names, encoding="utf-8") as file:
                class_names = file.read().splitlines()
        model = keras.saving.load_model(options.model, compile=False)
        version, form = options.version, options.format
        print(export_student(model, options.path, class_names, version, format=form))
    except (ImportError, OSError, RuntimeError, TypeError, ValueError) as error:
        parser.error(str(error))
