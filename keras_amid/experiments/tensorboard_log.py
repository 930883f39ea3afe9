"""The logs of every epoch for TensorBoard."""

from __future__ import annotations

from pathlib import Path

import keras


class TensorBoardLog(keras.callbacks.Callback):
    """Writes the logs of every epoch for TensorBoard, under the names that `history.csv` has.

    Keras's own callback puts `epoch_` before them and takes `val_` away. TensorFlow writes the
    file, on every backend.

    Args:
        folder: for `tensorboard --logdir`; gets one file each time training begins.
    """

    def __init__(self, folder: str | Path):
        super().__init__()
        self.folder = Path(folder)

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Opens a file."""
        import tensorflow as tf

        self.writer = tf.summary.create_file_writer(str(self.folder))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Writes the epoch's logs."""
        import tensorflow as tf

        with self.writer.as_default(step=epoch):
            for name, value in (logs or {}).items():
                tf.summary.scalar(name, float(value))
        self.writer.flush()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Closes the file."""
        self.writer.close()
