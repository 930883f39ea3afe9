"""The epoch schedule of AMID: warm-up and adaptive lambda."""

from __future__ import annotations

import keras

from keras_amid.validation.arguments import check_number, check_positive_int


class AMIDSchedule(keras.callbacks.Callback):
    """Warm-up and adaptive lambda (Eq. 14) of `AMID`.

    For the first `warmup_epochs` epochs only L_cls + L_JSD count, and the discriminators do not
    train (their gradients are 0; an optimizer that decays weights would still decay theirs).
    lambda is updated after every epoch, the warm-up included. All state is in the model's
    variables; Eq. 14 is applied when the next epoch begins (or training ends), so the order among
    the callbacks does not matter, and a run resumed with `BackupAndRestore` or `initial_epoch`
    goes on as if it had not stopped. Epochs count over all calls of `fit` on a model: a loop of
    `fit(epochs=1)` leaves the warm-up after `warmup_epochs` calls.

    Args:
        warmup_epochs: int >= 0, T_start: 20 for video, 5 for emotion recognition in the paper; 0
            is the ablation without warm-up.
        smoothing: float in [0, 1], beta. With 1, lambda stays (1/2, 1/2): the ablation with
            uniform lambda.

    Raises:
        ValueError: for an argument out of its domain.
        TypeError: at the start of training, if the model is not an `AMID`.
    """

    def __init__(self, warmup_epochs: int = 20, smoothing: float = 0.9):
        super().__init__()
        self.warmup_epochs = check_positive_int("warmup_epochs", warmup_epochs, at_least=0)
        self.smoothing = check_number("smoothing", smoothing, at_least=0, at_most=1)
        self._offset: int | None = None

    @property
    def _state(self):
        state = getattr(self.model, "state", None)
        if not hasattr(state, "begin_epoch"):
            raise TypeError(
                f"AMIDSchedule schedules a keras_amid.AMID; received a {type(self.model).__name__}."
            )
        return state

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Refuses a model that has no such schedule."""
        _ = self._state
        self._offset = None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Applies Eq. 14 to the epoch before, and switches the warm-up off when it is over."""
        if self._offset is None:
            self._offset = self._state.epochs_before(epoch)
        epoch = epoch + self._offset
        self._state.begin_epoch(epoch, epoch >= self.warmup_epochs, self.smoothing)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Applies Eq. 14 to the last epoch."""
        self._state.end_training(self.smoothing)
