"""The two discriminators of AMID, section 3.2 of the paper."""

from __future__ import annotations

import functools
from typing import Any

import keras
from keras import layers, ops

FUNDAMENTAL_LAYERS = 5
ENHANCED_LAYERS = 3


def fundamental_discriminator(dim: int, negative_slope: float = 0.2) -> keras.Sequential:
    """D1, which tells teacher from student representations: a 5-layer MLP with one logit.

    Leaky ReLU between the layers. It computes in float32 under every dtype policy:
    it is small, and the logs of its sigmoids are sensitive.

    Args:
        dim: int, size D of the representations and of the hidden layers (the paper gives no
            hidden size).
        negative_slope: of the Leaky ReLU (the paper gives none).

    Returns:
        A built `keras.Sequential`, `(batch, dim)` -> logits `(batch, 1)`, named
        `fundamental_discriminator`, the name by which `amid_optimizer` finds its variables.
    """
    return _discriminator("fundamental_discriminator", FUNDAMENTAL_LAYERS, dim, negative_slope)


def enhanced_discriminator(dim: int, negative_slope: float = 0.2) -> keras.Sequential:
    """D2, which does so for samples of one class: a 3-layer MLP with one logit.

    Args and return value as of `fundamental_discriminator`, named `enhanced_discriminator`.
    """
    return _discriminator("enhanced_discriminator", ENHANCED_LAYERS, dim, negative_slope)


def _discriminator(name, depth, dim, negative_slope):
    leaky_relu = functools.partial(keras.activations.leaky_relu, negative_slope=negative_slope)
    model = keras.Sequential([keras.Input((dim,), dtype="float32")], name=name)
    for i in range(1, depth + 1):
        size, activation = (dim, leaky_relu) if i < depth else (1, None)
        model.add(layers.Dense(size, activation, dtype="float32", name=f"dense_{i}"))
    return model


def discriminate(discriminator: Any, x: Any, stop_weights: bool = False):
    """Applies a discriminator layer by layer, without Keras's overhead of calling each.

    Args:
        discriminator: `fundamental_discriminator` or `enhanced_discriminator`.
        x: float32 tensor, shape `(batch, dim)`.
        stop_weights: bool. True: the weights get no gradient, while x does.

    Returns:
        Logits, shape `(batch, 1)`: what `discriminator(x)` gives.
    """
    for layer in discriminator.layers:
        kernel, bias = layer.kernel, layer.bias
        if stop_weights:
            kernel, bias = ops.stop_gradient(kernel), ops.stop_gradient(bias)
        x = layer.activation(ops.add(ops.matmul(x, kernel), bias))
    return x
