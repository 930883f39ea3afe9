"""The same weights and data give the same losses and updates on every backend."""

import keras
import numpy as np
import pytest
import scripts_runner

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        keras.backend.backend() != "tensorflow", reason="runs all backends itself, once"
    ),
]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alike")
    return {
        backend: scripts_runner.run("train_alike.py", folder / f"{backend}.npz", backend=backend)
        for backend in ("tensorflow", "jax", "torch")
    }


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_logs_and_weights_agree_with_tensorflow(results, backend):
    """Four epochs of Adam, two of them after the warm-up, with a partial last batch."""
    expected, got = results["tensorflow"], results[backend]
    assert got.keys() == expected.keys()
    assert all(len(expected[f"log:{name}"]) == 4 for name in ("loss", "val_loss", "lambda_1"))
    assert expected["log:lambda_1"][-1] != 0.5 and expected["weight:state/after_warmup"] == 1
    for name, array in expected.items():
        np.testing.assert_allclose(got[name], array, rtol=1e-5, atol=1e-5, err_msg=name)
