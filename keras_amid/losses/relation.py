"""The relations that CRCD contrasts: differences from an anchor, as directions."""

from __future__ import annotations

from keras import ops

from keras_amid.losses.similarity import at_least_float32, l2_normalize
from keras_amid.typing import Tensor

OFFSET = 1e-6


def relation_similarity(
    embeddings: Tensor, anchors: Tensor, candidates: Tensor, is_anchor: Tensor
) -> Tensor:
    """Cosines between the two sides' relations to common anchors, of CRCD.

        r[b, a]     = norm(z_b - t_a + 1e-6)            an embedding's relation to the anchor
        r'[b, a, j] = norm(w_bj - t_a + 1e-6)           a candidate's relation to it
        result      = r'[b, a, j] . r[b, a]

    1e-6 is added to every coordinate, as in the released code. The candidates' relations are not
    formed one by one: that would take `batch * batch * (1 + K) * dim` numbers, this takes the
    `dim`-th part. Anchors and candidates carry no gradient.

    Args:
        embeddings: z of one side, float tensor, shape `(batch, dim)`.
        anchors: t of the other side, shape `(anchors, dim)`.
        candidates: w, rows of the other side too, shape `(batch, 1 + K, dim)`.
        is_anchor: boolean tensor, shape `(batch, anchors, 1 + K)`: where a candidate is the
            anchor's own row. Their difference is exactly the 1e-6, which rounding would swamp.

    Returns:
        float32 tensor, shape `(batch, anchors, 1 + K)`, values in [-1, 1].

    Reference: Zhu et al., "Complementary Relation Contrastive Distillation", CVPR 2021.
    """
    z = at_least_float32(embeddings)
    t = ops.stop_gradient(at_least_float32(anchors)) - OFFSET
    w = ops.stop_gradient(at_least_float32(candidates))
    r = l2_normalize(ops.expand_dims(z, 1) - ops.expand_dims(t, 0))

    along = ops.einsum("bad,bjd->baj", r, w) - ops.expand_dims(ops.einsum("bad,ad->ba", r, t), 2)
    length = _distance(t, w)
    itself = ops.expand_dims(ops.mean(r, axis=2) * z.shape[-1] ** 0.5, 2)
    return ops.clip(ops.where(is_anchor, itself, along / length), -1.0, 1.0)


def _distance(t, w):
    """|w_bj - t_a|, shape (batch, anchors, 1 + K), at least what float32 can tell from 0."""
    products = ops.einsum("ad,bjd->baj", t, w)
    t_squared = ops.expand_dims(ops.sum(ops.square(t), axis=-1), 1)
    w_squared = ops.expand_dims(ops.sum(ops.square(w), axis=-1), 1)
    return ops.sqrt(ops.maximum(t_squared + w_squared - 2.0 * products, 1e-7))
