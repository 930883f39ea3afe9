import keras
import numpy as np
import pytest
from gradients import gradient
from keras import ops

from keras_amid.extractors.layers.batch_normalization import BatchNormalization

EPSILON, MOMENTUM = 1e-3, 0.8


def values(shape, seed=0):
    """Far from 0, where the difference of two large numbers would show."""
    return (np.random.default_rng(seed).normal(size=shape) * 2 + 30).astype("float32")


def layer_with_weights(shape, dtype=None):
    layer = BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, dtype=dtype)
    layer.build((None, *shape[1:]))
    for variable, seed in zip(layer.variables, range(1, 5), strict=True):
        variable.assign(np.random.default_rng(seed).uniform(0.5, 1.5, variable.shape))
    return layer


def numpy_of(tensors):
    return [ops.convert_to_numpy(ops.cast(t, "float32")).astype("float64") for t in tensors]


def normalized(x, weights, training):
    """Outputs and what the moving averages become, in float64."""
    scale, offset, mean, variance = weights
    x = x.astype("float64")
    averages = mean, variance
    if training:
        axes = tuple(range(x.ndim - 1))
        mean, variance = x.mean(axes), x.var(axes)
        averages = [
            MOMENTUM * old + (1 - MOMENTUM) * new
            for old, new in zip(averages, (mean, variance), strict=True)
        ]
    return scale * (x - mean) / np.sqrt(variance + EPSILON) + offset, averages


@pytest.mark.parametrize("shape", [(7, 5), (4, 3, 5), (2, 3, 4, 5), (2, 2, 3, 4, 5), (1, 1, 1, 5)])
@pytest.mark.parametrize("training", [True, False])
def test_equals_the_formula(shape, training):
    layer, x = layer_with_weights(shape), values(shape)
    expected, averages = normalized(x, numpy_of(layer.variables), training)
    (output,) = numpy_of([layer(x, training=training)])
    np.testing.assert_allclose(output, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(numpy_of(layer.variables[2:]), averages, rtol=1e-4)


def test_frozen_it_uses_and_keeps_its_averages():
    x = values((4, 3, 5))
    layer = layer_with_weights(x.shape)
    layer.trainable = False
    weights = numpy_of(layer.variables)
    (output,) = numpy_of([layer(x, training=True)])
    np.testing.assert_allclose(output, normalized(x, weights, False)[0], rtol=1e-5)
    np.testing.assert_array_equal(numpy_of(layer.variables), weights)


@pytest.mark.parametrize("shape", [(7, 5), (2, 2, 3, 4, 5)])
def test_gradients_equal_the_formula(shape):
    layer, x, upstream = layer_with_weights(shape), values(shape), values(shape, seed=1) - 30
    scale, offset, *averages = (v.astype("float32") for v in numpy_of(layer.variables))

    def loss(x, scale, offset):
        output, _ = layer.stateless_call([scale, offset], averages, x, training=True)
        return ops.sum(ops.multiply(output, upstream))

    _, (by_x, by_scale, by_offset) = gradient(loss, x, scale, offset)
    axes = tuple(range(x.ndim - 1))
    x, upstream = x.astype("float64"), upstream.astype("float64")
    deviation = np.sqrt(x.var(axes) + EPSILON)
    hat = (x - x.mean(axes)) / deviation
    through = upstream - upstream.mean(axes) - hat * (upstream * hat).mean(axes)
    np.testing.assert_allclose(by_x, scale / deviation * through, atol=1e-4)
    np.testing.assert_allclose(by_scale, (upstream * hat).sum(axes), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(by_offset, upstream.sum(axes), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_statistics_are_of_float32_in_half_precision(dtype):
    x = ops.cast(values((4, 8, 6, 5)), dtype)
    layer = layer_with_weights(x.shape, f"mixed_{dtype}")
    (given,) = numpy_of([x])
    expected, averages = normalized(given, numpy_of(layer.variables), True)
    output = layer(x, training=True)
    assert keras.backend.standardize_dtype(output.dtype) == dtype
    assert all(variable.dtype == "float32" for variable in layer.variables)
    # In half precision they would be right to 4e-3, or 5e-4.
    np.testing.assert_allclose(numpy_of(layer.variables[2:]), averages, rtol=1e-4)
    np.testing.assert_allclose(numpy_of([output])[0], expected, rtol=1e-2, atol=2e-2)


def test_weights_of_kerass_own_layer_load(tmp_path):
    def model(layer):
        norms = [layer(momentum=MOMENTUM, epsilon=EPSILON) for _ in range(2)]
        return keras.Sequential([keras.Input((3, 5)), *norms])

    theirs, ours = model(keras.layers.BatchNormalization), model(BatchNormalization)
    for index, variable in enumerate(theirs.weights):
        variable.assign(np.random.default_rng(index).uniform(0.5, 1.5, variable.shape))
    theirs.save_weights(tmp_path / "model.weights.h5")
    ours.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(numpy_of(ours.weights), numpy_of(theirs.weights))
    x = values((4, 3, 5))
    np.testing.assert_allclose(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=1e-5)


@pytest.mark.parametrize(
    "arguments",
    [{"axis": 1}, {"scale": False, "center": False}, {"renorm": True}],
)
def test_other_arguments_as_keras_takes_them(arguments):
    x = values((4, 3, 5))
    ours, theirs = BatchNormalization(**arguments), keras.layers.BatchNormalization(**arguments)
    outputs = numpy_of(layer(x, training=True) for layer in (ours, theirs))
    np.testing.assert_allclose(*outputs, rtol=1e-4, atol=1e-4)
    for pair in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_allclose(*numpy_of(pair), rtol=1e-4)
    assert ours.get_config() == theirs.get_config() | {"name": ours.name}
