"""A convolution whose kernel's gradient is a few matrix products, for JAX on a CPU.

XLA computes that gradient as a convolution whose window is the feature map. On a CPU that takes two
to eighty times as long as the convolution itself where the map is large; here it is two to four
times. The gradient by the inputs is as fast as the convolution, and is left to XLA.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

#: Places of the outputs from which on the products beat XLA for kernels over space.
_MANY_PLACES = 5_000


def pays(input_shape: tuple, kernel_shape: tuple, strides: tuple) -> bool:
    """Whether the products are faster than XLA, as far as was measured.

    Args:
        input_shape: (batch, height, width, inputs).
        kernel_shape: (rows, columns, inputs, filters), rows and columns odd.
        strides: (s, t).
    """
    if keras.backend.backend() != "jax" or not all(isinstance(n, int) for n in input_shape):
        return False
    batch, height, width = input_shape[:3]
    places = batch * -(-height // strides[0]) * -(-width // strides[1])
    return (kernel_shape[1] == 1 or places >= _MANY_PLACES) and _on_cpu()


def _on_cpu():
    return all(device.startswith("cpu") for device in keras.distribution.list_devices())


def with_kernel_gradient(outputs: Any, kernel: Any, inputs: Any, strides: tuple) -> Any:
    """A convolution's outputs as they are, with the kernel's gradient as matrix products.

    Args:
        outputs: tensor (batch, height', width', filters), of the kernel stopped, so that XLA makes
            the gradient by the inputs only.
        kernel: tensor (rows, columns, inputs, filters).
        inputs: tensor (batch, height, width, inputs), without the padding.
        strides: (s, t).

    Returns:
        `outputs`.
    """
    shape = kernel.shape

    @ops.custom_gradient
    def identity(outputs, kernel, inputs):
        def gradient(upstream):
            by_kernel = kernel_gradient(inputs, upstream, shape, strides)
            return upstream, by_kernel, ops.zeros_like(inputs)

        return outputs, gradient

    return identity(outputs, kernel, ops.stop_gradient(inputs))


def kernel_gradient(inputs: Any, upstream: Any, shape: tuple, strides: tuple) -> Any:
    """The gradient by the kernel: for each of its rows, one product over all places.

        dK[i, j, c, f] = sum over n, h, w of x[n, h s + i, w t + j, c] dy[n, h, w, f]

    Args:
        inputs: tensor (batch, height, width, inputs); x is it with half the kernel of zeros on
            every side.
        upstream: dy, the gradient by the outputs, (batch, height', width', filters).
        shape: of the kernel, (rows, columns, inputs, filters), rows and columns odd.
        strides: (s, t).

    Returns:
        Tensor of the kernel's shape.
    """
    rows, columns, channels, filters = shape
    sides = [(0, 0), (rows // 2,) * 2, (columns // 2,) * 2, (0, 0)]
    x = ops.pad(inputs, sides)
    _, height, width, _ = upstream.shape
    upstream = ops.reshape(upstream, (-1, filters))
    gradient = []
    for i in range(rows):
        row = x[:, i : i + (height - 1) * strides[0] + 1 : strides[0]]
        parts = [
            row[:, :, j : j + (width - 1) * strides[1] + 1 : strides[1]] for j in range(columns)
        ]
        places = ops.reshape(ops.concatenate(parts, axis=-1), (-1, columns * channels))
        gradient.append(ops.matmul(ops.transpose(places), upstream))
    return ops.reshape(ops.stack(gradient), shape)
