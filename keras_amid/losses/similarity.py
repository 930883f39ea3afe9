"""Rows of unit length, whose products are cosines, and the precision of the losses."""

from __future__ import annotations

import keras
from keras import ops

from keras_amid.typing import Tensor


def l2_normalize(x: Tensor) -> Tensor:
    """Scales each row to unit length; a row of zeros stays zero. Finite for any finite input.

    Args:
        x: float tensor, shape `(batch, dim)`.

    Returns:
        float32 (or float64) tensor, shape `(batch, dim)`.
    """
    x = at_least_float32(x)
    # The direction does not depend on this scale, so it carries no gradient; it keeps the
    # squares from overflowing and underflowing.
    scale = ops.stop_gradient(ops.max(ops.abs(x), axis=-1, keepdims=True))
    x = x / ops.where(scale > 0, scale, ops.ones_like(scale))
    squared_norm = ops.sum(ops.square(x), axis=-1, keepdims=True)
    return x * ops.rsqrt(ops.maximum(squared_norm, 1e-12))


def at_least_float32(x: Tensor) -> Tensor:
    """Casts half precision up: sums over a batch and logs of sigmoids need float32."""
    x = ops.convert_to_tensor(x)
    dtype = keras.backend.standardize_dtype(x.dtype)
    return x if dtype == "float64" else ops.cast(x, "float32")
