"""Training that a kill at any moment does not lose, for any Keras model and any script.

    claim("build/mine", {"epochs": 20, "rate": 1e-3})     # refuses a folder of other settings
    history = fit(model, train, epochs=20, folder="build/mine/first")

Called again after a kill, it goes on after the last finished epoch and ends as if it had not been
interrupted, provided that the data are the same for an epoch of a number: see
`keras_amid.data.EpochShuffle`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras

from keras_amid.data.storage.files import read_json, refuse_other_settings, write_json
from keras_amid.data.storage.one_writer import one_writer
from keras_amid.experiments.epoch_backup import EpochBackup, load_weights, save_weights
from keras_amid.experiments.epoch_log import EpochLog, mend_history, read_history
from keras_amid.experiments.progress import Progress
from keras_amid.validation.finite import StopNotFinite


def fit(
    model: keras.Model,
    batches: Iterable,
    *,
    epochs: int,
    folder: str | Path,
    validation: Iterable | None = None,
    callbacks: Iterable[keras.callbacks.Callback] = (),
) -> dict[str, list[float]]:
    """Trains to the last epoch; cut off and called again, goes on where it was.

    Args:
        model: compiled and built.
        batches: training data, which shuffle themselves.
        epochs: in all.
        folder: of this run alone: a backup after every epoch, `history.csv`, and in the end
            `final.weights.h5`, from which a further call returns at once. One process at a time
            may train there.
        validation: data for the history only; nothing is chosen by them.
        callbacks: further ones; their state must be in the model's variables, or follow from the
            number of the epoch.

    Returns:
        Log -> one value an epoch, from the first epoch on.

    Raises:
        NotFiniteError: a loss, or a weight, is not finite; the last finite backup stays.
        ValueError: another process trains there, or what is there is damaged.
    """
    folder = Path(folder)
    final, log = folder / "final.weights.h5", folder / "history.csv"
    if final.exists():
        load_weights(model, final)
        return mend_history(log)
    with one_writer(folder, "folder"):
        for path in (*folder.glob(".part-*"), *folder.glob("backup/.part-*")):
            path.unlink()  # of a process that was killed
        backup = EpochBackup(folder / "backup")
        model.fit(
            batches,
            validation_data=validation,
            initial_epoch=backup.restore(model),
            epochs=epochs,
            verbose=0,
            shuffle=False,  # the data shuffle
            callbacks=[
                StopNotFinite(),  # before whatever writes
                *callbacks,
                EpochLog(log),  # before the backup of its epoch
                backup,
                Progress(folder.name.replace("_", " "), epochs),
            ],
        )
        save_weights(model, final)
    return read_history(log)


def claim(folder: str | Path, settings: dict[str, Any]) -> None:
    """Makes an output folder for these settings, or refuses one that holds others' results.

    Args:
        folder: of all outputs; gets a `settings.json`.
        settings: values of JSON.

    Raises:
        ValueError: naming what differs.
    """
    path = Path(folder) / "settings.json"
    settings = json.loads(json.dumps(settings))
    found = read_json(path)
    if found is None:
        write_json(path, settings)
    else:
        refuse_other_settings(folder, found, settings)
