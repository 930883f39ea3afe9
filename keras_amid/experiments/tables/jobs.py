"""The jobs of `tables.py`: preparing a seed's data, and one training run with its figures.

A finished run is one JSON file, named by a hash of its settings and written atomically.
"""

import dataclasses
import gc
import hashlib
import json
import logging
import os
import time

import keras

from keras_amid.experiments import rows as methods
from keras_amid.experiments import training as comparison


@dataclasses.dataclass(frozen=True)
class Prepare:
    """Puts one seed's data on disk; see `task.Task.prepare`."""

    seed: int
    tuning: bool

    @property
    def name(self):
        """What a message calls it."""
        return f"data of {'tuning ' if self.tuning else ''}seed {self.seed}"

    def execute(self, task, folder):
        """Does it; returns at once where it is done."""
        del folder
        task.prepare(self.seed, self.tuning)


@dataclasses.dataclass(frozen=True)
class Run:
    """One training run.

    Attributes:
        row: name in `methods.ROWS`.
        seed: int.
        tuning: bool: validation figures of a seed that is tuned on, or test figures.
        rate, decay: floats, of the main optimizer.
        scale: float, of a compared method's own weight.
        variant: str, of the task.
        changed: tuple of (name of one of the `methods.Settings`, value).
        teacher: name of the run whose weights are the fixed teacher's, or None.
    """

    row: str
    seed: int
    tuning: bool
    rate: float
    decay: float
    scale: float = 1.0
    variant: str = ""
    changed: tuple = ()
    teacher: str | None = None

    @property
    def name(self):
        """What a message calls it."""
        changed = "".join(f", {name}={value:g}" for name, value in self.changed)
        kind = "trial" if self.tuning else "run"
        return (
            f"{kind} of {self.row!r}, seed {self.seed}, rate {self.rate:.2g}, "
            f"decay {self.decay:.2g}, scale {self.scale:.2g}{changed}"
            + (f", {self.variant}" if self.variant else "")
        )

    def settings(self, task):
        """dict of JSON values that the run depends on."""
        own = json.loads(json.dumps(dataclasses.asdict(self)))
        return own | {
            "data": task.name, "epochs": task.epochs, "smoke": task.smoke,
            "backend": keras.backend.backend(),
        }  # fmt: skip

    def key(self, task):
        """str, which names the run's files."""
        text = json.dumps(self.settings(task), sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        slug = "".join(c if c.isalnum() else "-" for c in self.row.lower())
        return f"{slug}/{'tuning-' if self.tuning else ''}seed-{self.seed}-{digest}"

    def result(self, task, folder):
        """What the finished run left, or None.

        A file that is cut off, or not this run's, counts as none, and so does a teacher without
        its weights.
        """
        path = folder / f"{self.key(task)}.json"
        try:
            result = json.loads(path.read_text())
            whole = result["settings"] == self.settings(task) and "figures" in result
        except (OSError, ValueError, KeyError, TypeError):
            return None
        lacks_weights = self.row == methods.TEACHER and not _weights(path).exists()
        return result if whole and not lacks_weights else None

    def execute(self, task, folder):
        """Trains and measures, and writes the result; a finished run is left as it is."""
        if self.result(task, folder) is not None:
            return
        start, start_cpu = time.monotonic(), time.process_time()
        path = folder / f"{self.key(task)}.json"
        keras.utils.set_random_seed(self.seed)
        experiment = task.open(self.seed, self.tuning, self.variant or next(iter(task.variants)))
        model, callbacks = self._model(experiment, folder)
        history = experiment.fit(model, callbacks, path.with_suffix(""))
        figures = experiment.validate(model) if self.tuning else experiment.measure(model)
        if self.row == methods.TEACHER:
            _save_weights(model, _weights(path))
            # Its student is one that was never taught.
            figures = {name: v for name, v in figures.items() if name.startswith("teacher")}
        result = {
            "settings": self.settings(task),
            "figures": figures,
            "history": {} if self.tuning else history,
            "seconds": time.monotonic() - start,
            "cpu_seconds": time.process_time() - start_cpu,
        }
        comparison.write_json(path, result)
        del model
        keras.utils.clear_session()
        gc.collect()

    def _model(self, experiment, folder):
        settings = dataclasses.replace(
            experiment.settings(), weight_scale=self.scale, **dict(self.changed)
        )
        if self.teacher is not None:
            teacher, _ = methods.build(methods.TEACHER, *experiment.extractors(), settings)
            teacher.load_weights(_weights(folder / f"{self.teacher}.json"))
            settings = dataclasses.replace(settings, fixed_teacher=teacher)
        model, callbacks = methods.build(self.row, *experiment.extractors(), settings)
        methods.compile_model(
            model,
            lambda: experiment.optimizer(self.rate, self.decay),
            experiment.discriminator_rate,
        )
        return model, callbacks


def _weights(path):
    return path.with_suffix(".weights.h5")


def _save_weights(model, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"part-{os.getpid()}-{path.name}")
    model.save_weights(temporary)
    os.replace(temporary, path)


def execute(job, task, folder):
    """Executes a job; a function, so that other processes can be given it."""
    # TensorFlow's warnings of functions traced for a second batch size.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    job.execute(task, folder)
