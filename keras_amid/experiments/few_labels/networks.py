"""Small networks over features or raw signals."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from keras_amid.extractors.mlp import mlp


def extractor(shape: Sequence[int], units: Sequence[int], negative_slope: float) -> keras.Model:
    """A perceptron over features (size,), or a 1-D convolution over signals (times, channels).

    Args:
        shape: of a sample.
        units: sizes of the perceptron's layers; the last is the number of features put out.
        negative_slope: of the Leaky ReLU.

    Returns:
        `keras.Model`, float (batch, *shape) -> (batch, units[-1]).
    """
    if len(shape) == 1:
        return mlp(shape[0], tuple(units), negative_slope)
    x = inputs = keras.Input(tuple(shape), name="signals")
    for index, (filters, width) in enumerate(((32, 9), (units[-1], 9))):
        x = layers.Conv1D(filters, width, strides=2, name=f"convolution_{index}")(x)
        x = layers.LeakyReLU(negative_slope, name=f"activation_{index}")(x)
        x = layers.AveragePooling1D(2, name=f"pooling_{index}")(x)
    return keras.Model(inputs, layers.GlobalAveragePooling1D(name="mean")(x), name="conv_1d")
