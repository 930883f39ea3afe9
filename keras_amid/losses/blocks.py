"""Losses of batch x batch numbers in blocks of rows, so that memory grows with batch x block."""

from __future__ import annotations

import keras
from keras import ops

from keras_amid.validation.arguments import check_block

FAR = -1e9  # in the place of a logit that does not count
PART, LARGE = 1024, 4096


def block_of(rows, block):
    """How many rows are formed at once: `block`, or all, or of many a quarter.

    Args:
        rows: int, or None where it is not known before a batch comes.
        block: int, or None for the choice above.

    Returns:
        An int, or None for all rows.

    Raises:
        ValueError: where `block` is neither None nor a positive integer.
    """
    if check_block(block) is not None:
        return block
    return None if rows is None or rows < LARGE else rows // 4


def product(x, y):
    """The matrices' product, (m, n) by (n, k) -> (m, k).

    Where n is large it is taken in parts: float32 loses less in several sums.
    """
    rows = y.shape[0]
    if rows is None or rows <= PART:
        return ops.matmul(x, y)
    return sum(ops.matmul(x[:, i : i + PART], y[i : i + PART]) for i in range(0, rows, PART))


def by_blocks(function, arrays, size, block):
    """`function(*arrays)`, shape (size, n), in blocks of so many of the arrays' n rows.

    One block after the other, so that only one is in memory. What fills the last one up is -1 in
    integers, which as a label is left out, and 0 in floats.

    Args:
        function: of blocks of the arrays, shapes (block, ...), to a tensor of shape (size, block).
        arrays: tensors of shapes (n, ...), the first of the dtype of what comes out.
        size: int.
        block: int, or None for all rows at once.
    """
    if block is None:
        return function(*arrays)
    n = ops.shape(arrays[0])[0]
    blocks = tuple(_in_blocks(array, n, block) for array in arrays)

    def step(carry, place):
        return carry, function(*(ops.take(parts, place, axis=0) for parts in blocks))

    # On TensorFlow, Keras's `scan` takes the values' shape from the carry, and of several arrays
    # whose length is not known beforehand it fails: hence places.
    like_values = ops.zeros((size, block), arrays[0].dtype)
    _, values = ops.scan(step, like_values, ops.arange(ops.shape(blocks[0])[0], dtype="int32"))
    return ops.reshape(ops.transpose(values, (1, 0, 2)), (size, -1))[:, :n]


def _in_blocks(array, n, block):
    shape, filling = array.shape[1:], -n % block
    value = -1 if "int" in keras.backend.standardize_dtype(array.dtype) else 0
    filled = ops.concatenate([array, ops.full((filling, *shape), value, array.dtype)])
    return ops.reshape(filled, (-1, block, *shape))
