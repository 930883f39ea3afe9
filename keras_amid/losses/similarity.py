"""Cosine similarity and the softmax over it: Phi and h of Eq. 7."""

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


def cosine_similarity(anchor: Tensor, candidates: Tensor) -> Tensor:
    """cos_ij = cosine(anchor_i, candidate_j).

    Args:
        anchor: float tensor, shape `(n, dim)`.
        candidates: float tensor, shape `(m, dim)`.

    Returns:
        float32 (or float64) tensor, shape `(n, m)`, values in [-1, 1].
    """
    return ops.matmul(l2_normalize(anchor), ops.transpose(l2_normalize(candidates)))


def log_posterior(logits: Tensor, candidates: Tensor | None = None) -> Tensor:
    """log h_ij and log(1 - h_ij), h_ij = softmax over j of logits_ij (Eq. 7), both finite.

    1 - h_ij = sum over k != j of exp(logits_ik) / sum over k of exp(logits_ik). Only the largest
    h of a row can exceed 1/2, so only for that one is the sum over the others taken apart; for
    the rest log1p(-h) loses nothing.

    Args:
        logits: float tensor, shape `(n, m)`.
        candidates: boolean tensor, shape `(m,)`, or None for all: which j the sums run over.

    Returns:
        Tuple `(log_h, log_one_minus_h)`, each of shape `(n, m)`. With one candidate the second has
        no finite value: it is a large negative number (and without gradient), for a caller to
        mask. So is log_h of what is no candidate.
    """
    if candidates is not None:
        logits = ops.where(ops.expand_dims(candidates, 0), logits, -1e9)
    log_h = ops.log_softmax(logits, axis=1)
    columns = ops.arange(ops.shape(logits)[1], dtype="int32")
    largest = ops.expand_dims(ops.cast(ops.argmax(logits, axis=1), "int32"), 1)
    is_largest = ops.equal(ops.expand_dims(columns, 0), largest)

    others = ops.logsumexp(ops.where(is_largest, -1e9, log_h), axis=1, keepdims=True)
    h_of_others = ops.where(is_largest, 0.0, ops.exp(log_h))
    return log_h, ops.where(is_largest, others, ops.log1p(-h_of_others))


def at_least_float32(x: Tensor) -> Tensor:
    """Casts half precision up: sums over a batch and logs of sigmoids need float32."""
    x = ops.convert_to_tensor(x)
    dtype = keras.backend.standardize_dtype(x.dtype)
    return x if dtype == "float64" else ops.cast(x, "float32")
