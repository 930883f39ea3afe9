"""Standardised features, with statistics that are set once and stay."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_amid.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_amid")
class Standardization(keras.layers.Layer):
    """(inputs - mean) / standard_deviation over the last axis; starts as the identity.

    Both are non-trainable weights, so they are saved, restored and exported with the model and
    may change after it was compiled (`keras.layers.Normalization` bakes them in as constants).

    Call arguments:
        inputs: float tensor (..., features).

    Returns:
        Float tensor of the same shape.
    """

    def build(self, input_shape: Any) -> None:
        shape = (input_shape[-1],)
        self.mean = self.add_weight(name="mean", shape=shape, initializer="zeros", trainable=False)
        self.standard_deviation = self.add_weight(
            name="standard_deviation", shape=shape, initializer="ones", trainable=False
        )

    def adapt(self, values: Tensor) -> None:
        """Takes mean and standard deviation from data.

        Args:
            values: float array (..., features), finite. A constant feature is centred only.

        Raises:
            ValueError: another number of features, no values, or values that are not finite.
        """
        values = np.asarray(values, "float64")
        if not self.built:
            self.build(values.shape)
        if values.size == 0 or values.shape[-1] != self.mean.shape[0]:
            raise ValueError(
                f"`values` must have shape (..., {self.mean.shape[0]}) and not be empty; "
                f"received shape={values.shape}."
            )
        if not np.isfinite(values).all():
            raise ValueError("`values` must be finite; received NaN or infinity.")
        axes = tuple(range(values.ndim - 1))
        deviation = values.std(axis=axes)
        self.mean.assign(values.mean(axis=axes))
        self.standard_deviation.assign(np.where(deviation > 1e-6, deviation, 1.0))

    def call(self, inputs: Any) -> Any:
        return (inputs - self.mean) / self.standard_deviation

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return input_shape


def adapt_standardization(
    model: keras.Model, layer_name: str, inputs: Any, batch_size: int = 128
) -> None:
    """Adapts one `Standardization` of a functional model to what reaches it from data.

    Args:
        model: functional `keras.Model` with one input.
        layer_name: str, the name of the layer in it.
        inputs: array, what `model` takes.
        batch_size: int, samples run through the model at a time.

    Raises:
        ValueError: the layer is not a `Standardization`, or the model has none of that name.
    """
    layer = model.get_layer(layer_name)
    if not isinstance(layer, Standardization):
        raise ValueError(
            f"`layer_name` must name a Standardization; received layer_name={layer_name!r}, "
            f"a {type(layer).__name__}"
        )
    upstream = keras.Model(model.inputs, layer.input)
    layer.adapt(upstream.predict(inputs, batch_size=batch_size, verbose=0))
