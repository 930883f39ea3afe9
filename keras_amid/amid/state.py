"""What AMID remembers between steps and epochs, in variables that are saved with the model."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

FREQUENCY_DECAY = 0.9


@keras.saving.register_keras_serializable(package="keras_amid")
class AMIDState(keras.layers.Layer):
    """The warm-up switch, lambda of Eq. 14 with the sums it comes from, and d of Eq. 12.

    All are non-trainable float32 variables, so `BackupAndRestore` and `.keras` files hold them: a
    resumed run goes on as if it had not stopped.

    Attributes:
        after_warmup: scalar, 1 where all terms of Eq. 17 count, 0 during the warm-up.
        lambda_tilde: shape (2,), lambda~ of Eq. 14; lambda = softmax(lambda~).
        cosine_sums: shape (4,): over the current epoch's training batches, the sum of Phi_1 and
            its number of samples, the sum of Phi_2 and its number of pairs.
        epoch: scalar, the epoch those sums belong to, counted over all calls of `fit`; half an
            epoch later once its training has ended.
        repeats: scalar, running mean of w, negative before the first batch.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.after_warmup = self._variable("after_warmup", (), "ones")
        self.lambda_tilde = self._variable("lambda_tilde", (2,), "zeros")
        self.cosine_sums = self._variable("cosine_sums", (4,), "zeros")
        self.epoch = self._variable("epoch", (), keras.initializers.Constant(-1.0))
        self.repeats = self._variable("repeats", (), keras.initializers.Constant(-1.0))
        self.built = True

    def _variable(self, name, shape, initializer):
        # Replicas of a distributed step each add their own sums; their mean keeps every ratio.
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            dtype="float32",
            trainable=False,
            autocast=False,
            aggregation="mean",
        )

    def add_cosines(self, instance_sum: Any, samples: int, class_sum: Any, pairs: Any):
        """Adds a training batch's Phi_1 and Phi_2 to the epoch's sums.

        Args:
            instance_sum: scalar, sum over i of cosine(M_i, S_i).
            samples: scalar, their number.
            class_sum: scalar, sum of cosine(M_v, S_u) over same-class pairs u != v.
            pairs: scalar, their number.
        """
        self.cosine_sums.assign_add(ops.stack([instance_sum, samples, class_sum, pairs]))

    def frequency_of_repeats(self, repeated: Any, samples: Any, update: Any):
        """The running mean of w, at least 1: `pair_normalizer="frequency"`.

        The mean starts at the first batch's w and decays by 0.9 a batch; it includes the batch
        it is asked for, and counts the batches of the warm-up too, but none without a complete
        sample.

        Args:
            repeated: scalar, w of this batch: samples whose class occurs more than once in it.
            samples: scalar, the number of complete samples in it.
            update: bool, whether this is a training batch.
        """
        if update:
            before = self.repeats.value
            mean = FREQUENCY_DECAY * before + (1.0 - FREQUENCY_DECAY) * repeated
            mean = ops.where(before < 0, repeated, mean)
            self.repeats.assign(ops.where(samples > 0, mean, before))
        return ops.maximum(self.repeats.value, 1.0)

    def epochs_before(self, epoch: int) -> int:
        """How many epochs of earlier calls of `fit` come before the first of this one.

        Args:
            epoch: the first epoch of this call, as Keras counts: 0, or `initial_epoch`.

        Returns:
            What to add to Keras's count: 0 where it goes on from the last epoch by itself, as a run
            does that was cut off and restored.
        """
        last = float(keras.ops.convert_to_numpy(self.epoch.value))
        ended = last % 1 > 0
        return max(0, int(last // 1) + 1 - epoch) if ended or epoch < last else 0

    def end_training(self, smoothing: float):
        """Closes the last epoch of a call of `fit`: Eq. 14, and the next call goes on counting.

        Args:
            smoothing: beta.
        """
        self.end_epoch(smoothing)
        last = float(keras.ops.convert_to_numpy(self.epoch.value))
        self.epoch.assign(last // 1 + 0.5)

    def begin_epoch(self, epoch: int, after_warmup: Any, smoothing: Any):
        """Starts an epoch: closes the one before, and sets the warm-up switch.

        Args:
            epoch: int, from 0.
            after_warmup: bool.
            smoothing: float, beta of Eq. 14.
        """
        # Sums of this same epoch are those of a run cut off within it, which now runs it anew.
        if float(keras.ops.convert_to_numpy(self.epoch.value)) != epoch:
            self.end_epoch(smoothing)
        self.cosine_sums.assign(ops.zeros(4))
        self.epoch.assign(float(epoch))
        self.after_warmup.assign(float(after_warmup))

    def end_epoch(self, smoothing: Any):
        """Eq. 14, from the sums of the epoch that ended.

            lambda~_m(t+1) = beta lambda~_m(t) + (1 - beta) (1 - Avg_t(Phi_m))               (14)

        An epoch without samples or same-class pairs, or with a cosine that is not finite, leaves
        the lambda~ concerned as it is.

        Args:
            smoothing: float, beta.
        """
        sums = keras.ops.convert_to_numpy(self.cosine_sums.value).astype("float64")
        lambda_tilde = keras.ops.convert_to_numpy(self.lambda_tilde.value).astype("float64")
        for m in (0, 1):
            total, count = sums[2 * m], sums[2 * m + 1]
            if count > 0 and np.isfinite(total):
                average = total / count
                lambda_tilde[m] = smoothing * lambda_tilde[m] + (1 - smoothing) * (1 - average)
        self.lambda_tilde.assign(lambda_tilde.astype("float32"))
        self.cosine_sums.assign(ops.zeros(4))
