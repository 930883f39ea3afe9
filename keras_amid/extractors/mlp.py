"""Multilayer perceptron with Leaky ReLU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers


def mlp(
    input_dim: int, units: Sequence[int] = (96, 48), negative_slope: float = 0.2, name: str = "mlp"
) -> keras.Model:
    """Perceptron over ready features, Leaky ReLU after every layer.

    Args:
        input_dim: int, number of input features.
        units: sequence of int, sizes of the layers.
        negative_slope: float, slope of Leaky ReLU below 0.
        name: str, name of the model.

    Returns:
        A functional `keras.Model`: float (batch, input_dim) -> (batch, units[-1]).
    """
    features = keras.Input((input_dim,), name="features")
    return keras.Model(features, leaky_dense(features, units, negative_slope), name=name)


def leaky_dense(x: Any, units: Any, negative_slope: Any):
    """Dense layers of the given sizes, each followed by Leaky ReLU, on a symbolic tensor.

    Args:
        x: symbolic tensor (batch, features).
        units: sequence of int, sizes of the layers.
        negative_slope: float, slope of Leaky ReLU below 0.

    Returns:
        Symbolic tensor (batch, units[-1]).
    """
    for index, size in enumerate(units):
        x = layers.Dense(size, name=f"dense_{index}")(x)
        x = layers.LeakyReLU(negative_slope, name=f"activation_{index}")(x)
    return x
