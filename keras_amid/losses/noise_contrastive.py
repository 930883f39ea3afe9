"""The noise-contrastive loss of CCL, to which AMID compares its own (Table 4)."""

from __future__ import annotations

from keras import ops

from keras_amid.losses.same_class import other_class, same_class, takes_part
from keras_amid.losses.similarity import cosine_similarity, log_posterior
from keras_amid.typing import Tensor


def noise_contrastive_loss(
    anchor: Tensor, candidates: Tensor, labels: Tensor, temperature: float
) -> Tensor:
    """CCL's NCE: means over the positives and over the negatives, where Eq. 8 has sums.

        loss_i = -mean_{j in P(i)} log h_ij - mean_{j not in P(i)} log(1 - h_ij)

    with h as in Eq. 7. An anchor without negatives has no negative part.

    Args:
        anchor: float tensor, shape `(batch, dim)`.
        candidates: float tensor, shape `(batch, dim)`.
        labels: integer tensor, shape `(batch,)`; a negative one leaves its sample out.
        temperature: positive float, tau.

    Returns:
        float32 tensor, shape `(batch,)`, non-negative.

    Reference: Chen et al., "Distilling Audio-Visual Knowledge by Compositional Contrastive
    Learning", CVPR 2021.
    """
    logits = cosine_similarity(anchor, candidates) / temperature
    log_h, log_one_minus_h = log_posterior(logits, takes_part(labels))
    same, other = same_class(labels), other_class(labels)
    positives = ops.sum(ops.cast(same, log_h.dtype), axis=1)
    negatives = ops.sum(ops.cast(other, log_h.dtype), axis=1)
    positive_part = ops.sum(ops.where(same, log_h, 0.0), axis=1) / ops.maximum(positives, 1.0)
    negative_part = ops.sum(ops.where(other, log_one_minus_h, 0.0), axis=1)
    return -positive_part - negative_part / ops.maximum(negatives, 1.0)


def symmetric_noise_contrastive_loss(
    u: Tensor, v: Tensor, labels: Tensor, temperature: float
) -> Tensor:
    """CCL's NCE in both directions: Sym(u, v) = NCE(u, v) + NCE(v, u), for each sample.

    Args:
        u: float tensor, shape `(batch, dim)`.
        v: float tensor, shape `(batch, dim)`.
        labels: integer tensor, shape `(batch,)`; a negative one leaves its sample out.
        temperature: positive float, tau.

    Returns:
        float32 tensor, shape `(batch,)`, non-negative.
    """
    there = noise_contrastive_loss(u, v, labels, temperature)
    return there + noise_contrastive_loss(v, u, labels, temperature)
