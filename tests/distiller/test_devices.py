"""Training on two devices: virtual ones, on one processor."""

import keras
import numpy as np
import pytest
import scripts_runner

pytestmark = pytest.mark.slow

BACKEND = keras.backend.backend()
TWO_DEVICES = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}


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


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory):
    if BACKEND != "tensorflow":
        pytest.skip("tf.distribute is TensorFlow's")
    folder = tmp_path_factory.mktemp("mirrored")
    path = folder / "model.keras"
    arrays = scripts_runner.run("train_mirrored.py", folder / "out.npz", path, backend="tensorflow")
    return arrays, path


def test_mirrored_step_is_the_mean_of_the_replicas_steps(mirrored):
    """Each replica sees its half of the batch, contrastive terms included."""
    arrays, _ = mirrored
    names = [name.removeprefix("first:") for name in arrays if name.startswith("first:")]
    changes = [name for name in names if name.startswith("change:")]
    assert len(changes) > 20
    for name in changes:
        first, second = arrays[f"first:{name}"], arrays[f"second:{name}"]
        assert np.abs(first - second).max() > 1e-4, f"{name} does not tell the halves apart"
        expected = (first + second) / 2
        np.testing.assert_allclose(
            arrays[f"mirrored:{name}"], expected, rtol=1e-4, atol=1e-6, err_msg=name
        )
    # class_cosine is a mean over pairs, of which the halves have different numbers
    for name in set(names) - set(changes) - {"log:class_cosine"}:
        expected = (arrays[f"first:{name}"] + arrays[f"second:{name}"]) / 2
        np.testing.assert_allclose(arrays[f"mirrored:{name}"], expected, rtol=1e-5, err_msg=name)


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
    assert 1 < arrays["repeats"] <= 4  # of a replica's batch


def test_mirrored_model_is_saved(mirrored):
    import tiny

    arrays, path = mirrored
    x, _ = tiny.data(28)
    loaded = keras.models.load_model(path)
    np.testing.assert_allclose(
        loaded.predict(x, verbose=0), arrays["probabilities"], rtol=1e-5, atol=1e-6
    )
