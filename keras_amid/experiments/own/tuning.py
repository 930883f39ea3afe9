"""The search for every row's learning rate and weight decay, on the validation split alone."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras

from keras_amid.data.storage.files import read_json, write_json
from keras_amid.experiments import runs
from keras_amid.experiments.case import Case
from keras_amid.experiments.own.runs import OwnRuns
from keras_amid.experiments.own.task import OwnTask
from keras_amid.experiments.rows import TEACHER
from keras_amid.experiments.tables.tuning import Trial, trials


def tune(task: OwnTask) -> dict[str, dict[Trial, list[float]]]:
    """Tries the same settings for every row, and has the task use each row's best.

    Killed and called again, it goes on with what is missing.

    Returns:
        Row -> trial -> the validation accuracy in percent, in a list.
    """
    config, scores = task.config, {}
    tried = trials(config.trials, config.rates, config.decays, (1.0, 1.0))
    names = config.controlled_rows
    if any(config.row(name).needs_teacher for name in names):
        names = tuple(dict.fromkeys((TEACHER, *names)))
    for row in names:
        scores[row] = {trial: [_score(task, row, trial)] for trial in tried}
        chosen = max(tried, key=lambda trial: scores[row][trial][0])
        own = {**task.config.own_settings, row: (chosen.rate, chosen.decay)}
        task.config = dataclasses.replace(task.config, own_settings=own)
        task.material.config = dataclasses.replace(task.material.config, own_settings=own)
    return scores


def _score(task, row, trial):
    """The validation accuracy of a trial, run unless it was run before."""
    name = f"{trial.rate:g}_{trial.decay:g}"
    case = Case(f"trials/{name}", task.config.tuning_seed, "", "", (row,))
    path = OwnRuns(task, case).folder(row) / "validation.json"
    found = read_json(path)
    if found is None:
        found = _validated(task, case, row, trial)
        write_json(path, found)
    side = "teacher" if task.config.row(row).side == "teacher" else "student"
    return found[f"{side} top-1"]


def _validated(task, case, row, trial) -> dict[str, Any]:
    done = OwnRuns(task, case)
    experiment, changed = done.experiment, {}
    if task.config.row(row).needs_teacher:
        experiment, changed = runs.taught_by(experiment, row, done.trained(TEACHER))
    keras.utils.set_random_seed(case.seed)
    model, callbacks = runs.build(experiment, row, trial.rate, trial.decay, **changed)
    runs.fit(experiment, row, model, callbacks, done.folder(row))
    return experiment.validate(model)


def shown(
    scores: dict[str, dict[Trial, list[float]]],
) -> list[tuple[str, float, float, float, bool]]:
    """(row, learning rate, weight decay, validation accuracy, whether it was chosen)."""
    return [
        (row, trial.rate, trial.decay, values[0], trial == max(found, key=lambda t: found[t][0]))
        for row, found in scores.items()
        for trial, values in found.items()
    ]
