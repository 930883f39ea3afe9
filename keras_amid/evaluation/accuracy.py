"""Accuracy class by class, and the two accuracies of emotion recognition."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from sklearn.metrics import accuracy_score, recall_score

from keras_amid.typing import Tensor
from keras_amid.validation.arguments import check_positive_int


def per_class_accuracy(labels: Tensor, predictions: Any, num_classes: int) -> np.ndarray:
    """The share of each class's samples that are predicted right (the class's recall).

    Args:
        labels: integers in 0..num_classes-1, shape `(n,)`.
        predictions: class ids, integers of shape `(n,)`, or probabilities or logits, floats of
            shape `(n, num_classes)`.
        num_classes: int.

    Returns:
        float64 array, shape `(num_classes,)`; NaN for a class without samples. Its mean over the
        classes that occur is the unweighted accuracy (UA).

    Raises:
        ValueError: if an argument has another shape, type or domain.
    """
    labels, predictions = _class_ids(labels, predictions, num_classes)
    return recall_score(
        labels, predictions, labels=np.arange(num_classes), average=None, zero_division=np.nan
    )


def weighted_and_unweighted_accuracy(labels: Tensor, predictions: Any, num_classes: int) -> dict:
    """WA and UA, the figures of emotion recognition (IEMOCAP).

    Args:
        labels, predictions, num_classes: as of `per_class_accuracy`.

    Returns:
        dict of floats in [0, 1]: `WA`, the share of samples predicted right (classes weighted by
        their frequency), and `UA`, the mean of the per-class accuracies over the classes that
        occur.

    Raises:
        ValueError: if an argument has another shape, type or domain.
    """
    labels, predictions = _class_ids(labels, predictions, num_classes)
    return {
        "WA": float(accuracy_score(labels, predictions)),
        "UA": float(np.nanmean(per_class_accuracy(labels, predictions, num_classes))),
    }


def _class_ids(labels, predictions, num_classes):
    num_classes = check_positive_int("num_classes", num_classes)
    labels = check_labels("labels", labels, size=None, num_classes=num_classes)
    predictions = to_numpy("predictions", predictions)
    if predictions.ndim == 2:
        predictions = _most_probable(predictions, (len(labels), num_classes))
    return labels, check_labels("predictions", predictions, len(labels), num_classes)


def _most_probable(scores, expected):
    if scores.shape != expected:
        raise ValueError(
            f"`predictions` must have shape ({expected[0]},) or {expected}; "
            f"received shape {scores.shape}."
        )
    if np.isnan(scores.astype("float32")).any():
        raise ValueError("`predictions` must not hold NaN.")
    return scores.argmax(axis=1)


def to_numpy(name: str | None, values: Tensor):
    """A backend tensor, array or list as a NumPy array; ValueError where it is none."""
    try:
        is_tensor = keras.ops.is_tensor(values)
        return keras.ops.convert_to_numpy(values) if is_tensor else np.asarray(values)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{name}` must be an array; received {type(values).__name__}.") from error


def check_labels(name: str | None, labels: Tensor, size: Any, num_classes: int | None = None):
    """Labels as an array of integers.

    Args:
        name: str, of the argument.
        labels: array or tensor.
        size: int, the number of samples there must be; None: any but 0.
        num_classes: int or None, labels must be in 0..num_classes-1.

    Raises:
        ValueError: if they are anything else.
    """
    labels = to_numpy(name, labels)
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"`{name}` must be integers; received {labels.dtype}.")
    if labels.ndim != 1 or not len(labels) or (size is not None and len(labels) != size):
        raise ValueError(
            f"`{name}` must have shape ({'samples' if size is None else size},); "
            f"received shape {labels.shape}."
        )
    if num_classes is not None and not (0 <= labels.min() and labels.max() < num_classes):
        raise ValueError(
            f"`{name}` must be in 0..{num_classes - 1}; received {labels.min()}..{labels.max()}."
        )
    return labels
