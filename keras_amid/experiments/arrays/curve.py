"""Test figures of every epoch."""

from __future__ import annotations

import keras
import numpy as np


class TestCurve(keras.callbacks.Callback):
    """Evaluates on test data after every epoch, for the figures only: nothing is chosen by it.

    Args:
        x, y: as of `keras.Model.evaluate`.
        batch_size: samples at a time.
    """

    def __init__(self, x: dict[str, np.ndarray], y: np.ndarray, batch_size: int):
        super().__init__()
        self.x, self.y, self.batch_size, self.logs = x, y, batch_size, []

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Evaluates."""
        self.logs.append(
            self.model.evaluate(
                self.x, self.y, batch_size=self.batch_size, verbose=0, return_dict=True
            )
        )

    def history(self) -> dict[str, list[float]]:
        """ "test_" and the name of a log -> one value an epoch."""
        names = ("student_accuracy", "teacher_accuracy", "class_cosine")
        return {
            f"test_{name}": [float(logs[name]) for logs in self.logs]
            for name in names
            if self.logs and name in self.logs[0]
        }
