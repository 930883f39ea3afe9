import keras
import numpy as np
import pytest
from convolutions import FACTORED
from gradients import gradient
from keras import ops

from keras_amid.extractors.layers import factored_conv3d, kernel_gradient

ON_JAX = keras.backend.backend() == "jax"


def by_the_formula(x, kernel, upstream, strides):
    """Gradients by inputs and kernel in float64, one output place at a time."""
    sides = [(0, 0), *((k // 2, k // 2) for k in kernel.shape[:3]), (0, 0)]
    padded = np.pad(x.astype("float64"), sides)
    by_x, by_kernel = np.zeros_like(padded), np.zeros(kernel.shape)
    for place in np.ndindex(*upstream.shape[1:4]):
        window = (
            slice(None),
            *(
                slice(p * s, p * s + k)
                for p, s, k in zip(place, strides, kernel.shape, strict=False)
            ),
        )
        dy = upstream[(slice(None), *place)].astype("float64")
        by_kernel += np.einsum("ndhwc,nf->dhwcf", padded[window], dy)
        by_x[window] += np.einsum("dhwcf,nf->ndhwc", kernel.astype("float64"), dy)
    inner = tuple(slice(a, n - b) for (a, b), n in zip(sides, padded.shape, strict=True))
    return by_x[inner], by_kernel


@pytest.mark.parametrize(("kernel_size", "strides"), FACTORED)
@pytest.mark.parametrize("everywhere", [True, False])
def test_gradients_equal_the_formula(kernel_size, strides, everywhere, monkeypatch):
    if everywhere and ON_JAX:
        monkeypatch.setattr(factored_conv3d, "pays", lambda *shapes: True)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 5, 6, 7, 3)).astype("float32")
    layer = factored_conv3d.FactoredConv3D(4, kernel_size, strides)
    layer.build(x.shape)
    kernel = ops.convert_to_numpy(layer.kernel)
    upstream = rng.normal(size=layer.compute_output_shape(x.shape)).astype("float32")

    def loss(x, kernel):
        output, _ = layer.stateless_call([kernel], [], x)
        return ops.sum(ops.multiply(output, upstream))

    _, given = gradient(loss, x, kernel)
    for ours, expected in zip(given, by_the_formula(x, kernel, upstream, strides), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("kernel_size", [(3, 3), (7, 7), (3, 1), (1, 1)])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2)])
def test_kernels_gradient_equals_the_formula(kernel_size, strides):
    rng = np.random.default_rng(1)
    x, kernel = rng.normal(size=(2, 6, 7, 3)), np.zeros((*kernel_size, 3, 4))
    extent = [(n - 1) // s + 1 for n, s in zip(x.shape[1:3], strides, strict=True)]
    x, upstream = (a.astype("float32") for a in (x, rng.normal(size=(2, *extent, 4))))
    given = kernel_gradient.kernel_gradient(
        *map(ops.convert_to_tensor, (x, upstream)), kernel.shape, strides
    )
    frame = (slice(None), None)  # of one frame each
    _, expected = by_the_formula(x[frame], kernel[None], upstream[frame], (1, *strides))
    np.testing.assert_allclose(ops.convert_to_numpy(given), expected[0], rtol=1e-5, atol=1e-5)


def test_only_where_it_pays():
    many, few = (128, 28, 28, 16), (4, 7, 7, 16)
    wide, high = ((*size, 16, 36) for size in ((3, 3), (3, 1)))
    there = ON_JAX and keras.distribution.list_devices()[0].startswith("cpu")
    for shape, kernel, expected in (
        (many, wide, True),
        (few, wide, False),
        (few, high, True),
        ((None, *many[1:]), wide, False),
    ):
        assert kernel_gradient.pays(shape, kernel, (1, 1)) == (expected and there)
