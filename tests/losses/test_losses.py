"""Losses against float64 loops, at the extremes, and their gradients."""

import keras
import numpy as np
import pytest
import reference
from gradients import gradient
from keras import ops

from keras_amid import losses

LABELS = {
    "mixed": [0, 1, 0, 2, 2, 2, 3, 1],
    "one class": [1, 1, 1, 1],
    "all different": [3, 1, 0, 2],
    "pair": [0, 1],
    "single": [2],
}
CONTRASTIVE = {
    losses.mutual_information_loss: reference.mutual_information,
    losses.noise_contrastive_loss: reference.noise_contrastive,
}


def representations(n, dim=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, dim)), rng.normal(size=(n, dim))


def value(tensor):
    return ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("function", CONTRASTIVE, ids=lambda f: f.__name__)
@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("temperature", [0.07, 0.5, 2.0])
def test_contrastive_losses_equal_the_loops(function, labels, temperature):
    m, s = representations(len(labels))
    got = value(function(m.astype("float32"), s.astype("float32"), np.array(labels), temperature))
    expected = CONTRASTIVE[function](m, s, labels, temperature)
    assert got.shape == (len(labels),)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=2e-5)


def test_single_sample_has_no_contrastive_loss():
    m, s = representations(1)
    assert value(losses.mutual_information_loss(m, s, np.array([0]), 0.01)) == 0.0


@pytest.mark.parametrize("function", CONTRASTIVE, ids=lambda f: f.__name__)
@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("case", ["identical", "opposite", "zeros", "huge", "tiny", "far"])
def test_extreme_inputs_give_finite_values_and_gradients(function, labels, case):
    n = len(labels)
    m, s = (a.astype("float32") for a in representations(n))
    m, s = {
        "identical": (np.ones_like(m), np.ones_like(s)),
        "opposite": (np.ones_like(m), -np.ones_like(s)),
        "zeros": (np.zeros_like(m), np.zeros_like(s)),
        "huge": (m * 1e30, s * 1e30),
        "tiny": (m * 1e-30, s * 1e-30),
        "far": (np.eye(n, 8, dtype="float32"), 2 * np.eye(n, 8, dtype="float32")),
    }[case]
    labels = np.array(labels)
    total, grads = gradient(lambda a, b: ops.sum(function(a, b, labels, 0.01)), m, s)
    assert np.isfinite(total)
    assert all(np.isfinite(g).all() for g in grads)


def test_log_of_one_minus_h_keeps_its_value_where_h_rounds_to_one():
    # h_00 = 1 - e^-100 / (...): log(1 - h_00) = -100 - log(1 + e^-100), in float32 too.
    m = np.eye(2, dtype="float32")
    got = value(losses.mutual_information_loss(m, m[::-1].copy(), np.array([0, 1]), 0.01))
    np.testing.assert_allclose(got, [200.0, 200.0], rtol=1e-5)


@pytest.mark.parametrize("function", CONTRASTIVE, ids=lambda f: f.__name__)
def test_contrastive_gradients_equal_numerical_ones(function):
    labels, temperature = LABELS["mixed"], 0.5
    m, s = representations(len(labels))
    reference_loss = CONTRASTIVE[function]
    _, grads = gradient(
        lambda a, b: ops.sum(function(a, b, np.array(labels), temperature)),
        m.astype("float32"),
        s.astype("float32"),
    )
    for which, got in enumerate(grads):
        expected = np.zeros_like(m)
        for index in np.ndindex(m.shape):
            sides = []
            for step in (1e-5, -1e-5):
                moved = [m.copy(), s.copy()]
                moved[which][index] += step
                sides.append(reference_loss(*moved, labels, temperature).sum())
            expected[index] = (sides[0] - sides[1]) / 2e-5
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-4)


def test_mutual_information_bound():
    labels = [0, 0, 0, 1]
    bound, valid = losses.mutual_information_bound(np.float32([1, 2, 3, 4]), np.array(labels))
    expected = np.log([1 / 3, 1 / 3, 1 / 3, 3 / 1]) - [1, 2, 3, 4]
    np.testing.assert_allclose(value(bound), expected, rtol=1e-6)
    assert value(valid).tolist() == [1, 1, 1, 1]
    bound, valid = losses.mutual_information_bound(np.float32([1, 2]), np.array([5, 5]))
    assert value(bound).tolist() == [0, 0] and value(valid).tolist() == [0, 0]


def test_jensen_shannon_equals_the_loop_and_stays_in_range():
    rng = np.random.default_rng(1)
    p, q = rng.normal(size=(2, 6, 4)) * 3
    got = value(losses.jensen_shannon_divergence(p.astype("float32"), q.astype("float32")))
    np.testing.assert_allclose(got, reference.jensen_shannon(p, q), rtol=1e-4, atol=1e-6)
    far = np.float32([[1e4, 0], [0, -1e4], [0, 0]])
    total, grads = gradient(
        lambda a, b: ops.sum(losses.jensen_shannon_divergence(a, b)), far, far[:, ::-1].copy()
    )
    assert np.isfinite(total) and all(np.isfinite(g).all() for g in grads)
    extreme = value(losses.jensen_shannon_divergence(far, far[:, ::-1].copy()))
    np.testing.assert_allclose(extreme, [np.log(2), np.log(2), 0], rtol=1e-5, atol=1e-7)
    assert (extreme <= np.log(2) + 1e-7).all()


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("d", ["batch", 3.5])
def test_adversarial_pair_equals_the_loops(labels, d):
    rng = np.random.default_rng(2)
    d1_m, d1_s, d2_m, d2_s = rng.normal(size=(4, len(labels))) * 2
    weights = (0.3, 0.7)
    number = max(len(reference.repeated(labels)), 1) if d == "batch" else d
    y = np.array(labels)
    f32 = [a.astype("float32")[:, None] for a in (d1_m, d1_s, d2_m, d2_s)]
    got = value(losses.adversarial_loss(f32[1], f32[3], y, weights, d))
    assert got.shape == (len(labels),)
    expected = reference.adversarial(d1_s, d2_s, labels, weights, number)
    np.testing.assert_allclose(got.mean(), expected, rtol=1e-5)
    got = value(losses.discriminator_loss(*f32, y, weights, d))
    expected = reference.discriminator(d1_m, d1_s, d2_m, d2_s, labels, weights, number)
    np.testing.assert_allclose(got.mean(), expected, rtol=1e-5)


def test_enhanced_terms_are_exactly_zero_without_a_repeated_class():
    y, logits = np.array([0, 1, 2]), np.float32([3, -2, 1])
    got = losses.adversarial_loss(logits, logits, y, (0.0, 1.0))
    assert value(got).tolist() == [0, 0, 0]
    got = losses.discriminator_loss(logits, logits, logits, logits, y, (0.0, 1.0))
    assert value(got).tolist() == [0, 0, 0]


def test_adversarial_losses_stay_finite_for_huge_logits():
    y, logits = np.array([0, 0, 1]), np.float32([1e4, -1e4, 0])
    for values in (
        losses.adversarial_loss(logits, logits, y),
        losses.discriminator_loss(logits, -logits, logits, -logits, y),
    ):
        assert np.isfinite(value(values)).all()


def test_unknown_pair_normalizer_is_refused():
    y, logits = np.array([0, 0]), np.float32([1, 2])
    with pytest.raises(ValueError, match="pair_normalizer.*'frequency'"):
        losses.adversarial_loss(logits, logits, y, pair_normalizer="frequency")


def test_next_of_same_class_is_a_permutation_without_fixed_points():
    labels = np.array([4, 1, 4, 2, 1, 4, 0])
    successor = value(losses.next_of_same_class(losses.same_class(labels)))
    assert successor.tolist() == [2, 4, 5, 3, 1, 0, 6]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_comes_out_as_float32(dtype):
    m, s = (ops.cast(a, dtype) for a in representations(4))
    for values in (
        losses.mutual_information_loss(m, s, np.array([0, 0, 1, 2]), 0.5),
        losses.noise_contrastive_loss(m, s, np.array([0, 0, 1, 2]), 0.5),
        losses.jensen_shannon_divergence(m, s),
        losses.adversarial_loss(m[:, 0], s[:, 0], np.array([0, 0, 1, 2])),
    ):
        assert keras.backend.standardize_dtype(values.dtype) == "float32"
        assert np.isfinite(value(values)).all()
