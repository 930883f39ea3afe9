"""CRCD's last epochs, which do not distil."""

from __future__ import annotations

from typing import Any

import keras

from keras_amid.validation.arguments import check_number


@keras.saving.register_keras_serializable(package="keras_amid")
class DistillationSwitch(keras.layers.Layer):
    """A variable that is saved with the model: 1 where it distils, 0 where it does not.

    Attributes:
        on: scalar, float32, not trainable.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.on = self.add_weight(
            name="on",
            shape=(),
            initializer="ones",
            dtype="float32",
            trainable=False,
            autocast=False,
            aggregation="mean",
        )
        self.built = True

    def load_own_variables(self, store: Any):
        """What was saved; files of before there was a switch do not have it, and distil."""
        if len(store.keys()):
            super().load_own_variables(store)


class CRCDSchedule(keras.callbacks.Callback):
    """Leaves KL and contrast of `CRCD` out of the last epochs, as its released code does.

    There it is the last 1/25 of the steps (10 of 250 epochs), here the epochs that lie wholly in
    that part, of those that `fit` is asked for: none, where there are fewer than 25.

    Args:
        last: float in [0, 1], the part of the training that does not distil.

    Raises:
        ValueError: for an argument out of its domain.
        TypeError: at the start of training, if the model is not a `CRCD`.
    """

    def __init__(self, last: float = 0.04):
        super().__init__()
        self.last = check_number("last", last, at_least=0, at_most=1)

    @property
    def _switch(self):
        switch = getattr(self.model, "switch", None)
        if not isinstance(switch, DistillationSwitch):
            raise TypeError(
                f"CRCDSchedule schedules a keras_amid.CRCD; received a {type(self.model).__name__}."
            )
        return switch

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Refuses a model that has no such schedule."""
        _ = self._switch

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Switches the distillation off where only the last part of the training remains."""
        first = self.params["epochs"] * (1.0 - self.last)
        self._switch.on.assign(float(epoch < first - 1e-9))
