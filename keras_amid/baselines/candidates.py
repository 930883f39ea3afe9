"""What CRD and CRCD contrast a batch with."""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

from keras_amid import losses
from keras_amid.distiller.batch import Batch
from keras_amid.losses.same_class import takes_part


class Candidates(NamedTuple):
    """What a batch is contrasted with, on both sides.

    Attributes:
        student, teacher: rows without gradient, shape `(rows, dim)`.
        own: int32, shape `(batch,)`: each sample's own row.
        picked: int32, shape `(batch, 1 + K)`: its positive, which is that row, and its negatives.
        valid: boolean, shape `(batch, 1 + K)`: which of these count; of the positive, whether the
            sample itself does.
        size: n, the number of samples that they stand for.
    """

    student: Any
    teacher: Any
    own: Any
    picked: Any
    valid: Any
    size: Any

    @classmethod
    def of_batch(cls, batch: Batch, z_s: Any, z_t: Any) -> Candidates:
        """The batch's embeddings as rows; the negatives are its members of other classes.

        Args:
            batch: `keras_amid.distiller.batch.Batch`.
            z_s, z_t: embeddings of the two sides, shape `(batch, embedding_dim)`.
        """
        own = ops.arange(ops.shape(z_s)[0], dtype="int32")
        everyone = ops.broadcast_to(ops.expand_dims(own, 0), (ops.shape(own)[0],) * 2)
        itself = ops.expand_dims(takes_part(batch.labels), 1)
        return cls(
            student=ops.stop_gradient(z_s),
            teacher=ops.stop_gradient(z_t),
            own=own,
            picked=ops.concatenate([ops.expand_dims(own, 1), everyone], axis=1),
            valid=ops.concatenate([itself, losses.other_class(batch.labels)], axis=1),
            size=ops.maximum(batch.size, 1.0),
        )

    def with_negatives(self, negatives: Any) -> Candidates:
        """The same with these negatives, integers `(batch, K)`, all of which count."""
        negatives = ops.cast(ops.convert_to_tensor(negatives), "int32")
        itself = self.valid[:, :1]
        return self._replace(
            picked=ops.concatenate([ops.expand_dims(self.own, 1), negatives], axis=1),
            valid=ops.concatenate(
                [itself, ops.logical_and(ops.ones_like(negatives, dtype="bool"), itself)], axis=1
            ),
        )

    def to_anchors(self) -> Candidates:
        """The same against every sample as an anchor: `valid` becomes (batch, anchors, 1 + K)."""
        anchors = ops.reshape(self.valid[:, 0], (1, -1, 1))
        return self._replace(valid=ops.logical_and(ops.expand_dims(self.valid, 1), anchors))
