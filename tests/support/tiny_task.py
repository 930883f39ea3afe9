"""A data set of a few numbers for `recipes/tables.py`, plugged in as a user's own would be."""

import keras
import numpy as np

import keras_amid as ka
from keras_amid.experiments.rows import Settings
from keras_amid.experiments.task import Experiment, Task

#: What was asked of the task in this process: (what, seed, tuning).
CALLS = []
#: Seeds whose data cannot be prepared, and number of runs after which one is cut off.
BROKEN, CUT_AFTER = set(), []


class TinyTask(Task):
    name, title = "tiny", "Tiny data"
    epochs = 2
    variants = {"sound": ("audio",)}
    rates, decays = (1e-3, 1e-1), (1e-3, 1e-1)
    reference = {"AMID": {"student top-1": (50.0, 1.0)}}

    def prepare(self, seed, tuning):
        CALLS.append(("prepare", seed, tuning))
        if seed in BROKEN:
            raise ValueError(f"no data of seed {seed}")

    def open(self, seed, tuning, variant):
        CALLS.append(("open", seed, tuning))
        if CUT_AFTER and sum(call[0] == "open" for call in CALLS) > CUT_AFTER[0]:
            raise KeyboardInterrupt
        return TinyExperiment(seed, self.epochs)


class TinyExperiment(Experiment):
    discriminator_rate = 1e-3

    def __init__(self, seed, epochs):
        rng = np.random.default_rng(seed)
        self.seed, self.epochs = seed, epochs
        self.x = {m: rng.normal(size=(12, n)).astype("float32") for m, n in self.sizes.items()}
        self.y = rng.integers(0, 3, 12)

    sizes = {"video": 5, "audio": 4}

    def extractors(self):
        video, audio = (
            keras.Sequential([keras.Input((size,)), keras.layers.Dense(4)])
            for size in self.sizes.values()
        )
        return {"video": video}, {"audio": audio}

    def settings(self):
        return Settings(3, 4, warmup_epochs=1, train_labels=self.y)

    def optimizer(self, rate, decay):
        return keras.optimizers.SGD(rate, weight_decay=decay)

    def fit(self, model, callbacks, folder):
        # The quickest way to the first steps.
        model.run_eagerly = keras.backend.backend() == "tensorflow"
        model.jit_compile = keras.backend.backend() == "jax"
        x = self.x | {"index": np.arange(12)}
        return model.fit(
            x, self.y, batch_size=6, epochs=self.epochs, verbose=0, callbacks=callbacks
        ).history

    def validate(self, model):
        CALLS.append(("validate", self.seed, None))
        return self._figures(model)

    def measure(self, model):
        CALLS.append(("measure", self.seed, None))
        figures = self._figures(model)
        shares = ka.per_class_accuracy(self.y, model.predict(self.x, verbose=0), 3)
        return figures | {"per class": [None if np.isnan(v) else 100 * v for v in shares.tolist()]}

    def _figures(self, model):
        logs = model.evaluate(self.x, self.y, batch_size=6, verbose=0, return_dict=True)
        names = {"student top-1": "student_accuracy", "teacher top-1": "teacher_accuracy"}
        return {name: 100 * float(logs[log]) for name, log in names.items() if log in logs}
