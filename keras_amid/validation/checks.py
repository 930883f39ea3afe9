"""What a model's data must be: batches and whole arrays, checked by the rules of `rules`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_amid.validation.rules import PRESENT, RESERVED, DataError, Expected, rules


def check_batch(data: Any, expected: Expected) -> tuple[dict, Any, Any]:
    """Raises DataError unless a batch, or whole arrays, are what a model expects.

    Args:
        data: `(x, y)` or `(x, y, sample_weight)`, arrays of NumPy or of any backend; where labels
            do not count also `x` or `(x,)`.
        expected: `Expected`.

    Returns:
        x, y and sample_weight, without what does not count.
    """
    parts = split(data, expected)
    for name, must, values, low, high, shown, rows in rules(*parts, expected):
        # The least and the largest tell it without a mask as large as the data; NaN is both.
        if values.size and not (values.min() >= low and values.max() <= high):
            if rows is not None:
                values, shown = values[rows], shown[rows]
            wrong = shown[~((values >= low) & (values <= high))]
            if wrong.size:
                received = np.array2string(wrong, threshold=8, edgeitems=4)
                raise DataError(f"{name} must {must}; received {received}.")
    x, y, sample_weight = parts
    if PRESENT in x and expected.mask_dtype != "bool":
        masks = {m: np.asarray(k).astype(expected.mask_dtype) for m, k in x[PRESENT].items()}
        x = {**x, PRESENT: masks}
    return x, y, sample_weight


def split(data: Any, expected: Expected) -> tuple[dict, Any, Any]:
    """x, y and sample_weight of a batch, without what does not count; or DataError."""
    where = expected.where
    if not expected.with_labels:
        data = (data[0] if isinstance(data, (tuple, list)) and data else data, None)
    elif not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
        raise DataError(
            f"the {where} must yield (x, y) or (x, y, sample_weight), x a dict of modalities and "
            f"y integer labels; received {type(data).__name__}."
        )
    x, y, sample_weight = (*data, None)[:3]
    if expected.with_labels and y is None:
        raise DataError(f"`y` of the {where} must be integers of shape (batch,); received None.")
    check_modalities(x, expected.needed, expected.known, where=f" of the {where}")
    if expected.needed_only:
        x = {name: x[name] for name in expected.needed}
    return x, y, sample_weight


def check_modalities(
    x: Any,
    needed: Iterable[str],
    known: Iterable[str] = (),
    argument: str = "x",
    where: str = "",
) -> None:
    """Raises DataError unless x is a dict with all the needed modalities and only known ones.

    Args:
        x: the input of a model.
        needed: names that must be there.
        known: names that may be there besides these and the reserved ones.
        argument: what to call x.
        where: which data it is of, such as " of the training data".
    """
    name = f"`{argument}`{where}"
    needed, further = list(needed), sorted(set(known) - set(needed))
    if not isinstance(x, dict):
        raise DataError(
            f"{name} must be a dict, modality -> array, with {needed}; received {type(x).__name__}."
        )
    missing = [key for key in needed if key not in x]
    unknown = sorted(str(key) for key in x if key not in (*needed, *further, *RESERVED))
    if missing or unknown:
        may = f" and may hold {further}" if further else ""
        faults = [f"missing {missing}"] * bool(missing) + [f"unknown {unknown}"] * bool(unknown)
        raise DataError(
            f"{name} must hold {needed}{may}; received {sorted(map(str, x))}, "
            f"{' and '.join(faults)}."
        )


def check_class_weight(class_weight: Any, num_classes: int) -> None:
    """Raises ValueError unless it is None or a dict, label -> finite weight >= 0."""
    if class_weight is not None and not isinstance(class_weight, dict):
        class_weight = {None: class_weight}
    for label, weight in (class_weight or {}).items():
        good = label in range(num_classes) and np.isreal(weight)
        if not (good and np.isfinite(weight) and weight >= 0):
            raise ValueError(
                f"`class_weight` must be a dict, label in 0..{num_classes - 1} -> finite weight "
                f">= 0; received {label!r}: {weight!r}."
            )
