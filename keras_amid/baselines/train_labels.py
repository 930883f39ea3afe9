"""The training set's labels by index, which the methods with memory banks need."""

from __future__ import annotations

from typing import Any

import numpy as np


def check_train_labels(train_labels: Any, num_classes: int, semi_supervised: bool = False):
    """Returns the labels as an int32 array, or None; raises ValueError where they do not fit.

    Args:
        train_labels: None or integers, shape `(n,)`, in 0..num_classes-1, of at least 2 classes.
        num_classes: number of classes.
        semi_supervised: whether -1, no label, is allowed too.
    """
    if train_labels is None:
        return None
    labels = np.asarray(train_labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(
            "`train_labels` must be integers of shape (samples,), the label of each training "
            f"sample by its index; received {labels.dtype} of shape {labels.shape}."
        )
    least = -1 if semi_supervised else 0
    wrong = labels[(labels < least) | (labels >= num_classes)]
    if wrong.size:
        raise ValueError(
            f"`train_labels` must be in {least}..{num_classes - 1} (num_classes={num_classes}); "
            f"received {np.unique(wrong)[:8].tolist()}."
        )
    if len(np.unique(labels)) < 2:
        raise ValueError(
            "`train_labels` must have at least 2 classes, for negatives are of other classes; "
            f"received {np.unique(labels).tolist()}."
        )
    return labels.astype("int32")
