"""The losses of batch x batch numbers in blocks, and index sets by sorting, against the plain."""

import keras
import numpy as np
import pytest
from gradients import gradient
from keras import ops

from keras_amid import losses
from keras_amid.losses.same_class import class_counts, next_in_class

N = 37
RNG = np.random.default_rng(0)
M, S = RNG.normal(size=(2, N, 6)).astype("float32")
LABELS = RNG.integers(-1, 5, N).astype("int32")


def geometric(with_positive):
    """GMC's loss with the arguments of the others; the same samples are left out."""

    def loss(m, s, labels, temperature, block):
        there = labels >= 0
        return losses.geometric_multimodal_contrastive_loss(
            m, s, temperature, with_positive, there, block
        )

    return loss


FUNCTIONS = {
    "Eq. 8": losses.mutual_information_loss,
    "Sym": losses.symmetric_noise_contrastive_loss,
    "GMC": geometric(True),
    "GMC, paper": geometric(False),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("block", [1, 8, N, 64])
def test_blocks_change_nothing(name, block):
    function, upstream = FUNCTIONS[name], RNG.normal(size=N).astype("float32")
    (plain, by_plain), (blocked, by_blocked) = (
        gradient(
            lambda m, s, b=b: ops.sum(
                ops.convert_to_tensor(upstream) * function(m, s, LABELS, 0.1, block=b)
            ),
            M,
            S,
        )
        for b in (None, block)
    )
    assert blocked == pytest.approx(plain, rel=1e-5)
    for got, expected in zip(by_blocked, by_plain, strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="others know every size")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_blocks_of_a_batch_whose_size_is_not_known_beforehand(name):
    import tensorflow as tf

    function = FUNCTIONS[name]
    rows, labels = tf.TensorSpec((None, 6)), tf.TensorSpec((None,), tf.int32)

    @tf.function(input_signature=(rows, rows, labels))
    def blocked(m, s, y):
        with tf.GradientTape() as tape:
            tape.watch([m, s])
            values = function(m, s, y, 0.1, block=8)
        return values, *tape.gradient(values, [m, s])

    for size in (5, 8, N):
        m, s, y = M[:size], S[:size], LABELS[:size]
        values, *slopes = blocked(m, s, y)
        plain, expected = gradient(
            lambda m, s, y=y: ops.sum(function(m, s, y, 0.1, block=None)), m, s
        )
        assert float(ops.sum(values)) == pytest.approx(plain, rel=1e-5)
        for got, wanted in zip(slopes, expected, strict=True):
            np.testing.assert_allclose(got, wanted, atol=1e-5 * np.abs(wanted).max())


def test_sorted_index_sets_are_those_of_the_matrices():
    same = ops.convert_to_numpy(losses.same_class(LABELS))
    other = ops.convert_to_numpy(losses.other_class(LABELS))
    positives, negatives = (ops.convert_to_numpy(n) for n in class_counts(LABELS))
    np.testing.assert_array_equal(positives, same.sum(1))
    np.testing.assert_array_equal(negatives, other.sum(1))
    there = LABELS >= 0
    got = ops.convert_to_numpy(next_in_class(LABELS))
    expected = ops.convert_to_numpy(losses.next_of_same_class(losses.same_class(LABELS)))
    np.testing.assert_array_equal(got[there], expected[there])


def test_a_block_is_a_positive_integer():
    with pytest.raises(ValueError, match="`block` must be .*; received 0"):
        losses.mutual_information_loss(M, S, LABELS, 0.1, block=0)
