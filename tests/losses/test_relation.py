"""CRCD's relations where vectors are near or equal, against float64."""

import numpy as np
import pytest
from gradients import gradient
from keras import ops

from keras_amid import losses

BATCH, ANCHORS, K, DIM = 3, 3, 4, 128
RNG = np.random.default_rng(0)


def unit(*shape):
    x = RNG.normal(size=shape)
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype("float32")


def exact(z, t, w, upstream):
    """The similarities, and the gradient by z of their sum times `upstream`."""
    z, t, w = (a.astype("float64") for a in (z, t, w))
    r, q = z[:, None] - t + 1e-6, w[:, None] - t[:, None] + 1e-6
    length = np.linalg.norm(r, axis=-1, keepdims=True)
    r, q = r / length, q / np.linalg.norm(q, axis=-1, keepdims=True)
    by_r = np.einsum("baj,bajd->bad", upstream, q)
    by_z = (by_r - r * (r * by_r).sum(-1, keepdims=True)) / length
    return np.einsum("bad,bajd->baj", r, q), by_z.sum(1)


@pytest.mark.parametrize("distance", [1.0, 1.4e-2, 1.4e-3, 1e-3, 1e-5, 0.0])
@pytest.mark.parametrize("near", ["candidates", "embeddings"])
def test_near_and_equal_vectors_are_exact(distance, near):
    t = unit(ANCHORS, DIM)
    z, w = unit(BATCH, DIM), unit(BATCH, K, DIM)
    if near == "candidates":
        w = (t[:, None] + distance * w).astype("float32")
    else:
        z = (t + distance * z).astype("float32")
    upstream = RNG.normal(size=(BATCH, ANCHORS, K)).astype("float32")
    expected, by_z = exact(z, t, w, upstream)
    rows, picked = w.reshape(-1, DIM), np.arange(BATCH * K).reshape(BATCH, K)
    ways = {
        "of its own": lambda z: losses.relation_similarity(z, t, w),
        "picked": lambda z: losses.relation_similarity(z, t, rows, picked=picked),
    }
    for way, function in ways.items():
        np.testing.assert_allclose(ops.convert_to_numpy(function(z)), expected, atol=1e-6)
        _, (got,) = gradient(
            lambda z, f=function: ops.sum(ops.convert_to_tensor(upstream) * f(z)), z
        )
        assert np.isfinite(got).all()
        np.testing.assert_allclose(got, by_z, atol=1e-6 * np.abs(by_z).max(), err_msg=way)


def test_rows_picked_twice_count_twice():
    z, t, rows = unit(2, 5), unit(2, 5), unit(3, 5)
    picked = np.array([[0, 0, 2], [1, 2, 2]])
    upstream = RNG.normal(size=(2, 2, 3)).astype("float32")
    _, by_z = exact(z, t, rows[picked], upstream)
    _, (got,) = gradient(
        lambda z: ops.sum(
            ops.convert_to_tensor(upstream) * losses.relation_similarity(z, t, rows, picked=picked)
        ),
        z,
    )
    np.testing.assert_allclose(got, by_z, rtol=1e-4, atol=1e-6)
