"""What a training run prints: a line an epoch."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import keras

from keras_amid.data.storage.progress import is_redrawn, progress_bar

FOLLOWED = ("student", "teacher", "auxiliary")


class Progress(keras.callbacks.Callback):
    """A line an epoch with the accuracies that a person follows, above a bar over the epochs.

        AMID: epoch 12/80, validation student=38.4 % teacher=52.0 % auxiliary=66.3 %, training ...

    Where the standard error is no terminal, such a line comes every few seconds at most, and none
    from a run that takes less. All else is in the logs (`EpochLog`, `TensorBoardLog`): a method has
    two dozen, which Keras's own lines show every one (`fit(verbose=0)` is without those). `loss` is
    not among the figures: it holds the discriminators' loss, and falls where nothing is gained.

    Args:
        name: shown before the bar.
        epochs: how many there are.
    """

    def __init__(self, name: str, epochs: int):
        super().__init__()
        self.name, self.epochs = name, epochs

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Opens the bar."""
        self.bar = progress_bar(total=self.epochs, description=self.name, unit="epoch")

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Moves the bar past epochs that an earlier run has finished."""
        if self.bar.n < epoch:
            self.bar.n = self.bar.initial = self.bar.last_print_n = epoch

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Prints the epoch's line, and moves the bar."""
        figures = followed(logs or {})
        if is_redrawn():
            self.bar.write(f"{self.name}: epoch {epoch + 1}/{self.epochs}, {figures}", sys.stderr)
        else:
            self.bar.set_postfix_str(figures, refresh=False)
        self.bar.update()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Closes the bar."""
        self.bar.close()


def followed(logs: Mapping[str, float]) -> str:
    """The accuracies of student, teacher and auxiliary among an epoch's logs, in percent.

    Args:
        logs: name -> value.

    Returns:
        Those of the validation data first, where there are any, then those of training.
    """
    parts = []
    for data, prefix in (("validation", "val_"), ("training", "")):
        names = {name: f"{prefix}{name}_accuracy" for name in FOLLOWED}
        values = [f"{name}={100 * logs[log]:.1f} %" for name, log in names.items() if log in logs]
        parts += [" ".join([data, *values])] * bool(values)
    return ", ".join(parts)
