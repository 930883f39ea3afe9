"""A perceptron over the cells of a small clip."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras
from keras import layers, ops

from keras_amid.extractors.mlp import leaky_dense


def clip_mlp(
    input_shape: Sequence = (8, 64, 64, 1),
    cells: Sequence = (4, 8, 8),
    units: Sequence[int] = (96, 48),
    mean: float = 128.0,
    standard_deviation: float = 9.0,
    negative_slope: float = 0.2,
    name: str = "clip_mlp",
) -> keras.Model:
    """Perceptron over the mean levels of a clip's cells: the ripple tank's video extractor.

    Args:
        input_shape: (frames, height, width, channels) of a clip.
        cells: (frames, height, width), the number of cells along each; divides `input_shape`.
        units: sequence of int, sizes of the layers.
        mean: float, subtracted from the cells' means, gray levels.
        standard_deviation: float, divides the result, gray levels.
        negative_slope: float, slope of Leaky ReLU below 0.
        name: str, name of the model.

    Returns:
        A functional `keras.Model`: uint8 (batch, frames, height, width, channels) ->
        (batch, units[-1]).

    Raises:
        ValueError: `cells` does not divide `input_shape`.
    """
    *extent, channels = input_shape
    if len(extent) != 3 or any(n % c for n, c in zip(extent, cells, strict=True)):
        raise ValueError(
            "`cells` must divide the frames, height and width of `input_shape`; "
            f"received cells={cells}, input_shape={input_shape}."
        )
    clip = keras.Input(input_shape, dtype="uint8", name="clip")
    # Faster than AveragePooling3D, and in float32: a signal of a few gray levels on top of 128
    # would be rounded away in bfloat16. One direction at a time, for LiteRT has six dimensions at
    # most.
    x = ops.cast(clip, "float32")
    for axis, (size, count) in enumerate(zip(extent, cells, strict=True), start=1):
        rest = math.prod(extent[axis:]) * channels
        split = (*cells[: axis - 1], count, size // count, rest)
        x = layers.Reshape(split, dtype="float32", name=f"split_{axis}")(x)
        x = ops.mean(x, axis=axis + 1)
    x = layers.Rescaling(
        1 / standard_deviation, -mean / standard_deviation, dtype="float32", name="normalize"
    )(x)
    x = layers.Flatten(name="cells")(x)
    return keras.Model(clip, leaky_dense(x, units, negative_slope), name=name)
