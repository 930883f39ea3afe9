"""Samples that lack a modality: what stands in its place is kept from the networks."""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
from keras import ops, tree

from keras_amid.typing import Tensor


def without_absent(x: dict, present: dict | None) -> tuple[dict, Tensor | None]:
    """Puts zeros in the place of what is absent, and tells which samples are complete.

    NaN times 0 is NaN, so a mask on losses alone would not keep NaN out of values and gradients.

    Args:
        x: dict, modality -> tensor `(batch, ...)`, or nest of such tensors.
        present: dict, modality -> bool `(batch,)`; a modality that is not in it is there for every
            sample. None: all are.

    Returns:
        Tuple of x and a bool tensor `(batch,)`, the samples that lack no modality of x; None where
        none can lack one.
    """
    masks = {m: ops.cast(mask, "bool") for m, mask in (present or {}).items() if m in x}
    if not masks:
        return x, None
    # Once some values are tensors, Keras takes no arrays beside them.
    x = tree.map_structure(_tensor, x)
    filled = {m: tree.map_structure(lambda t, k=k: _kept(t, k), x[m]) for m, k in masks.items()}
    return {**x, **filled}, functools.reduce(ops.logical_and, masks.values())


def _tensor(values):
    return ops.convert_to_tensor(values) if isinstance(values, np.ndarray) else values


def _kept(values: Any, mask: Tensor) -> Any:
    """The values with zeros where the mask is False; strings as they are, for they hold no NaN."""
    if keras.backend.standardize_dtype(values.dtype) == "string":
        return values
    mask = ops.reshape(mask, (-1,) + (1,) * (len(values.shape) - 1))
    return ops.where(mask, values, ops.zeros_like(values))
