"""The contrastive loss of GMC between a modality and the joint representation."""

from __future__ import annotations

from keras import ops

from keras_amid.losses.blocks import FAR, block_of, by_blocks, product
from keras_amid.losses.similarity import l2_normalize
from keras_amid.typing import Tensor


def geometric_multimodal_contrastive_loss(
    joint: Tensor,
    modality: Tensor,
    temperature: float,
    positive_in_denominator: bool = True,
    valid: Tensor | None = None,
    block: int | None = None,
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
        block: None, or int: how many of the 2B rows are formed at once, as of `posterior_sums`;
            the result is the same.

    Returns:
        float32 tensor, shape `(batch,)`. A batch of one has no negatives: 0. So has a sample that
        does not count.

    Reference: Poklukar et al., "Geometric Multimodal Contrastive Representation Learning",
    ICML 2022.
    """
    j, m = l2_normalize(joint), l2_normalize(modality)
    valid = ops.ones_like(j[:, 0], dtype="bool") if valid is None else valid
    there = ops.logical_and(valid, ops.sum(ops.cast(valid, "int32")) > 1)

    r = ops.concatenate([j, m], axis=0) / temperature**0.5
    block = block_of(r.shape[0], block)
    there_twice = ops.cast(ops.tile(there, (2,)), "int32")
    denominators = _log_denominators(positive_in_denominator, block)(r, there_twice)
    positives = ops.sum(j * m, axis=1) / temperature
    values = ops.mean(ops.reshape(denominators, (2, -1)), axis=0) - positives
    return ops.where(there, values, 0.0)


def _log_denominators(positive_in_denominator, block):
    """A function of R / sqrt(tau) and which rows count (0, 1) -> log of the sums over j.

    Its gradient forms the exponentials anew, so nothing of rows x rows is kept for it: with the
    upstream u, that by R_i is sum_j (u_i exp(x_ij - l_i) + u_j exp(x_ij - l_j)) R_j.
    """

    @ops.custom_gradient
    def log_denominators(r, there):
        columns = ops.arange(ops.shape(r)[0], dtype="int32")

        def exponents(rows, index, rows_there):
            return _exponents(rows, r, index, columns, rows_there, there, positive_in_denominator)

        def of_rows(rows, index, rows_there):
            sums = ops.logsumexp(exponents(rows, index, rows_there), axis=1)
            return ops.expand_dims(ops.where(rows_there > 0, sums, 0.0), 0)

        sums = by_blocks(of_rows, (r, columns, there), 1, block)[0]

        def gradient(*args, upstream=None):
            u = args[0] if upstream is None else upstream
            u = u * ops.cast(there, u.dtype)

            def by_rows(rows, index, rows_there, own_u, own_sums):
                x = exponents(rows, index, rows_there)
                own = ops.exp(x - ops.expand_dims(own_sums, 1)) * ops.expand_dims(own_u, 1)
                theirs = ops.exp(x - ops.expand_dims(sums, 0)) * ops.expand_dims(u, 0)
                return ops.transpose(product(own + theirs, r))

            by_r = by_blocks(by_rows, (r, columns, there, u, sums), r.shape[1], block)
            return ops.transpose(by_r), None

        return sums, gradient

    return log_denominators


def _exponents(rows, r, index, columns, rows_there, there, positive_in_denominator):
    """R_i . R_j / tau of a block, (rows, 2B), far away where j is no candidate of i."""
    counts = ops.logical_and(ops.expand_dims(rows_there > 0, 1), ops.expand_dims(there > 0, 0))
    counts = ops.logical_and(counts, ops.not_equal(ops.expand_dims(index, 1), columns))
    if not positive_in_denominator:
        twice = ops.shape(columns)[0]
        positive = ops.mod(columns + twice // 2, twice)
        counts = ops.logical_and(counts, ops.not_equal(ops.expand_dims(index, 1), positive))
    return ops.where(counts, ops.matmul(rows, ops.transpose(r)), FAR)
