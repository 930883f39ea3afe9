"""The noise-contrastive loss of CRD over a sample's positive and its negatives."""

from __future__ import annotations

from typing import Any

from keras import ops

from keras_amid.losses.similarity import at_least_float32
from keras_amid.typing import Tensor

EPSILON = 1e-7


def contrastive_representation_loss(
    scores: Tensor, log_z: Tensor, dataset_size: Any, valid: Tensor | None = None
) -> Tensor:
    """One side of CRD's loss (Eq. 18 of its released form), for each sample i.

        out_ij = exp(scores_ij) / Z,  scores_ij = w_idx(i,j) . z_i / T
        loss_i = -log[ out_i0 / (out_i0 + K/n + eps) ]
                 - sum_{j >= 1} log[ (K/n) / (out_ij + K/n + eps) ]

    j = 0 is the positive, the other K are negatives. It is computed from the logs, so that exp
    cannot overflow. The paper normalises h over the data set; the released code sets Z once, from
    the first batch, as the mean of exp(scores) times n (`log_normalizing_constant`): Z is given
    here, so the choice is the caller's. CRCD uses the same loss over its relations.

    Args:
        scores: float tensor, shape `(..., 1 + K)`.
        log_z: log Z, a scalar.
        dataset_size: n, a positive number.
        valid: boolean tensor, shape of `scores` (or broadcast to it), or None for all: which of
            the negatives count; K is their number, row by row.

    Returns:
        float32 tensor, shape of `scores` without the last axis, finite. Where K is 0 there is only
        the positive's term, with K/n = 0.

    Reference: Tian et al., "Contrastive Representation Distillation", ICLR 2020.
    """
    log_out = at_least_float32(scores) - log_z
    negative = _is_negative(log_out, valid)
    k = ops.sum(negative, axis=-1, keepdims=True)
    noise = k / dataset_size
    log_noise = ops.log(noise + EPSILON)
    positive_term = ops.softplus(log_noise - log_out)[..., 0]
    log_rate = ops.log(ops.maximum(noise, 1e-30))
    negative_terms = ops.logaddexp(log_out, log_noise) - log_rate
    return positive_term + ops.sum(ops.where(negative > 0, negative_terms, 0.0), axis=-1)


def log_normalizing_constant(
    scores: Tensor, dataset_size: Any, valid: Tensor | None = None
) -> Tensor:
    """log Z of the released code: the mean of exp(scores) over a batch, times n.

    Args:
        scores: float tensor, shape `(..., 1 + K)`.
        dataset_size: n.
        valid: as in `contrastive_representation_loss`; the positives count too.

    Returns:
        float32 scalar, without gradient; without any valid score a large negative number.
    """
    scores = ops.stop_gradient(at_least_float32(scores))
    counts = ops.ones_like(scores)
    if valid is not None:
        counts = counts * ops.cast(valid, scores.dtype)
    total = ops.logsumexp(ops.where(counts > 0, scores, -1e9))
    mean = total - ops.log(ops.maximum(ops.sum(counts), 1.0))
    return mean + ops.log(ops.cast(dataset_size, scores.dtype))


def _is_negative(scores, valid):
    columns = ops.arange(ops.shape(scores)[-1], dtype="int32")
    negative = ops.ones_like(scores) * ops.cast(columns > 0, scores.dtype)
    return negative if valid is None else negative * ops.cast(valid, scores.dtype)
