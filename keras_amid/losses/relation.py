"""The relations that CRCD contrasts: differences from an anchor, as directions."""

from __future__ import annotations

from keras import ops

from keras_amid.losses.similarity import at_least_float32, l2_normalize
from keras_amid.typing import Tensor

OFFSET = 1e-6


def relation_similarity(
    embeddings: Tensor,
    anchors: Tensor,
    candidates: Tensor,
    is_anchor: Tensor | None = None,
    picked: Tensor | None = None,
) -> Tensor:
    """Cosines between the two sides' relations to common anchors, of CRCD.

        r[b, a]     = norm(z_b - t_a + 1e-6)            an embedding's relation to the anchor
        r'[b, a, j] = norm(w_bj - t_a + 1e-6)           a candidate's relation to it
        result      = r'[b, a, j] . r[b, a]

    1e-6 is added to every coordinate, as in the released code. The differences are formed one by
    one, as there, and not by expanding |w - t|^2, which cancels: so near and equal vectors
    (duplicates in the data) are right too, in value and gradient. That is done anchor by anchor,
    again in the backward pass: no more are held at once than there are numbers in `candidates`.
    Anchors and candidates carry no gradient.

    Args:
        embeddings: z of one side, float tensor, shape `(batch, dim)`.
        anchors: t of the other side, shape `(anchors, dim)`.
        candidates: w, rows of the other side too, shape `(batch, 1 + K, dim)`; with `picked`,
            rows to pick from, shape `(rows, dim)`.
        is_anchor: None, or a boolean tensor, shape `(batch, anchors, 1 + K)`: which candidates
            stand for the anchor itself, whatever their values; their relation to it is the 1e-6.
        picked: None, or integer tensor, shape `(batch, 1 + K)`: which of the rows w_bj is. Rows
            that many samples share are then subtracted once.

    Returns:
        float32 tensor, shape `(batch, anchors, 1 + K)`, values in [-1, 1].

    Reference: Zhu et al., "Complementary Relation Contrastive Distillation", CVPR 2021.
    """
    z = at_least_float32(embeddings)
    t = ops.stop_gradient(at_least_float32(anchors))
    w = ops.stop_gradient(at_least_float32(candidates))
    r = l2_normalize((ops.expand_dims(z, 1) - ops.expand_dims(t, 0)) + OFFSET)
    cosine = _own_rows(r, t, w) if picked is None else _shared_rows(r, t, w, picked)
    if is_anchor is not None:
        itself = ops.expand_dims(ops.mean(r, axis=2) * z.shape[-1] ** 0.5, 2)
        cosine = ops.where(is_anchor, itself, cosine)
    return ops.clip(cosine, -1.0, 1.0)


def _own_rows(r, t, w):
    """Cosines where each sample has rows of its own, w of shape (batch, 1 + K, dim)."""

    def cosines(r_a, relations, lengths):
        return ops.squeeze(ops.matmul(relations, ops.expand_dims(r_a, 2)), 2) / lengths

    def gradient(upstream, relations, lengths):
        return ops.squeeze(ops.matmul(ops.expand_dims(upstream / lengths, 1), relations), 1)

    return _over_anchors(cosines, gradient)(r, t, w)


def _shared_rows(r, t, rows, picked):
    """Cosines where all pick from the same rows, of shape (rows, dim)."""
    picked = ops.cast(ops.convert_to_tensor(picked), "int32")
    sample = ops.expand_dims(ops.arange(ops.shape(picked)[0], dtype="int32"), 1)
    sample = ops.broadcast_to(sample, ops.shape(picked))
    place = ops.reshape(ops.stack([sample, picked], axis=-1), (-1, 2))

    def cosines(r_a, relations, lengths, picked, place):
        cosine = ops.matmul(r_a, ops.transpose(relations)) / lengths
        return ops.take_along_axis(cosine, picked, axis=1)

    def gradient(upstream, relations, lengths, picked, place):
        by_row = ops.zeros((ops.shape(picked)[0], ops.shape(lengths)[0]), upstream.dtype)
        upstream = ops.reshape(upstream, (-1,))
        by_row = ops.scatter_update(by_row, place, upstream, reduction="add")
        return ops.matmul(by_row / lengths, relations)

    return _over_anchors(cosines, gradient)(r, t, rows, picked, place)


def _over_anchors(cosines, gradient):
    """A function of (r, t, w, *further), shapes (batch, anchors, dim), (anchors, dim), (..., dim).

    Args:
        cosines: function of r of one anchor (batch, dim), the relations to it (..., dim), their
            lengths (...) and what is further, that returns (batch, 1 + K).
        gradient: likewise, of that result's gradient, that returns r's.
    """

    def relations(w, t_a):
        difference = (w - t_a) + OFFSET  # exact where they are near, and only then the offset
        # Not below what squares in float32 can tell from 0.
        squared = ops.maximum(ops.sum(ops.square(difference), axis=-1), 1e-30)
        return difference, ops.sqrt(squared)

    def mapped(function, x, t, w, further):
        x = ops.transpose(x, (1, 0, 2))
        y = ops.map(lambda a: function(a[0], *relations(w, a[1]), *further), (x, t))
        return ops.transpose(y, (1, 0, 2))

    @ops.custom_gradient
    def over_anchors(r, t, w, *further):
        def backward(*args, upstream=None):
            upstream = args[0] if upstream is None else upstream
            none = (None,) * (2 + len(further))
            return mapped(gradient, upstream, t, w, further), *none

        return mapped(cosines, r, t, w, further), backward

    return over_anchors
