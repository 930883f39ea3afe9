"""The logs of every epoch in a CSV file that is whole at any moment."""

from __future__ import annotations

import csv
from pathlib import Path

import keras

from keras_amid.data.storage.files import replacing


class EpochLog(keras.callbacks.Callback):
    """Keeps the logs of every epoch in a CSV file, replaced after each (unlike `CSVLogger`'s).

    A run that goes on from an epoch drops what the file holds of that one and later ones.

    Args:
        path: of the file, with a column `epoch`, from 0 on, and one a log.
    """

    def __init__(self, path: str | Path):
        super().__init__()
        self.path = Path(path)
        self.rows = {}

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Takes up the epochs before the first one that is run."""
        if not self.rows and epoch:
            history = read_history(self.path)
            self.rows = {
                number: {name: values[number] for name, values in history.items()}
                for number in range(epoch)
            }

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Replaces the file."""
        self.rows[epoch] = {name: float(value) for name, value in (logs or {}).items()}
        with replacing(self.path) as temporary, open(temporary, "w", newline="") as file:
            writer = csv.DictWriter(file, ["epoch", *self.rows[epoch]])
            writer.writeheader()
            writer.writerows({"epoch": number} | row for number, row in self.rows.items())


def read_history(path: str | Path) -> dict[str, list[float]]:
    """The logs of an `EpochLog`, name -> one value an epoch, from the first epoch on."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0] if name != "epoch"}
