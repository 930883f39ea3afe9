"""Training on several devices: virtual ones, or processes, on one processor."""

import json
import os
import socket

import keras
import numpy as np
import processes
import pytest
import scripts_runner

pytestmark = pytest.mark.slow

BACKEND = keras.backend.backend()
# Beside the flags of tests/conftest.py, which compile faster.
FLAGS = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
TWO_DEVICES = {"XLA_FLAGS": FLAGS}
#: Of one run. All methods, and four devices each, are in tests/benchmarks/bench_devices.py.
WAYS = {
    "tensorflow": ["mirrored:2"],
    "jax": ["data:4", "model:2", "model:4"],
    "torch": ["fit:2", "ddp:2"],
}[BACKEND]
METHODS = ("AMID, partly", "CRD")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("devices") / "out.npz"
    return scripts_runner.on_devices(out, ["one:1", *WAYS], METHODS, BACKEND)


def check_same(several, one):
    """Weights, banks, lambda and logs; of a loop of one's own there are no logs."""
    assert len(several) > 15 and set(several) <= set(one)
    for name, array in several.items():
        scale = max(np.abs(one[name]).max(), 1e-2)
        np.testing.assert_allclose(array, one[name], rtol=0, atol=1e-5 * scale, err_msg=name)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", METHODS)
def test_devices_train_as_one_does(way, method, trained):
    """After six SGD steps: the batch is one, contrasts, V, w, d, lambda and banks included."""
    check_same(trained[way][method], trained["one:1"][method])


@pytest.mark.skipif(BACKEND != "jax", reason="JAX trains on several hosts by Keras itself")
def test_hosts_train_as_one_does(tmp_path):
    """Two processes, each with its own shard of the data."""
    ways = ["one:1", "hosts:2"]
    found = scripts_runner.on_devices(tmp_path / "out.npz", ways, METHODS[:1], BACKEND)
    check_same(found["hosts:2"][METHODS[0]], found["one:1"][METHODS[0]])


@pytest.mark.skipif(BACKEND != "jax", reason="LayoutMap is Keras's on JAX")
def test_a_kernel_that_cannot_be_sharded_is_named(trained):
    assert "last kernels, of shape (D, 1), out of it" in str(
        trained["model:2"]["refused"]["message"]
    )


@pytest.mark.skipif(BACKEND != "jax", reason="keras.distribution is Keras's on JAX")
def test_data_parallel_equals_one_device(tmp_path):
    """The batch is one over all devices, contrastive terms included."""
    one = scripts_runner.run("train_alike.py", tmp_path / "one.npz", backend="jax")
    two = scripts_runner.run(
        "train_alike.py", tmp_path / "two.npz", "data_parallel", backend="jax", **TWO_DEVICES
    )
    assert two.keys() == one.keys()
    for name, array in one.items():
        np.testing.assert_allclose(two[name], array, rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="tf.distribute is TensorFlow's")
def test_workers_are_refused_by_name(tmp_path):
    """MultiWorkerMirroredStrategy of two processes."""
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(free.getsockname()[1])
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    script, out = scripts_runner.SCRIPTS / "train_workers.py", tmp_path / "out.npz"
    tasks = [{"type": "worker", "index": i} for i in range(2)]
    configs = [json.dumps({"cluster": cluster, "task": task}) for task in tasks]
    workers = [processes.Process(script, out, env={"TF_CONFIG": config}) for config in configs]
    try:
        assert workers[0].wait(100) == 0, workers[0].stderr[-3000:]
    finally:
        for worker in workers:
            worker.kill()
    found = np.load(out)
    assert found["replicas"] == 2
    message = str(found["message"])
    assert "MultiWorkerMirroredStrategy of 2 replicas" in message
    assert "keras/issues/20329" in message and "docs/several-devices.md" in message


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory):
    if BACKEND != "tensorflow":
        pytest.skip("tf.distribute is TensorFlow's")
    folder = tmp_path_factory.mktemp("mirrored")
    path = folder / "model.keras"
    script, out = scripts_runner.SCRIPTS / "train_mirrored.py", folder / "out.npz"
    done = processes.run(script, out, path)
    assert done.returncode == 0, done.stderr[-4000:]
    with np.load(out) as arrays:
        return {name.replace("|", "/"): arrays[name] for name in arrays.files}, path


def test_mirrored_training_follows_the_schedule(mirrored):
    arrays, _ = mirrored
    history = {n.removeprefix("history:"): a for n, a in arrays.items() if "history:" in n}
    assert all(np.isfinite(values).all() for values in history.values())
    lambda_tilde = np.zeros(2)
    both = zip(history["instance_cosine"], history["class_cosine"], strict=True)
    for epoch, cosines in enumerate(both):
        e = np.exp(lambda_tilde)
        got = [history["lambda_1"][epoch], history["lambda_2"][epoch]]
        np.testing.assert_allclose(got, e / e.sum(), atol=1e-6)
        lambda_tilde = 0.5 * lambda_tilde + 0.5 * (1 - np.array(cosines))
    np.testing.assert_allclose(arrays["lambda_tilde"], lambda_tilde, atol=1e-5)
    warm_up = history["classification_loss"][0] + history["divergence_loss"][0]
    assert history["loss"][0] == pytest.approx(warm_up, rel=1e-5)
    assert history["loss"][1] > 2 * warm_up
    assert 4 < arrays["repeats"] <= 8  # of the whole batch


def test_mirrored_model_is_saved(mirrored):
    import tiny

    arrays, path = mirrored
    x, _ = tiny.data(28)
    loaded = keras.models.load_model(path)
    np.testing.assert_allclose(
        loaded.predict(x, verbose=0), arrays["probabilities"], rtol=1e-5, atol=1e-6
    )


def test_xla_is_refused_by_name(mirrored):
    arrays, _ = mirrored
    assert "`jit_compile` of `compile` must be False or 'auto'" in str(arrays["xla"])
