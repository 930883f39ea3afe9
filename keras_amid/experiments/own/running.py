"""`keras-amid train` and `compare`: rows over seeds, the table, the served student, the report."""

from __future__ import annotations

import dataclasses
import os
import platform
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

import keras_amid as ka
from keras_amid.data.datasets import Table, read_prepared
from keras_amid.data.records.reading import RecordSet
from keras_amid.data.storage.files import replacing
from keras_amid.data.storage.one_writer import one_writer
from keras_amid.experiments import command, training
from keras_amid.experiments.own import serving, tuning
from keras_amid.experiments.own.checks import check_splits, with_modalities
from keras_amid.experiments.own.config import OwnConfig
from keras_amid.experiments.own.report.page import write_report
from keras_amid.experiments.own.runs import OwnRuns
from keras_amid.experiments.own.task import OwnTask
from keras_amid.own import settings as command_settings


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run came to, for the report.

    Attributes:
        task: done.
        runs: one a seed.
        figures: row -> its figures, one dict a seed.
        scores: of the trials, see `tuning.tune`; empty without trials.
        table: in Markdown.
        command: what was called.
        seconds: it took, this time.
        exported: folder of the served student, or None.
    """

    task: OwnTask
    runs: Sequence[OwnRuns]
    figures: Mapping[str, Sequence[Mapping[str, Any]]]
    scores: Mapping
    table: str
    command: str
    seconds: float
    exported: str | None


def run(values: Mapping[str, Any], export: Path | None, called: str) -> None:
    """Trains and measures every row of every seed. Killed and called again, it goes on.

    Args:
        values: settings, as `keras_amid.own.settings.resolve` gives them.
        export: folder of the served student; None: nothing is exported.
        called: the command line, for the report.

    Raises:
        ValueError: something given does not fit; nothing was written then.
    """
    start, out = time.monotonic(), Path(values["out"]).absolute()
    values = {**values, "data": str(Path(values["data"]).absolute()), "out": str(out)}
    export = export and export.absolute()
    task = make_task(values, out)
    with one_writer(out):
        training.claim(out, claimed(task))
        resolved = dict(values) | {
            name: value if isinstance(value, dict) else _listed(value)
            for name, value in dataclasses.asdict(task.config).items()
            if name in command_settings.ENTRIES and name != "workers"
        }
        with replacing(out / "config.toml") as path:
            path.write_text(command_settings.written(resolved), encoding="utf-8")
        print(task.config.note() or "", end="\n" * bool(task.config.note()), flush=True)
        outcome = _outcome(task, export, called, start)
        path = write_report(outcome, versions(), out / "report.html")
    print(f"\n{outcome.table}\nReport: {path}")
    if outcome.exported:
        print(f"Student: {outcome.exported}, {out / 'student.keras'}")
    print(f"{time.monotonic() - start:.0f} s on the {keras.backend.backend()} backend")


def make_task(values: Mapping[str, Any], out: Path) -> OwnTask:
    """The task of settings, all that can be checked before any work checked.

    Raises:
        ValueError: what does not fit.
    """
    data = read_prepared(values["data"])
    # A table has no name of its own; its folder has.
    title = Path(values["data"]).absolute().name if data.name == Table.name else data.name
    config = OwnConfig.of_settings(values, title)
    config = with_modalities(config, data)
    check_splits(config, data)
    command.check_exportable(config, no_export=False)
    task = OwnTask(config, out)
    task.config = task.material.config  # its sizes are found
    return task


def claimed(task: OwnTask) -> dict[str, Any]:
    """All on which results depend, as values of JSON."""
    data = task.material.data
    return {
        "backend": keras.backend.backend(),
        "records": {s: RecordSet(data.records(s)).fingerprints()[0] for s in task.material.splits},
        **task.config.recorded(),
    }


def _outcome(task, export, called, start):
    task.fill()
    scores = tuning.tune(task) if task.config.trials else {}
    done, figures = [OwnRuns(task, case) for case in task.cases()], {}
    for runs in done:
        for row in runs.case.rows:
            figures.setdefault(row, []).append(runs.figures(row))
    table = command.write_table(task, {"": figures})
    histories = done[0].histories()
    if histories:
        ka.plots.training_figure(histories, task.folder / "training.png")
    exported = None
    if export is not None:
        exported = serving.export(done[-1], task.config.rows[-1], export, figures, called)
    return Outcome(task, done, figures, scores, table, called, time.monotonic() - start, exported)


def versions() -> dict[str, str]:
    """Name -> version of what figures may depend on."""
    import tensorflow as tf

    return {
        "keras_amid": ka.__version__,
        "Keras": f"{keras.__version__} on {keras.backend.backend()}",
        "TensorFlow": tf.__version__,
        "Python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }


def _listed(value):
    return list(value) if isinstance(value, tuple) else value
