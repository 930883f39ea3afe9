"""Runs of rows, one after the other: trained, measured, read back where they are finished."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from pathlib import Path
from typing import Any

import keras

import keras_amid as ka
from keras_amid.data.storage.files import read_json, write_json
from keras_amid.experiments import rows
from keras_amid.experiments.case import Case
from keras_amid.experiments.epoch_log import read_history
from keras_amid.experiments.experiment import Experiment
from keras_amid.experiments.task import Task


class Runs:
    """The runs of a case. What is finished is read back, what was cut off goes on.

    Args:
        task: what is run.
        case: of the task.
    """

    def __init__(self, task: Task, case: Case):
        self.task, self.case = task, case
        self._latest: tuple[str, ka.Distiller] | None = None

    @functools.cached_property
    def experiment(self) -> Experiment:
        """The case's data and networks, prepared where something is still to be run."""
        return self.task.open_case(self.case)

    def folder(self, row: str) -> Path:
        """Where a row's run lies."""
        name = row.replace(", ", "_").replace(" ", "_").replace("+", "_and_")
        return self.task.folder / self.case.folder / name

    def trained(self, row: str) -> ka.Distiller:
        """The model of a row, with the weights of the last epoch."""
        if self._latest is not None and self._latest[0] == row:
            return self._latest[1]
        changed, experiment = {}, self.experiment
        if self.task.config.row(row).needs_teacher:
            experiment, changed = taught_by(experiment, row, self.trained(rows.TEACHER))
        keras.utils.set_random_seed(experiment.seed)
        rate, decay = self.task.config.rate_and_decay(row)
        model, callbacks = build(experiment, row, rate, decay, **changed)
        fit(experiment, row, model, callbacks, self.folder(row))
        self._latest = (row, model)
        return model

    def figures(self, row: str) -> dict[str, Any]:
        """The test figures of a row, in percent."""
        path = self.folder(row) / "result.json"
        result = read_json(path)
        if result is None:
            result = taught(self.task.config.row(row), self.experiment.measure(self.trained(row)))
            write_json(path, result)
        return result

    def histories(self) -> dict[str, dict[str, list[float]]]:
        """Row -> log -> one value an epoch, of the finished runs that have a history."""
        paths = {row: self.folder(row) / "history.csv" for row in self.case.rows}
        return {row: read_history(path) for row, path in paths.items() if path.exists()}


def taught_by(
    experiment: Experiment, row: str, teacher: ka.Distiller
) -> tuple[Experiment, dict[str, Any]]:
    """What a row takes from a trained teacher: names for samples without a label, or the teacher.

    Args:
        experiment: its data and networks.
        row: name, of one that needs a teacher.
        teacher: trained model of the row `rows.TEACHER`.

    Returns:
        The experiment to train on, and the `rows.Settings` that are not the experiment's.
    """
    if not experiment.config.row(row).named:
        return experiment, {"fixed_teacher": teacher}
    named = experiment.named_by(teacher)
    keras.utils.set_random_seed(experiment.seed)  # the student starts as it does alone
    return named, {}


def build(
    experiment: Experiment, row: str, rate: float, decay: float, **changed: Any
) -> tuple[ka.Distiller, list[keras.callbacks.Callback]]:
    """The compiled model of a row, and the callbacks that its training must have.

    Args:
        experiment: its data and networks.
        row: name.
        rate, decay: learning rate and weight decay of the main optimizer.
        **changed: `rows.Settings` that are not the experiment's.
    """
    entry = experiment.config.row(row)
    settings = dataclasses.replace(experiment.settings(), **changed)
    extractors = experiment.extractors(entry.uses_auxiliary)
    model, callbacks = rows.build(entry, *extractors, settings)
    optimizer = experiment.optimizer(rate, decay)
    plain = keras.backend.backend() == "tensorflow" and not experiment.config.xla
    rows.compile_model(
        model, optimizer, experiment.config.discriminator_rate, False if plain else "auto"
    )
    return model, callbacks


def fit(
    experiment: Experiment,
    row: str,
    model: ka.Distiller,
    callbacks: list[keras.callbacks.Callback],
    folder: Path,
) -> dict[str, list[float]]:
    """Trains the model of a row; see `Experiment.fit`, to which a control's `partners` are given.

    Raises:
        ValueError: the row is a control, for which the experiment is not made.
    """
    if not experiment.config.row(row).shuffled:
        return experiment.fit(model, callbacks, folder)
    methods = (experiment.fit, experiment.batches)
    if not all("partners" in inspect.signature(method).parameters for method in methods):
        raise ValueError(
            f"`rows` must be without controls, such as {row!r}: {type(experiment).__name__}, whose "
            "`fit` and `batches` take no `partners`, cannot shuffle pairs."
        )
    order = experiment.partners()
    auxiliary = [n for n in rows.modalities(model) if n not in model.target_extractors]
    return experiment.fit(model, callbacks, folder, dict.fromkeys(auxiliary, order))


def taught(row: rows.Row, figures: dict[str, Any]) -> dict[str, Any]:
    """The figures of what a row teaches, under its name: without a student never taught."""
    if row.has_student:
        return figures
    measured = "teacher" if row.side == "teacher" else "student"
    return {
        name.replace(measured, row.side, 1): value
        for name, value in figures.items()
        if name.startswith(measured)
    }
