import keras
import numpy as np
import pytest
from convolutions import FACTORED
from keras import ops

from keras_amid.extractors import FactoredConv3D


def convolve(x, kernel, strides):
    """Cross-correlation with symmetric zero padding, one output position at a time."""
    pads = [(0, 0)] + [(k // 2, k // 2) for k in kernel.shape[:3]] + [(0, 0)]
    padded = np.pad(x.astype("float64"), pads)
    extent = [(n - 1) // s + 1 for n, s in zip(x.shape[1:4], strides, strict=True)]
    out = np.empty((len(x), *extent, kernel.shape[-1]))
    for place in np.ndindex(*extent):
        window = tuple(
            slice(i * s, i * s + k)
            for i, s, k in zip(place, strides, kernel.shape[:3], strict=True)
        )
        out[(slice(None), *place)] = np.tensordot(padded[(slice(None), *window)], kernel, 4)
    return out


@pytest.mark.parametrize(("kernel_size", "strides"), FACTORED)
@pytest.mark.parametrize("extent", [(4, 6, 7), (5, 1, 8)])
def test_equals_a_loop_over_positions(kernel_size, strides, extent):
    x = np.random.default_rng(0).normal(size=(2, *extent, 3)).astype("float32")
    layer = FactoredConv3D(4, kernel_size, strides)
    out = ops.convert_to_numpy(layer(x))
    expected = convolve(x, ops.convert_to_numpy(layer.kernel), strides)
    assert out.shape == layer.compute_output_shape(x.shape) == expected.shape
    np.testing.assert_allclose(out, expected, atol=1e-5)


def test_unknown_extents_stay_unknown():
    layer = FactoredConv3D(4, (1, 3, 3), (1, 2, 2))
    assert layer(keras.Input((None, None, 9, 3))).shape == (None, None, None, 5, 4)


@pytest.mark.parametrize(
    ("kernel_size", "strides", "argument"),
    [
        ((3, 3, 3), (1, 1, 1), "kernel_size"),
        ((1, 2, 2), (1, 1, 1), "kernel_size"),
        ((3, 1, 1), (1, 2, 2), "strides"),
    ],
)
def test_other_kernels_are_refused(kernel_size, strides, argument):
    with pytest.raises(ValueError, match=f"`{argument}`.*received"):
        FactoredConv3D(4, kernel_size, strides)
