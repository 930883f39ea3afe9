"""The noise-contrastive loss of CCL, to which AMID compares its own (Table 4)."""

from __future__ import annotations

from keras import ops

from keras_amid.losses.posterior_sums import posterior_sums
from keras_amid.losses.same_class import class_counts
from keras_amid.typing import Tensor


def noise_contrastive_loss(
    anchor: Tensor, candidates: Tensor, labels: Tensor, temperature: float, block: int | None = None
) -> Tensor:
    """CCL's NCE: means over the positives and over the negatives, where Eq. 8 has sums.

        loss_i = -mean_{j in P(i)} log h_ij - mean_{j not in P(i)} log(1 - h_ij)

    with h as in Eq. 7. An anchor without negatives has no negative part.

    Args:
        anchor: float tensor, shape `(batch, dim)`.
        candidates: float tensor, shape `(batch, dim)`.
        labels: integer tensor, shape `(batch,)`; a negative one leaves its sample out.
        temperature: positive float, tau.
        block: as of `mutual_information_loss`.

    Returns:
        float32 tensor, shape `(batch,)`, non-negative.

    Reference: Chen et al., "Distilling Audio-Visual Knowledge by Compositional Contrastive
    Learning", CVPR 2021.
    """
    first, second = posterior_sums(anchor, candidates, labels, temperature, block)
    positives, negatives = (ops.cast(n, first.dtype) for n in class_counts(labels))
    return -first / ops.maximum(positives, 1.0) - second / ops.maximum(negatives, 1.0)


def symmetric_noise_contrastive_loss(
    u: Tensor, v: Tensor, labels: Tensor, temperature: float, block: int | None = None
) -> Tensor:
    """CCL's NCE in both directions: Sym(u, v) = NCE(u, v) + NCE(v, u), for each sample.

    Args:
        u: float tensor, shape `(batch, dim)`.
        v: float tensor, shape `(batch, dim)`.
        labels: integer tensor, shape `(batch,)`; a negative one leaves its sample out.
        temperature: positive float, tau.
        block: as of `mutual_information_loss`.

    Returns:
        float32 tensor, shape `(batch,)`, non-negative.
    """
    there = noise_contrastive_loss(u, v, labels, temperature, block)
    return there + noise_contrastive_loss(v, u, labels, temperature, block)
