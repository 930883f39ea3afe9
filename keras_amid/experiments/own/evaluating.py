"""`keras-amid evaluate`: figures of a finished run, from its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras_amid as ka
from keras_amid.data.storage.files import read_json, refuse_other_settings
from keras_amid.experiments import rows, runs
from keras_amid.experiments.measuring import figures_of
from keras_amid.experiments.own.predictions import labelled
from keras_amid.experiments.own.running import claimed, make_task
from keras_amid.experiments.own.runs import OwnRuns
from keras_amid.experiments.own.task import OwnTask
from keras_amid.own import settings


def evaluate(folder: Path, row: str | None, seed: int | None, split: str) -> dict[str, Any]:
    """The figures of one trained model.

    Args:
        folder: of the run.
        row, seed: which; None: the last row, the first seed.
        split: "test" or "validation".

    Raises:
        ValueError: it is no run, it has no such row, or that is not trained to the end.
    """
    task = open_run(folder)
    row = task.config.rows[-1] if row is None else row
    entry = task.config.row(row)
    cases = {case.seed: case for case in task.cases()}
    seed = task.config.seed if seed is None else seed
    if seed not in cases:
        raise ValueError(f"`seed` must be one of the run's, {list(cases)}; received {seed}.")
    if not task.material.data.counts.get(split):
        raise ValueError(f"`split` must have samples; received {split!r}, which has none.")
    done = OwnRuns(task, cases[seed])
    if not (done.folder(row) / "final.weights.h5").exists():
        raise ValueError(
            f"`row` must be trained to the end in {str(folder)!r}; received {row!r}, seed {seed}."
        )
    task.fill()
    model, experiment = done.trained(row), done.experiment
    found = ka.predict_videos(model, experiment.batches(split, rows.modalities(model)))
    return runs.taught(entry, figures_of(labelled(found), experiment.num_classes))


def open_run(folder: Path) -> OwnTask:
    """The task of a run's folder.

    Raises:
        ValueError: it is no run, or its data are not those it was trained on.
    """
    if not (folder / "config.toml").is_file():
        raise ValueError(
            f"`run` must be a folder that `keras-amid train` wrote; received {str(folder)!r}."
        )
    values = settings.resolve({}, folder / "config.toml", {"out": str(folder)})
    task = make_task(values, folder)
    refuse_other_settings(folder, read_json(folder / "settings.json") or {}, claimed(task), "run")
    return task
