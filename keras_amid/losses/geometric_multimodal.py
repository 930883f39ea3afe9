"""The contrastive loss of GMC between a modality and the joint representation."""

from __future__ import annotations

from keras import ops

from keras_amid.losses.similarity import l2_normalize
from keras_amid.typing import Tensor


def geometric_multimodal_contrastive_loss(
    joint: Tensor,
    modality: Tensor,
    temperature: float,
    positive_in_denominator: bool = True,
    valid: Tensor | None = None,
) -> Tensor:
    """GMC's loss for one modality; the method sums it over the modalities.

        R = [J; m], 2B rows of unit length; the positive of row i is the same sample's other row
        l_i = -log( exp(R_i . R_pos / tau) / sum_{j != i} exp(R_i . R_j / tau) )
        loss_i = (l_i + l_{B+i}) / 2

    so that the mean over samples is the mean over the 2B rows. The released code keeps the
    positive in the denominator, which is the default; the paper's formula leaves it out.

    Args:
        joint: J, float tensor, shape `(batch, dim)`; normalised here.
        modality: m, float tensor, shape `(batch, dim)`; normalised here.
        temperature: positive float, tau.
        positive_in_denominator: bool. False: the paper's formula, which can be negative.
        valid: boolean tensor, shape `(batch,)`, or None for all: which samples count; both rows of
            any other are left out.

    Returns:
        float32 tensor, shape `(batch,)`. A batch of one has no negatives: 0. So has a sample that
        does not count.

    Reference: Poklukar et al., "Geometric Multimodal Contrastive Representation Learning",
    ICML 2022.
    """
    r = ops.concatenate([l2_normalize(joint), l2_normalize(modality)], axis=0)
    scores = ops.matmul(r, ops.transpose(r)) / temperature
    rows = ops.shape(r)[0]
    batch = rows // 2
    row = ops.arange(rows, dtype="int32")
    partner = ops.mod(row + batch, rows)
    is_positive = ops.equal(ops.expand_dims(partner, 1), ops.expand_dims(row, 0))
    left_out = ops.equal(ops.expand_dims(row, 1), ops.expand_dims(row, 0))
    if valid is not None:
        valid = ops.tile(valid, 2)
        pairs = ops.logical_and(ops.expand_dims(valid, 1), ops.expand_dims(valid, 0))
        left_out = ops.logical_or(left_out, ops.logical_not(pairs))
    if not positive_in_denominator:
        left_out = ops.logical_or(left_out, is_positive)

    positive = ops.sum(ops.where(is_positive, scores, 0.0), axis=1)
    denominator = ops.logsumexp(ops.where(left_out, -1e9, scores), axis=1)
    values = ops.where(ops.any(ops.logical_not(left_out), axis=1), denominator - positive, 0.0)
    return ops.mean(ops.reshape(values, (2, -1)), axis=0)
