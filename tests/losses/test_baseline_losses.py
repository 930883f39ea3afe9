"""The compared methods' losses against float64 loops, at the extremes, and their gradients."""

import keras
import numpy as np
import pytest
import reference
from gradients import gradient
from keras import ops

from keras_amid import losses


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def f32(*arrays):
    return [array.astype("float32") for array in arrays]


def value(tensor):
    return ops.convert_to_numpy(tensor)


def compiled(function):
    """Compiled on JAX, which compiles operation by operation otherwise: that takes longer."""
    if keras.backend.backend() != "jax":
        return function
    import jax

    return jax.jit(function)


def run(function, *arrays, **constants):
    """The value of a loss at float32 arrays, the integer and boolean ones as they are."""
    tensors = [a.astype("float32") if a.dtype.kind == "f" else a for a in arrays]
    return value(compiled(lambda *t: function(*t, **constants))(*tensors))


def test_contrastive_representation_loss_equals_the_loop():
    n, scores, valid = 50, normal(4, 6) * 3, normal(4, 6, seed=1) > 0
    valid[:, 0], valid[3, 1:] = True, False  # the last row has no negatives
    log_z = 1.3
    expected = [
        reference.contrastive_representation(np.exp(row) / np.exp(log_z), n) for row in scores
    ]
    constants = {"log_z": log_z, "dataset_size": n}
    got = run(losses.contrastive_representation_loss, scores, **constants)
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    expected = [
        reference.contrastive_representation(np.exp(row[keep]) / np.exp(log_z), n)
        for row, keep in zip(scores, valid, strict=True)
    ]
    got = run(losses.contrastive_representation_loss, scores, valid=valid, **constants)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)


def test_normalizing_constant_is_the_mean_times_n():
    scores, valid = normal(4, 6) * 3, normal(4, 6, seed=1) > 0
    got = run(losses.log_normalizing_constant, scores, dataset_size=50)
    assert got == pytest.approx(np.log(np.exp(scores).mean() * 50), rel=1e-5)
    got = run(losses.log_normalizing_constant, scores, dataset_size=50, valid=valid)
    assert got == pytest.approx(np.log(np.exp(scores[valid]).mean() * 50), rel=1e-5)


def test_relation_similarity_equals_the_loop():
    """Also where a candidate is the anchor, and where it nearly is."""
    bank = reference.unit(normal(7, 5))
    bank[6] = reference.unit(bank[0] + 0.01)
    z, own = reference.unit(normal(3, 5, seed=1)), np.array([0, 4, 2])
    picked = np.array([[0, 1, 4, 6], [4, 5, 2, 0], [2, 3, 1, 5]])
    is_anchor = picked[:, None] == own[None, :, None]
    got = run(losses.relation_similarity, z, bank[own], bank[picked], is_anchor)
    for b, a, j in np.ndindex(got.shape):
        expected = reference.relation_cosine(z[b], bank[own[a]], bank[picked[b, j]])
        assert got[b, a, j] == pytest.approx(expected, abs=2e-4), (b, a, j)


def test_gradient_agreement_equals_the_loop():
    s, m, kernel, y = normal(5, 4), normal(5, 4, seed=1), normal(3, 4, seed=2), [0, 1, 3, 2, 2]
    got = run(losses.gradient_agreement_loss, s, m, np.array(y), kernel)
    expected = reference.gradient_agreement(s, m, y, kernel)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)
    # It is the gradient of the cross-entropy: of logits W'x by x.
    x = normal(1, 3, seed=3)
    log_p = lambda r: ops.log_softmax(ops.matmul(r, kernel.astype("float32")))[0, 1]  # noqa: E731
    _, (numerical,) = gradient(lambda r: -log_p(r), *f32(x))
    p = reference.softmax(x @ kernel)
    np.testing.assert_allclose(numerical, (p - np.eye(4)[1]) @ kernel.T, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("with_positive", [True, False])
def test_geometric_multimodal_loss_equals_the_loop(with_positive):
    joint, modality = normal(4, 5), normal(4, 5, seed=1)
    got = run(
        losses.geometric_multimodal_contrastive_loss, joint, modality, temperature=0.3,
        positive_in_denominator=with_positive,
    )  # fmt: skip
    expected = reference.geometric_multimodal(joint, modality, 0.3, with_positive)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("with_positive", [True, False])
def test_geometric_multimodal_loss_of_a_sample_without_negatives_is_zero(with_positive):
    pair = f32(normal(3, 5), normal(3, 5, seed=1))
    for rows, valid in ((slice(1), None), (slice(3), np.array([False, True, False]))):
        arrays = [array[rows] for array in pair]

        def total(j, m, valid=valid):
            return ops.sum(
                losses.geometric_multimodal_contrastive_loss(j, m, 0.1, with_positive, valid)
            )

        value, grads = gradient(total, *arrays)
        assert value == 0
        assert not any(g.any() for g in grads)


def test_ccl_losses_equal_the_loops():
    u, v, y = normal(5, 4) * 2, normal(5, 4, seed=1) * 2, [0, 1, 0, 2, 2]
    got = run(losses.symmetric_noise_contrastive_loss, u, v, np.array(y), temperature=0.5)
    expected = reference.symmetric_noise_contrastive(u, v, y, 0.5)
    np.testing.assert_allclose(got, expected, rtol=1e-4)
    got = run(losses.symmetric_kl_divergence, u, v)
    np.testing.assert_allclose(got, reference.symmetric_kl(u, v), rtol=1e-4)
    true_one = run(losses.jensen_shannon_divergence, u, v)
    assert (got > true_one).all(), "CCL's is another divergence than the Jensen-Shannon one"


def test_tempered_kl_equals_the_loop():
    u, v = normal(5, 4) * 3, normal(5, 4, seed=1) * 3
    for temperature in (1.0, 2.0):
        got = run(losses.tempered_kl_divergence, u, v, temperature=temperature)
        np.testing.assert_allclose(got, reference.tempered_kl(u, v, temperature), rtol=1e-4)


def test_positives_divided_by_their_number():
    m, s, y = normal(6, 4), normal(6, 4, seed=1), [0, 0, 0, 1, 1, 2]
    got = run(
        losses.mutual_information_loss, m, s, np.array(y), temperature=0.5,
        normalize_positives=True,
    )  # fmt: skip
    expected = reference.mutual_information(m, s, y, 0.5, True)
    np.testing.assert_allclose(got, expected, rtol=1e-4)


Y = np.array([0, 1, 1])
KERNEL = normal(4, 4, seed=5).astype("float32")
TWO_SIDED = {
    "relation": lambda a, b: losses.relation_similarity(
        a, b, ops.stack([b, b], axis=1), np.zeros((3, 3, 2), bool)
    ),
    "contrastive representation": lambda a, b: losses.contrastive_representation_loss(
        ops.matmul(a, ops.transpose(b)), 0.0, 10
    ),
    "gradient agreement": lambda a, b: losses.gradient_agreement_loss(a, b, Y, KERNEL),
    "GMC": lambda a, b: losses.geometric_multimodal_contrastive_loss(a, b, 0.01),
    "GMC, paper": lambda a, b: losses.geometric_multimodal_contrastive_loss(a, b, 0.01, False),
    "Sym": lambda a, b: losses.symmetric_noise_contrastive_loss(a, b, Y, 0.01),
    "symmetric KL": losses.symmetric_kl_divergence,
    "tempered KL": lambda a, b: losses.tempered_kl_divergence(a, b, 2.0),
}
SUMS = {
    name: compiled(lambda a, b, function=function: ops.sum(function(a, b)))
    for name, function in TWO_SIDED.items()
}


@pytest.mark.parametrize("name", TWO_SIDED)
@pytest.mark.parametrize("case", ["identical", "zeros", "large", "tiny"])
def test_extremes_give_finite_values_and_gradients(name, case):
    a, b = f32(normal(3, 4), normal(3, 4, seed=1))
    a, b = {
        "identical": (np.ones_like(a), np.ones_like(b)),
        "zeros": (np.zeros_like(a), np.zeros_like(b)),
        "large": (a * 1e4, b * 1e4),
        "tiny": (a * 1e-30, b * 1e-30),
    }[case]
    total, grads = gradient(SUMS[name], a, b)
    assert np.isfinite(total)
    assert all(np.isfinite(g).all() for g in grads)


def test_a_single_sample_has_nothing_to_contrast():
    a, b = f32(normal(1, 4), normal(1, 4, seed=1))
    assert run(TWO_SIDED["GMC"], a, b) == run(TWO_SIDED["GMC, paper"], a, b) == 0


def test_a_row_carries_no_gradient_through_the_relations():
    z, t, w = f32(normal(3, 4), normal(3, 4, seed=1), normal(3, 2, 4, seed=2))
    apart = np.zeros((3, 3, 2), bool)
    _, (by_z, by_t, by_w) = gradient(
        compiled(lambda *tensors: ops.sum(losses.relation_similarity(*tensors, apart))), z, t, w
    )
    assert by_z.any() and not by_t.any() and not by_w.any()


def test_half_precision_comes_out_as_float32():
    a, b = (ops.cast(x, "float16") for x in (normal(3, 4), normal(3, 4, seed=1)))
    for name, function in TWO_SIDED.items():
        got = compiled(function)(a, b)
        assert keras.backend.standardize_dtype(got.dtype) == "float32", name
        assert np.isfinite(value(got)).all()
