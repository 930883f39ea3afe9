"""Which samples of a batch share a class: the index sets of Eq. 8 and Eq. 12."""

from __future__ import annotations

from keras import ops

from keras_amid.typing import Tensor


def same_class(labels: Tensor) -> Tensor:
    """Tells which pairs of a batch are of one class.

    Args:
        labels: integer tensor, shape `(batch,)`.

    Returns:
        Boolean tensor, shape `(batch, batch)`; the diagonal is true. Row i holds P(i) of Eq. 8.
    """
    return ops.equal(ops.expand_dims(labels, 1), ops.expand_dims(labels, 0))


def next_of_same_class(same: Tensor) -> Tensor:
    """Index of the next sample of the same class in the batch, cyclically.

    Within each class this is one cycle, so over the samples whose class occurs more than once
    (V of Eq. 12) it is a permutation without fixed points: each representation is used once. A
    sample that is alone in its class gets its own index.

    Args:
        same: boolean tensor, shape `(batch, batch)`, from `same_class`.

    Returns:
        int32 tensor, shape `(batch,)`.
    """
    batch = ops.shape(same)[0]
    index = ops.arange(batch, dtype="int32")
    # Steps from i forward to j, less one: 0 for the neighbour, batch - 1 for i itself.
    steps = ops.mod(ops.expand_dims(index, 0) - ops.expand_dims(index, 1) - 1, batch)
    return ops.cast(ops.argmin(ops.where(same, steps, batch), axis=1), "int32")
