"""Trains AMID for six epochs with a backup after each; the weights at the end go to a file.

Usage: train_resumable.py BACKUP_DIR OUT.npz schedule_first|schedule_last
With EPOCH_FILE set, slows down and writes the number of the epoch it is in there, for a test to
kill it within.
"""

import os
import sys
import time
from pathlib import Path

import keras
import numpy as np
import tiny

import keras_amid as ka


class Marker(keras.callbacks.Callback):
    """Writes the number of the current epoch, in the middle of it."""

    def __init__(self, path):
        super().__init__()
        self.path = Path(path)
        self.epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if batch == 1:
            temporary = self.path.with_suffix(".tmp")
            temporary.write_text(str(self.epoch))
            temporary.rename(self.path)
            time.sleep(0.5)


def main(backup, out, order):
    keras.utils.set_random_seed(1)
    model = tiny.amid()
    tiny.set_weights_from_seed(model)
    model.compile(optimizer=tiny.adam(), jit_compile=tiny.JIT)
    x, y = tiny.data(26)
    callbacks = [ka.AMIDSchedule(warmup_epochs=3), keras.callbacks.BackupAndRestore(backup)]
    if order == "schedule_last":
        callbacks.reverse()
    if "EPOCH_FILE" in os.environ:
        callbacks.append(Marker(os.environ["EPOCH_FILE"]))
    model.fit(
        x, y, batch_size=8, epochs=6, shuffle=False, validation_data=(x, y), verbose=0,
        callbacks=callbacks,
    )  # fmt: skip
    arrays = tiny.weights(model)
    arrays |= {
        f"optimizer/{i}": keras.ops.convert_to_numpy(v.value)
        for i, v in enumerate(model.optimizer.variables)
    }
    arrays["lambda_tilde"] = model.state.lambda_tilde.numpy()
    np.savez(out, **{name.replace("/", "|"): a for name, a in arrays.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
