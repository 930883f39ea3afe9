"""Random stripes of a spectrogram set to 0 in training."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_amid.validation.arguments import check_positive_int


@keras.saving.register_keras_serializable(package="keras_amid")
class SpecAugment(keras.layers.Layer):
    """Sets stripes over time and over frequency to 0, in training only.

    Park et al., "SpecAugment" (Interspeech 2019), without its time warping, as PANNs has it: for
    each sample and stripe anew, a length drawn from 0..width-1, then a start such that the stripe
    lies within the spectrogram. Where an axis is shorter than `width`, lengths are drawn from
    0..size-1, so that no stripe takes all of it (PANNs cannot augment such an axis).

    0 should be the mean: apply it to a standardised spectrogram.

    Args:
        time_width: int, one more than the longest stripe over time, frames.
        time_stripes: int, number of stripes over time.
        frequency_width: int, one more than the longest stripe over frequency, bins.
        frequency_stripes: int, number of stripes over frequency.
        seed: int, or None for another one in each instance.

    Call arguments:
        inputs: float tensor (batch, frames, bins).
        training: bool.

    Returns:
        Tensor of the same shape and dtype.

    Raises:
        ValueError: a width below 1 or a negative number of stripes.
    """

    def __init__(
        self,
        time_width: int = 64,
        time_stripes: int = 2,
        frequency_width: int = 8,
        frequency_stripes: int = 2,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.time_width = check_positive_int("time_width", time_width)
        self.time_stripes = check_positive_int("time_stripes", time_stripes, at_least=0)
        self.frequency_width = check_positive_int("frequency_width", frequency_width)
        self.frequency_stripes = check_positive_int(
            "frequency_stripes", frequency_stripes, at_least=0
        )
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        if not training:
            return inputs
        batch, frames, bins = ops.shape(inputs)
        over_time = self._stripes(batch, frames, self.time_width, self.time_stripes)
        over_frequency = self._stripes(batch, bins, self.frequency_width, self.frequency_stripes)
        dropped = ops.logical_or(over_time[:, :, None], over_frequency[:, None, :])
        return ops.where(dropped, ops.zeros_like(inputs), inputs)

    def _stripes(self, batch, size, width, stripes):
        """Boolean (batch, size), True within one of the stripes."""
        lengths = self._integers((batch, stripes), ops.minimum(width, size))
        starts = self._integers((batch, stripes), size - lengths)
        position = ops.reshape(ops.arange(size, dtype="int32"), (1, 1, -1))
        inside = ops.logical_and(
            position >= starts[:, :, None], position < (starts + lengths)[:, :, None]
        )
        return ops.any(inside, axis=1)

    def _integers(self, shape, end):
        """Drawn from 0..end-1, where `end` may differ from one to the next."""
        unit = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        return ops.cast(ops.floor(unit * ops.cast(end, "float32")), "int32")

    def compute_output_shape(self, input_shape: Any) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return super().get_config() | {
            "time_width": self.time_width,
            "time_stripes": self.time_stripes,
            "frequency_width": self.frequency_width,
            "frequency_stripes": self.frequency_stripes,
            "seed": self.seed,
        }
