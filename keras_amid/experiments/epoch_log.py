"""The logs of every epoch in a CSV file that is whole at any moment, and proves it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import keras

from keras_amid.data.storage.digests import is_signed, signed
from keras_amid.data.storage.files import read_json, replacing, write_json


class EpochLog(keras.callbacks.Callback):
    """Keeps the logs of every epoch in a CSV file, replaced after each (unlike `CSVLogger`'s).

    A run that goes on from an epoch drops what the file holds of that one and later ones. Beside it
    stands a copy with a digest (`history.json`), by which a file that was damaged or edited since
    is told, and put right.

    Args:
        path: of the file, with a column `epoch`, from 0 on, and one a log.
    """

    def __init__(self, path: str | Path):
        super().__init__()
        self.path = Path(path)
        self.rows: dict[int, dict[str, float]] = {}

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Takes up the epochs before the first one that is run."""
        if not self.rows and epoch:
            history = read_history(self.path)
            if min(map(len, history.values()), default=0) < epoch:
                raise ValueError(
                    f"{self.path} lacks epochs of the {epoch} that are backed up. Delete its "
                    "folder to begin anew."
                )
            self.rows = {
                number: {name: values[number] for name, values in history.items()}
                for number in range(epoch)
            }

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Replaces the file."""
        self.rows[epoch] = {name: float(value) for name, value in (logs or {}).items()}
        _write(self.path, [{"epoch": number, **row} for number, row in self.rows.items()])


def read_history(path: str | Path) -> dict[str, list[float]]:
    """The logs of an `EpochLog`, name -> one value an epoch, from the first epoch on.

    Raises:
        ValueError: the file is damaged, and there is no copy to put it right.
    """
    rows = _copy(Path(path))
    if rows is None:
        rows = _parsed(Path(path))
    return {name: [row[name] for row in rows] for name in rows[0] if name != "epoch"}


def mend_history(path: str | Path) -> dict[str, list[float]]:
    """`read_history`, and the file written anew where it is not as it was."""
    path, rows = Path(path), _copy(Path(path))
    if rows is not None and (not path.is_file() or path.read_bytes() != _text(rows).encode()):
        _write(path, rows)
    return read_history(path)


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        file.write(_text(rows))
    write_json(path.with_suffix(".json"), signed({"rows": rows}))


def _text(rows):
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, list(rows[-1]))
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _copy(path):
    """The rows of the copy; None where there is none that can be believed."""
    try:
        found = read_json(path.with_suffix(".json"))
    except ValueError:
        return None
    return found["rows"] if is_signed(found) else None


def _parsed(path):
    """The rows of a CSV file, which must be whole."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            text = file.read()
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        whole = text.endswith("\n") and [row["epoch"] for row in rows] == [
            str(number) for number in range(len(rows))
        ]
        values = [{name: float(value) for name, value in row.items()} for row in rows]
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise ValueError(f"{path} is damaged ({error}). {_REMEDY}") from error
    if not whole or not values:
        raise ValueError(f"{path} is damaged: it ends within a row, or lacks epochs. {_REMEDY}")
    return values


_REMEDY = "Delete its folder, and call again: the run is made anew."
