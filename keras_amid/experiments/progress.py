"""One progress bar over the epochs of a training run."""

from __future__ import annotations

import keras

from keras_amid.data.storage.progress import progress_bar


class Progress(keras.callbacks.Callback):
    """One progress bar over the epochs, with the validation accuracies.

    tqdm's own callback shows every log, of which a method has two dozen.

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
        """Moves the bar."""
        logs = logs or {}
        shown = {"student": "val_student_accuracy", "teacher": "val_teacher_accuracy"}
        values = {k: f"{100 * logs[n]:.1f} %" for k, n in shown.items() if n in logs}
        self.bar.set_postfix(values, refresh=False)
        self.bar.update()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Closes the bar."""
        self.bar.close()
