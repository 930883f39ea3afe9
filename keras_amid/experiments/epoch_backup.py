"""A backup after every epoch, from which a training run that was killed goes on."""

from __future__ import annotations

import errno
import math
import os
import shutil
from pathlib import Path

import keras

from keras_amid.data.storage.files import replacing
from keras_amid.validation.finite import check_weights

_BYTES, _OVERHEAD = 4, 2048  # of a number, and of the description of a variable


class EpochBackup(keras.callbacks.Callback):
    """Keeps the weights and the optimizer's state of the last finished epoch in one file.

    The file is renamed into place and names its epoch, so a kill at any moment leaves a whole
    one that cannot be taken for another epoch's (Keras's `BackupAndRestore` writes the weights
    and the epoch's number one after the other, in place).

        backup = EpochBackup("build/mine/backup")
        model.fit(train, epochs=9, initial_epoch=backup.restore(model), callbacks=[..., backup])

    Args:
        folder: of the backups.
    """

    def __init__(self, folder: str | Path):
        super().__init__()
        self.folder = Path(folder)

    def restore(self, model: keras.Model) -> int:
        """Restores the last finished epoch of a compiled model, if any.

        Returns:
            The number of finished epochs.
        """
        backups = self._backups()
        if not backups:
            return 0
        load_weights(model, backups[-1])
        return int(backups[-1].name.split(".")[0])

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Replaces the backup, unless there are weights that are not finite.

        Raises:
            NotFiniteError: there are; the backup before stays.
        """
        check_weights(self.model, f"after epoch {epoch + 1}")
        old = self._backups()
        save_weights(self.model, self.folder / f"{epoch + 1:06d}.weights.h5")
        for path in old:
            path.unlink()

    def _backups(self):
        return sorted(self.folder.glob("[0-9]*.weights.h5"))


def save_weights(model: keras.Model, path: Path) -> None:
    """Writes weights, and the optimizer's state where the model is compiled; whole or not at all.

    Args:
        model: a built model.
        path: ends in `.weights.h5`.

    Raises:
        OSError: it cannot be written, as where the disk is full.
    """
    with replacing(path) as temporary:
        _check_room(model, temporary)
        try:
            model.save_weights(temporary)
        except RuntimeError as error:  # of HDF5, on several lines
            raise OSError(f"{path} cannot be written: {' '.join(str(error).split())}") from error


def _check_room(model, path):
    """Raises OSError where the disk has no room: HDF5 may end the process on a full one."""
    variables = [*model.variables, *getattr(getattr(model, "optimizer", None), "variables", ())]
    needed = sum(_BYTES * math.prod(v.shape) + _OVERHEAD for v in variables)
    if shutil.disk_usage(path.parent).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def load_weights(model: keras.Model, path: Path) -> None:
    """Loads weights, and the optimizer's state where the model is compiled.

    Args:
        model: a built model.
        path: what `save_weights` wrote of such a model.

    Raises:
        ValueError: it is damaged, or of another model.
    """
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and not optimizer.built:  # the state must have a place first
        optimizer.build(model.trainable_variables)
    try:
        model.load_weights(path)
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"{path} cannot be read: it is damaged, or of another model ({error}). Delete it, and "
            "call again: training begins with what is left."
        ) from error
