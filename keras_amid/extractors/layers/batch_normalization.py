"""Batch normalization in as few passes over the activations as the backend can make of it."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

# XLA and TensorFlow fold Keras's own operations. Keras on PyTorch runs them one by one, some
# fifteen passes forward and backward; PyTorch has one operation for them, of four passes.
_ONE_BY_ONE = keras.backend.backend() == "torch"
if _ONE_BY_ONE:
    from torch.nn.functional import batch_norm as _fused_batch_norm


@keras.saving.register_keras_serializable(package="keras_amid")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`; on PyTorch through its fused operation.

    The same function: statistics in float32 or better under every dtype policy, moving averages
    with `momentum` for the old value and of the biased variance. The same variables, arguments and
    place in saved files, which Keras derives from the name of the class. What the operation cannot
    do (`mask`, `renorm`, `synchronized`, an axis other than the last, a single value a channel) is
    left to Keras.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        if not _ONE_BY_ONE or mask is not None or not self._fuses(inputs.shape):
            return super().call(inputs, training=training, mask=mask)
        dtype = keras.backend.result_type(inputs.dtype, "float32")
        mean, variance = (
            ops.copy(ops.cast(v, dtype)) for v in (self.moving_mean, self.moving_variance)
        )
        scale = ops.cast(self.gamma, dtype) if self.scale else None
        offset = ops.cast(self.beta, dtype) if self.center else None
        batch_statistics = bool(training and self.trainable)
        # Momentum 1: what was given as moving averages then holds the batch's statistics.
        outputs = _fused_batch_norm(
            _channels_first(inputs), mean, variance, scale, offset,
            training=batch_statistics, momentum=1.0, eps=self.epsilon,
        )  # fmt: skip
        if batch_statistics:
            count = outputs.numel() // outputs.shape[1]
            self._average(self.moving_mean, mean)
            self._average(self.moving_variance, variance * ((count - 1) / count))
        outputs = ops.reshape(ops.transpose(outputs, (0, 2, 3, 1)), inputs.shape)
        return ops.cast(outputs, self.compute_dtype)

    def _fuses(self, shape):
        values = 1
        for size in shape[:-1]:
            values *= size
        last = self.axis in (-1, len(shape) - 1)
        return last and values > 1 and not self.renorm and not self.synchronized

    def _average(self, moving, value):
        moving.assign(moving.value * self.momentum + value * (1.0 - self.momentum))


def _channels_first(x):
    """(batch, ..., channels) -> a view (batch, channels, places, 1), which needs no copy."""
    x = ops.reshape(x, (x.shape[0], -1, 1, x.shape[-1]))
    return ops.transpose(x, (0, 3, 1, 2))
