"""The trained student as a SavedModel for TensorFlow Serving, from any backend.

Also from the command line, for a saved student (or whole model):

    python -m keras_amid.export student.keras saved_models/name --class-names classes.txt
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_amid.export import worker
from keras_amid.validation.arguments import check_positive_int

_OUTPUTS = ("probabilities", "logits", "representation")


def export_student(
    model: keras.Model,
    path: str | os.PathLike,
    class_names: Sequence[str] | None = None,
    version: int | None = None,
    assets: Mapping[str, str] | None = None,
) -> str:
    """Writes the student as the next version of a served model.

    The SavedModel has the signature `serving_default`. Its inputs are the target modalities, under
    their names, with the dtypes and shapes of `model.student` and any batch size (the parts of a
    nested modality are named `modality_part`). Its outputs are float32: `probabilities` and
    `logits`, shape `(batch, num_classes)`, and `representation`, shape `(batch, D)`. Nothing but
    the student's weights is inside. It loads without Keras and without this package.

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

    Returns:
        str, the path of the version's folder.

    Raises:
        FileExistsError: if `version` exists; no version is ever overwritten.
        ValueError: if the model is not built or has no such student, or `class_names` does not fit.
        RuntimeError: if the child process fails; with the end of what it said.
    """
    student = _student(model)
    worker.signature_inputs(student)
    class_names = _checked_class_names(class_names, student.output["probabilities"].shape[-1])
    files = dict(assets or {})
    if class_names is not None:
        files["class_names.txt"] = "".join(f"{name}\n" for name in class_names)
    path = _checked_path(path)
    if version is not None:
        version = check_positive_int("version", version)
        if version in _versions(path):
            raise _version_exists(path, version)
    in_process = keras.backend.backend() == "tensorflow"
    write = worker.write_saved_model if in_process else worker.write_in_child
    os.makedirs(path, exist_ok=True)
    # Beside its final place, so that the rename is atomic; servers skip names that are no numbers.
    with tempfile.TemporaryDirectory(prefix=".export-", dir=path) as work:
        folder = os.path.join(work, "saved_model")
        write(student, folder, work, files)
        return _publish(folder, path, version)


def _student(model):
    student = getattr(model, "student", model)
    if student is None:
        raise ValueError(
            "`model` is not built, so it has no student yet: call `fit` or `build` before "
            "`export_student`."
        )
    inputs, outputs = (getattr(student, side, None) for side in ("input", "output"))
    if not (isinstance(inputs, dict) and isinstance(outputs, dict) and {*_OUTPUTS} <= {*outputs}):
        raise ValueError(
            "`model` must be a model of keras_amid, or a functional keras.Model with a dict of "
            f"inputs, modality -> keras.Input, and a dict of outputs {list(_OUTPUTS)}; "
            f"received {model!r}."
        )
    return student


def _checked_class_names(class_names, num_classes):
    if class_names is None:
        return None
    names = [class_names] if isinstance(class_names, str) else list(class_names)
    if isinstance(class_names, str) or len(names) != num_classes:
        raise ValueError(
            f"`class_names` must be a list of {num_classes} names, one for each class; "
            f"received {len(names)}: {class_names!r}."
        )
    for name in names:
        if not isinstance(name, str) or name.splitlines() != [name]:
            raise ValueError(
                "`class_names` are written one a line, so each must be a non-empty str without a "
                f"line break; received {name!r}."
            )
    return names


def _checked_path(path):
    path = os.fspath(path)
    if "://" in path:
        raise ValueError(
            f"`path` must be a local folder (a version is published by renaming); "
            f"received {path!r}. Export locally and copy the version folder."
        )
    return path


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
        "a SavedModel for TensorFlow Serving. Prints the folder of the version.",
    )
    parser.add_argument("model", help="the .keras file")
    parser.add_argument("path", help="folder of the served model, e.g. saved_models/name")
    parser.add_argument("--class-names", metavar="FILE", help="text file, one class name a line")
    parser.add_argument("--version", type=int, help="default: one more than the highest in PATH")
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
        print(export_student(model, options.path, class_names, options.version))
    except (ImportError, OSError, TypeError, ValueError) as error:
        parser.error(str(error))
