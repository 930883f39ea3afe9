"""The two sums of Eq. 8 over a row of h, in few arrays of batch x batch numbers, or in blocks."""

from __future__ import annotations

from keras import ops

from keras_amid.losses.blocks import FAR, block_of, by_blocks, product
from keras_amid.losses.same_class import class_counts
from keras_amid.losses.similarity import l2_normalize
from keras_amid.typing import Tensor


def posterior_sums(
    anchor: Tensor, candidates: Tensor, labels: Tensor, temperature: float, block: int | None = None
) -> tuple[Tensor, Tensor]:
    """Sums over the positives and over the negatives, for each anchor i.

        sum_{j in P(i)} log h_ij   and   sum_{j not in P(i)} log(1 - h_ij)

    with h of Eq. 7. 1 - h_ij is the sum over k != j of h_ik: only the largest h of a row can exceed
    1/2, so only for that one is the sum over the others taken apart; for the rest log1p(-h) loses
    nothing. The gradient by x_ij = cos_ij / tau is in closed form, from a few numbers of each row:
    nothing of batch x batch numbers is kept for the backward pass. With the odds o = h / (1 - h), N
    the negatives but the row's largest (index m), and p the softmax without m,

        of the first sum:   1[j in P] - k h_j
        of the second one:  h_j sum_N o - 1[j in N] o_j + 1[m negative] (1[j != m] p_j - h_j)

    Memory: a few arrays of batch x block float32 numbers live at once, in either pass, beside some
    of batch x dim; docs/speed.md has it measured.

    Args:
        anchor, candidates: float tensors, shape `(batch, dim)`.
        labels: integer tensor, shape `(batch,)`; a negative one leaves its sample out.
        temperature: positive float, tau.
        block: None, or int: how many rows (in the backward pass, columns too) are formed at once.
            None: all of them or, of a batch of 4,096 or more whose size is known beforehand (on
            TensorFlow, `drop_remainder=True`), a quarter.

    Returns:
        Tuple of two float32 tensors, shape `(batch,)`, 0 for what is left out.
    """
    a = l2_normalize(anchor) / temperature
    c = l2_normalize(candidates)
    labels = ops.cast(ops.convert_to_tensor(labels), "int32")
    sums = _sums(block_of(labels.shape[0], block))(a, c, labels)
    return sums[0], sums[1]


def _sums(block):
    """A function of a, c `(batch, dim)` and labels that returns both sums, shape (2, batch)."""

    @ops.custom_gradient
    def sums(a, c, labels):
        columns = ops.arange(ops.shape(labels)[0], dtype="int32")
        positives, _ = class_counts(labels)

        def of_rows(a, y, k):
            return row_numbers(a, c, y, k, labels, columns)

        rows = by_blocks(of_rows, (a, labels, positives), 8, block)

        def gradient(*args, upstream=None):
            numbers = _coefficients(rows, args[0] if upstream is None else upstream)
            if block is None:
                by_x = _slopes(a, c, labels, labels, columns, numbers)
                return product(by_x, c), product(ops.transpose(by_x), a), None

            def by_rows(a, y, *numbers):
                by_x = _slopes(a, c, y, labels, columns, ops.stack(numbers))
                return ops.transpose(product(by_x, c))

            def by_columns(c, y, columns):
                by_x = _slopes(a, c, labels, y, columns, numbers)
                return product(ops.transpose(a), by_x)

            dim = a.shape[1]
            by_a = by_blocks(by_rows, (a, labels, *ops.unstack(numbers, 7)), dim, block)
            by_c = by_blocks(by_columns, (c, labels, columns), dim, block)
            return ops.transpose(by_a), ops.transpose(by_c), None

        return rows[:2], gradient

    return sums


def _x(a, c, labels):
    """cos_ij / tau of a block, (rows, columns); what is no candidate is far away."""
    x = ops.matmul(a, ops.transpose(c))
    return ops.where(ops.expand_dims(labels >= 0, 0), x, FAR)


def row_numbers(a, c, row_labels, positives, labels, columns):
    """What a row keeps, shape (8, rows): the two sums, and what the gradient needs."""
    x = _x(a, c, labels)
    lse = ops.logsumexp(x, axis=1)
    largest = ops.cast(ops.argmax(x, axis=1), "int32")
    x = x - ops.expand_dims(lse, 1)  # log h
    same = ops.equal(ops.expand_dims(row_labels, 1), ops.expand_dims(labels, 0))
    there = ops.cast(row_labels >= 0, x.dtype)
    first = ops.sum(ops.where(same, x, 0.0), axis=1)
    is_largest = ops.equal(ops.expand_dims(columns, 0), ops.expand_dims(largest, 1))
    x = ops.where(is_largest, FAR, x)
    others = ops.logsumexp(x, axis=1)
    top = ops.cast(ops.not_equal(ops.take(labels, largest), row_labels), x.dtype) * there
    x = ops.where(same, FAR, x)  # log h of the negatives but the largest
    second = ops.sum(ops.log1p(-ops.exp(x)), axis=1) + ops.where(top > 0, others, 0.0)
    odds = ops.sum(ops.reciprocal(ops.expm1(-x)), axis=1)
    numbers = (first * there, second * there, lse, others, largest, odds, positives, top)
    return ops.stack([ops.cast(number, x.dtype) for number in numbers])


def _coefficients(rows, upstream):
    """What a row's slopes need, shape (7, rows)."""
    _, _, lse, others, largest, odds, positives, top = ops.unstack(rows, 8)
    first, second = ops.unstack(upstream, 2)
    there = ops.cast(positives > 0, first.dtype)
    first, second = first * there, second * there
    of_h = second * (odds - top) - first * positives
    at_largest = first * (1.0 - top) - ops.expm1(others) * of_h
    # Where j != m, h_j = p_j exp(others).
    elsewhere = second * top + ops.exp(ops.minimum(others, 0.0)) * of_h
    return ops.stack([lse, others, largest, at_largest, elsewhere, first, second])


def _slopes(a, c, row_labels, labels, columns, numbers):
    """The gradient by x of a block, shape (rows, columns).

    Three arrays of this shape at most, in whatever order a backend takes the operations.
    """
    lse, others, largest, at_largest, elsewhere, first, second = (
        ops.expand_dims(number, 1) for number in ops.unstack(numbers, 7)
    )
    x = _x(a, c, labels) - lse  # log h
    slopes = ops.exp(ops.minimum(x - others, 0.0))
    slopes = slopes * elsewhere
    # As all but the largest are: no 0 / 0 there, or where a block is filled up.
    x = ops.minimum(x, -0.5)
    x = ops.expm1(-x)
    x = second / x  # times the odds
    same = ops.equal(ops.expand_dims(row_labels, 1), ops.expand_dims(labels, 0))
    x = ops.where(same, -first, x)
    slopes = slopes - x
    is_largest = ops.equal(ops.expand_dims(columns, 0), ops.cast(largest, "int32"))
    return ops.where(is_largest, at_largest, slopes)
