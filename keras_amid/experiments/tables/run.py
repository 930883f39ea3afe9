"""The job of one training run with its figures: one JSON file, named by a hash of its settings."""

from __future__ import annotations

import dataclasses
import gc
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import keras

from keras_amid.data.storage.files import write_json
from keras_amid.experiments import rows, runs
from keras_amid.experiments.epoch_backup import save_weights
from keras_amid.experiments.experiment import Experiment
from keras_amid.experiments.task import Task


@dataclasses.dataclass(frozen=True)
class Run:
    """One training run.

    Attributes:
        row: name.
        seed: see `Task.prepare`.
        tuning: validation figures of a seed that is tuned on, or test figures.
        rate, decay: of the main optimizer.
        scale: of a compared method's own weight.
        variant: of the task.
        changed: pairs of the name of one of the `rows.Settings` and its value.
        teacher: key of the run whose weights are the fixed teacher's, or None.
    """

    row: str
    seed: int
    tuning: bool
    rate: float
    decay: float
    scale: float = 1.0
    variant: str = ""
    changed: tuple[tuple[str, Any], ...] = ()
    teacher: str | None = None

    @property
    def name(self) -> str:
        """What a message calls it."""
        changed = "".join(f", {name}={value:g}" for name, value in self.changed)
        kind = "trial" if self.tuning else "run"
        return (
            f"{kind} of {self.row!r}, seed {self.seed}, rate {self.rate:.2g}, "
            f"decay {self.decay:.2g}, scale {self.scale:.2g}{changed}"
            + (f", {self.variant}" if self.variant else "")
        )

    def settings(self, task: Task) -> dict[str, Any]:
        """What the run depends on, as values of JSON."""
        settings = dataclasses.asdict(self) | {
            "data": task.name,
            "config": task.config.recorded(),
            "definition": dataclasses.asdict(task.config.row(self.row)),
            "backend": keras.backend.backend(),
        }
        return json.loads(json.dumps(settings, default=str))

    def key(self, task: Task) -> str:
        """Names the run's files."""
        text = json.dumps(self.settings(task), sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        slug = "".join(c if c.isalnum() else "-" for c in self.row.lower())
        return f"{slug}/{'tuning-' if self.tuning else ''}seed-{self.seed}-{digest}"

    def result(self, task: Task, folder: Path) -> dict[str, Any] | None:
        """What the finished run left, or None.

        A file that is cut off, or not this run's, counts as none, and so does a teacher without
        its weights.
        """
        path = folder / f"{self.key(task)}.json"
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
            whole = result["settings"] == self.settings(task) and "figures" in result
        except (OSError, ValueError, KeyError, TypeError):
            return None
        lacks_weights = self.row == rows.TEACHER and not _weights(path).exists()
        return result if whole and not lacks_weights else None

    def execute(self, task: Task, folder: Path) -> None:
        """Trains and measures, and writes the result; a finished run is left as it is."""
        if self.result(task, folder) is not None:
            return
        start, start_cpu = time.monotonic(), time.process_time()
        path = folder / f"{self.key(task)}.json"
        experiment = task.open(self.seed, self.tuning, self.variant or next(iter(task.variants)))
        keras.utils.set_random_seed(experiment.seed)
        experiment, model, callbacks = self._model(experiment, folder)
        history = runs.fit(experiment, self.row, model, callbacks, path.with_suffix(""))
        if self.row == rows.TEACHER:
            save_weights(model, _weights(path))
        figures = experiment.validate(model) if self.tuning else experiment.measure(model)
        result = {
            "settings": self.settings(task),
            "figures": runs.taught(task.config.row(self.row), figures),
            "history": {} if self.tuning else history,
            "seconds": time.monotonic() - start,
            "cpu_seconds": time.process_time() - start_cpu,
        }
        write_json(path, result)
        del model
        keras.utils.clear_session()
        gc.collect()

    def _model(self, experiment: Experiment, folder: Path):
        changed = {"weight_scale": self.scale, **dict(self.changed)}
        if self.teacher is not None:
            settings = dataclasses.replace(experiment.settings(), **changed)
            teacher, _ = rows.build(rows.TEACHER, *experiment.extractors(), settings)
            teacher.load_weights(_weights(folder / f"{self.teacher}.json"))
            experiment, given = runs.taught_by(experiment, self.row, teacher)
            changed |= given
        return experiment, *runs.build(experiment, self.row, self.rate, self.decay, **changed)


def _weights(path):
    return path.with_suffix(".weights.h5")
