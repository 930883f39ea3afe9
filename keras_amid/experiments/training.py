"""What recipes share: resumable training, results on disk, the table over seeds."""

import csv
import json
import os
from pathlib import Path

import keras
import numpy as np
from scipy import stats
from tqdm.auto import tqdm


class Progress(keras.callbacks.Callback):
    """One progress bar over the epochs, with the validation accuracies.

    Args:
        name: str, shown before the bar.
        epochs: int.
    """

    def __init__(self, name, epochs):
        super().__init__()
        self.name, self.epochs = name, epochs

    def on_train_begin(self, logs=None):
        """Opens the bar."""
        self.bar = tqdm(total=self.epochs, desc=self.name, unit="epoch")

    def on_epoch_end(self, epoch, logs=None):
        """Moves the bar to the epoch."""
        shown = {"student": "val_student_accuracy", "teacher": "val_teacher_accuracy"}
        values = {k: f"{100 * logs[n]:.1f} %" for k, n in shown.items() if n in (logs or {})}
        self.bar.n = epoch + 1
        self.bar.set_postfix(values)

    def on_train_end(self, logs=None):
        """Closes the bar."""
        self.bar.close()


class EpochBackup(keras.callbacks.Callback):
    """Keeps the weights and optimizer state of the last finished epoch in one file.

    The file is renamed into place and names its epoch, so a kill at any moment leaves a whole
    one that cannot be taken for another epoch's (Keras's `BackupAndRestore` writes the weights
    and the epoch's number one after the other, in place).

    Args:
        folder: `Path` of the backups.
    """

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def restore(self, model):
        """Restores the last finished epoch, if any; returns the number of finished ones."""
        backups = self._backups()
        if not backups:
            return 0
        load_weights(model, backups[-1])
        return int(backups[-1].name.split(".")[0])

    def on_epoch_end(self, epoch, logs=None):
        """Replaces the backup."""
        old = self._backups()
        save_weights(self.model, self.folder / f"{epoch + 1:06d}.weights.h5")
        for path in old:
            path.unlink()

    def _backups(self):
        return sorted(self.folder.glob("[0-9]*.weights.h5"))


def save_weights(model, path):
    """Writes weights so that the file is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f"part-{path.name}"
    model.save_weights(temporary)
    os.replace(temporary, path)


def load_weights(model, path):
    """Loads weights and the optimizer's state, which has to have a place first."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    model.load_weights(path)


def fit(model, batches, validation, epochs, callbacks, folder):
    """Trains to the last epoch; cut off and called again, goes on where it was.

    Args:
        model: compiled `keras.Model`.
        batches: training data.
        validation: validation data, for the history only.
        epochs: int.
        callbacks: list of the method's own callbacks.
        folder: `Path` of this run: a backup after every epoch, the history, the final weights.

    Returns:
        dict, name -> list of one value an epoch, from the first epoch on.
    """
    final, log = folder / "final.weights.h5", folder / "history.csv"
    backup = EpochBackup(folder / "backup")
    folder.mkdir(parents=True, exist_ok=True)
    if final.exists():
        load_weights(model, final)
        return read_history(log)
    model.fit(
        batches,
        validation_data=validation,
        initial_epoch=backup.restore(model),
        epochs=epochs,
        verbose=0,
        shuffle=False,  # the pipeline shuffles
        callbacks=[
            *callbacks,
            keras.callbacks.CSVLogger(str(log), append=True),  # before the backup of its epoch
            backup,
            Progress(folder.name.replace("_", " "), epochs),
        ],
    )
    save_weights(model, final)
    return read_history(log)


def read_history(path):
    """The columns of a `CSVLogger` file; of an epoch that was run twice, the second time."""
    with open(path, newline="") as file:
        rows = {int(row["epoch"]): row for row in csv.DictReader(file)}
    # Without validation data, the logger keeps columns of "NA" for them.
    names = [name for name, value in rows[0].items() if name != "epoch" and value != "NA"]
    return {name: [float(rows[epoch][name]) for epoch in sorted(rows)] for name in names}


def claim(folder, settings):
    """Makes an output folder for these settings, or refuses one that holds others' results.

    Raises:
        SystemExit: naming what differs.
    """
    path = Path(folder) / "settings.json"
    if path.exists():
        found = json.loads(path.read_text())
        differing = {k: (found.get(k), v) for k, v in settings.items() if found.get(k) != v}
        if differing:
            listed = ", ".join(f"{k}: {a!r}, now {b!r}" for k, (a, b) in differing.items())
            raise SystemExit(
                f"--out {folder} holds a run with other settings ({listed}); name another folder "
                "or remove it."
            )
    write_json(path, settings)


def write_json(path, value):
    """Writes JSON so that the file is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"part-{os.getpid()}-{path.name}")
    temporary.write_text(json.dumps(value, indent=1))
    os.replace(temporary, path)


def table(results, baseline, method):
    """A Markdown table of test figures: mean and standard error over the seeds, and the gap.

    Args:
        results: list of dicts with `rows`: method -> figure's name -> percent.
        baseline: str, the row to compare with.
        method: str, the row that is compared.

    Returns:
        str. With two seeds or more, the gap comes with a paired t-test, two-sided.
    """
    columns = list(results[0]["rows"][method])
    lines = [
        "| %, test clips | " + " | ".join(columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for name in results[0]["rows"]:
        cells = [_cell(_values(results, name, column)) for column in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    gaps = {}
    for column in columns:
        pair = [_values(results, name, column) for name in (method, baseline)]
        if all(len(values) for values in pair):
            gaps[column] = pair[0] - pair[1]
    cells = [_cell(gaps[column], "+") if column in gaps else "" for column in columns]
    lines.append(f"| gap, {method} - {baseline} | " + " | ".join(cells) + " |")
    text = "\n".join(lines) + "\n"
    if len(results) > 1:
        gap = next(iter(gaps.values()))
        p = stats.ttest_1samp(gap, 0.0).pvalue
        text += (
            f"\n{len(results)} seeds, mean +- standard error. Paired t-test of the "
            f"{next(iter(gaps))} gap: p = {p:.1g}; {method} leads in {int((gap > 0).sum())} of "
            f"{len(gap)} seeds.\n"
        )
    return text


def _values(results, name, column):
    rows = [result["rows"][name] for result in results]
    return np.array([row[column] for row in rows if column in row])


def _cell(values, sign=""):
    if not len(values):
        return ""
    mean = f"{values.mean():{sign}.1f}"
    if len(values) == 1:
        return mean
    return f"{mean} +- {values.std(ddof=1) / np.sqrt(len(values)):.1f}"
