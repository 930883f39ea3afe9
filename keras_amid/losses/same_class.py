"""Which samples of a batch share a class: the index sets of Eq. 8 and Eq. 12.

A negative label leaves its sample out of all of them.
"""

from __future__ import annotations

from keras import ops

from keras_amid.typing import Tensor


def same_class(labels: Tensor) -> Tensor:
    """Tells which pairs of a batch are of one class.

    Args:
        labels: integer tensor, shape `(batch,)`.

    Returns:
        Boolean tensor, shape `(batch, batch)`. Row i holds P(i) of Eq. 8: the diagonal is true. The
        row and the column of a negative label are false.
    """
    same = ops.equal(ops.expand_dims(labels, 1), ops.expand_dims(labels, 0))
    return ops.logical_and(same, ops.expand_dims(takes_part(labels), 1))


def other_class(labels: Tensor) -> Tensor:
    """Tells which pairs of a batch are of different classes: the negatives of Eq. 8.

    Args:
        labels: integer tensor, shape `(batch,)`.

    Returns:
        Boolean tensor, shape `(batch, batch)`. The row and the column of a negative label are
        false.
    """
    there = takes_part(labels)
    pairs = ops.logical_and(ops.expand_dims(there, 1), ops.expand_dims(there, 0))
    different = ops.not_equal(ops.expand_dims(labels, 1), ops.expand_dims(labels, 0))
    return ops.logical_and(different, pairs)


def takes_part(labels: Tensor) -> Tensor:
    """Tells which samples of a batch are not left out: labels >= 0, boolean, shape `(batch,)`."""
    return ops.convert_to_tensor(labels) >= 0


def class_counts(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Sizes of P(i) and of the negatives of Eq. 8, without any array of batch x batch.

    Args:
        labels: integer tensor, shape `(batch,)`.

    Returns:
        Tuple of two int32 tensors, shape `(batch,)`; both 0 for a negative label.
    """
    first, after = _places_of_class(ops.sort(labels), labels)
    there = ops.cast(takes_part(labels), "int32")
    positives = there * (after - first)
    return positives, there * (ops.sum(there) - positives)


def first_in_class(labels: Tensor) -> Tensor:
    """A number for each class of a batch, in 0..batch-1: its first place in order.

    Args:
        labels: integer tensor, shape `(batch,)`.

    Returns:
        int32 tensor, shape `(batch,)`.
    """
    first, _ = _places_of_class(ops.sort(labels), labels)
    return first


def next_in_class(labels: Tensor) -> Tensor:
    """v' of Eq. 12 for each v: `next_of_same_class`, without any array of batch x batch.

    Args:
        labels: integer tensor, shape `(batch,)`.

    Returns:
        int32 tensor, shape `(batch,)`.
    """
    labels = ops.convert_to_tensor(labels)
    order = ops.cast(ops.argsort(labels), "int32")  # stable on every backend
    place = ops.cast(ops.argsort(order), "int32")
    first, after = _places_of_class(ops.take(labels, order), labels)
    return ops.take(order, ops.where(place + 1 < after, place + 1, first))


def _places_of_class(ordered, labels):
    """For each label, where its class begins among the labels in order, and where it has ended."""
    sides = (ops.searchsorted(ordered, labels, side=side) for side in ("left", "right"))
    return tuple(ops.cast(places, "int32") for places in sides)


def next_of_same_class(same: Tensor) -> Tensor:
    """Index of the next sample of the same class in the batch, cyclically.

    Within each class this is one cycle, so over the samples whose class occurs more than once
    (V of Eq. 12) it is a permutation without fixed points: each representation is used once. A
    sample that is alone in its class gets its own index, one that is left out any.

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
