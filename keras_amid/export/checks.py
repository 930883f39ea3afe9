"""What `export_student` is given, looked at before any work."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_amid.export.formats import FORMATS, Wanted
from keras_amid.export.graph import OUTPUTS, layers_of, signature_inputs
from keras_amid.validation.arguments import check_choice


def student_of(model: Any) -> keras.Model:
    """The student of a model of this package, or a student itself.

    Raises:
        ValueError: it is not built, is no student, or has weights that are not finite.
    """
    student = getattr(model, "student", model)
    if student is None:
        raise ValueError(
            "`model` is not built, so it has no student yet: call `fit` or `build` before "
            "`export_student`."
        )
    inputs, outputs = (getattr(student, side, None) for side in ("input", "output"))
    if not (isinstance(inputs, dict) and isinstance(outputs, dict) and {*OUTPUTS} <= {*outputs}):
        raise ValueError(
            "`model` must be a model of keras_amid, or a functional keras.Model with a dict of "
            f"inputs, modality -> keras.Input, and a dict of outputs {list(OUTPUTS)}; "
            f"received {model!r}."
        )
    for weight in student.weights:
        values = keras.ops.convert_to_numpy(weight.value)
        if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
            raise ValueError(
                f"`model` must have finite weights; received NaN or infinity in {weight.path!r}."
            )
    return student


def checked_class_names(class_names: Sequence[str] | None, num_classes: int) -> list[str] | None:
    """As a list; ValueError unless there is one name, a line of text, for each class."""
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


def checked_path(path: str | os.PathLike) -> str:
    """As str; ValueError for an address."""
    path = os.fspath(path)
    if "://" in path:
        raise ValueError(
            f"`path` must be a local folder (a version is published by renaming); "
            f"received {path!r}. Export locally and copy the version folder."
        )
    return path


def checked_wanted(
    student: keras.Model,
    format: str,
    quantize: str | None,
    representative: Mapping[str, Any] | None,
    assets: Mapping[str, str],
) -> Wanted:
    """What is to be written of a student.

    Args: as of `export_student`.

    Raises:
        ValueError: the format is unknown or cannot hold this student, or `quantize` or
            `representative` does not fit.
        ImportError: a package that the format needs is not installed.
    """
    made = FORMATS[check_choice("format", format, tuple(FORMATS))]
    if quantize is not None:
        check_choice("quantize", quantize, ("int8",))
    if quantize is not None and not made.quantizes:
        others = [name for name, other in FORMATS.items() if other.quantizes]
        raise ValueError(
            f"`quantize` must be None with the format {format!r}, or the format one of {others}; "
            f"received {quantize!r}."
        )
    if (quantize is None) != (representative is None):
        raise ValueError(
            '`quantize` must be "int8" and `representative` samples of the target modalities, or '
            f"both None; received {quantize!r} and "
            f"{'None' if representative is None else 'samples'}."
        )
    if made.numbers_only:
        _check_numbers(student, format)
    samples = None if representative is None else _samples(student, representative)
    made.check_installed(format, quantize is not None)
    return Wanted(format, quantize, assets, samples)


def _check_numbers(student, format):
    strings = [name for name, t in signature_inputs(student).items() if t.dtype == "string"]
    if strings:
        raise ValueError(
            f"`format` must be 'saved_model' for a student that takes text; received {format!r}, "
            f"and strings for {strings[0]!r}."
        )
    mixed = {layer.compute_dtype for layer in layers_of(student) if layer.weights} - {"float32"}
    if mixed:
        raise ValueError(
            f"`format` must be 'saved_model' for a student that computes in {sorted(mixed)[0]}; "
            f"received {format!r}, whose runtimes compute in float32."
        )


def _samples(student, representative):
    """Input name of the served model -> array (samples, ...), of the input's dtype."""
    if not isinstance(representative, Mapping) or set(representative) != set(student.input):
        received = list(representative) if isinstance(representative, Mapping) else representative
        raise ValueError(
            f"`representative` must be a dict of the modalities {list(student.input)}; received "
            f"{received!r}."
        )
    inputs = signature_inputs(student)
    parts = {
        "_".join(map(str, path)): v for path, v in keras.tree.flatten_with_path(representative)
    }
    found = {}
    for name, tensor in inputs.items():
        value = np.asarray(parts.get(name))
        shape = tuple(tensor.shape[1:])
        fits = value.ndim == len(shape) + 1 and all(
            size in (None, given) for size, given in zip(shape, value.shape[1:], strict=True)
        )
        castable = np.can_cast(value.dtype, tensor.dtype, "same_kind")
        if not (fits and len(value) and castable):
            raise ValueError(
                f"`representative` must have an array of {tensor.dtype}, shape (samples, "
                f"{', '.join(map(str, shape))}), for {name!r}; received {value.dtype}, "
                f"{value.shape}."
            )
        found[name] = value.astype(tensor.dtype)
    if len({len(value) for value in found.values()}) > 1:
        raise ValueError(
            "`representative` must have as many samples of each modality; received "
            f"{ {name: len(value) for name, value in found.items()} }."
        )
    return found
