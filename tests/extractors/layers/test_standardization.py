import keras
import numpy as np
import pytest
from keras import ops

from keras_amid.extractors import Standardization, adapt_standardization

DATA = np.random.default_rng(0).normal(3, 5, (50, 2, 4)).astype("float32")


def test_identity_until_adapted():
    out = Standardization()(DATA)
    np.testing.assert_array_equal(ops.convert_to_numpy(out), DATA)


def test_adapted_to_zero_mean_and_unit_deviation_per_feature():
    data = DATA.copy()
    data[..., 1] = 7.0  # constant: centred only
    layer = Standardization()
    layer.adapt(data)
    out = ops.convert_to_numpy(layer(data))
    np.testing.assert_allclose(out.mean((0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(out.std((0, 1)), [1, 0, 1, 1], atol=1e-5)
    assert layer.trainable_weights == [] and len(layer.non_trainable_weights) == 2


def network():
    x = keras.Input((4,))
    y = Standardization(name="first")(x)
    y = Standardization(name="second")(3 * y + 1)
    return keras.Model(x, y)


def test_a_layer_inside_a_compiled_model_is_adapted_and_restored(tmp_path):
    data = DATA.reshape(100, 4)
    model = network()
    np.testing.assert_allclose(model.predict(data, verbose=0), 3 * data + 1, rtol=1e-5)
    adapt_standardization(model, "first", data)
    adapt_standardization(model, "second", data, batch_size=7)
    second = model.get_layer("second")
    np.testing.assert_allclose(ops.convert_to_numpy(second.mean), 1, atol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(second.standard_deviation), 3, atol=1e-5)
    expected = (data - data.mean(0)) / data.std(0)
    np.testing.assert_allclose(model.predict(data, verbose=0), expected, atol=1e-5)

    fresh = network()
    fresh.predict(data, verbose=0)
    fresh.set_weights(model.get_weights())  # after it was traced
    np.testing.assert_allclose(fresh.predict(data, verbose=0), expected, atol=1e-5)

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(data, verbose=0), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((5, 3)), r"\(5, 3\)"),
        (np.zeros((0, 4)), r"\(0, 4\)"),
        (np.array([[0, 1, 2, np.nan]]), "finite"),
    ],
)
def test_bad_values_are_refused(values, message):
    layer = Standardization()
    layer.build((None, 4))
    with pytest.raises(ValueError, match=message):
        layer.adapt(values)


def test_another_layer_is_refused():
    x = keras.Input((4,))
    model = keras.Model(x, keras.layers.Dense(2, name="dense")(x))
    with pytest.raises(ValueError, match="layer_name='dense', a Dense"):
        adapt_standardization(model, "dense", DATA[:, 0])
