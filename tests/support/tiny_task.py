"""A data set of a few numbers for recipes and `tables.py`, as a user's own would be."""

import keras
import numpy as np

from keras_amid.experiments import Config, Experiment, Task

#: What was asked of the task in this process: (what, seed, tuning).
CALLS = []
#: Seeds whose data cannot be prepared, and number of runs after which one is cut off.
BROKEN, CUT_AFTER = set(), []

#: CONFIG of a recipe.
VALUES = dict(
    name="tiny",
    title="Tiny data",
    batch=6,
    epochs=2,
    warmup_epochs=0,
    representation_dim=4,
    rate=1e-2,
    decay=1e-3,
    discriminator_rate=1e-3,
    rates=(1e-3, 1e-1),
    decays=(1e-3, 1e-1),
)


class TinyTask(Task):
    @property
    def variants(self):
        return {"sound": ("audio",)}

    @property
    def given(self):
        return None

    @property
    def reference(self):
        return {"AMID": {"student top-1": (50.0, 1.0)}}

    def prepare(self, seed, tuning):
        CALLS.append(("prepare", seed, tuning))
        if seed in BROKEN:
            raise ValueError(f"no data of seed {seed}")

    def open(self, seed, tuning, variant):
        CALLS.append(("open", seed, tuning))
        if CUT_AFTER and sum(call[0] == "open" for call in CALLS) > CUT_AFTER[0]:
            raise KeyboardInterrupt
        return QuickExperiment(self.config, seed)

    def open_case(self, case):
        return TinyExperiment(self.config, case.seed)


class TinyExperiment(Experiment):
    """Twelve samples for every split."""

    num_classes = 3
    sizes = {"video": 5, "audio": 4}

    def __init__(self, config, seed):
        super().__init__(config, seed)
        rng = np.random.default_rng(seed)
        self.x = {m: rng.normal(size=(12, n)).astype("float32") for m, n in self.sizes.items()}
        self.train_labels = rng.integers(0, 3, 12)

    def extractors(self, with_auxiliary=True):
        video, audio = (
            keras.Sequential([keras.Input((size,)), keras.layers.Dense(4)])
            for size in self.sizes.values()
        )
        return {"video": video}, {"audio": audio} if with_auxiliary else {}

    def optimizer(self, rate, decay):
        return keras.optimizers.SGD(rate, weight_decay=decay)

    def batches(self, split, modalities, shuffle=None, partners=None):
        import tensorflow as tf

        x = {name: self.x[name] for name in modalities} | {"index": np.arange(12)}
        x |= {name: x[name][places] for name, places in (partners or {}).items()}
        samples = tf.data.Dataset.from_tensor_slices((x, self.train_labels))
        return (samples if shuffle is None else shuffle.apply(samples, 12)).batch(6)


class QuickExperiment(TinyExperiment):
    """The same, trained the quickest way to the first steps."""

    def fit(self, model, callbacks, folder):
        model.run_eagerly = keras.backend.backend() == "tensorflow"
        model.jit_compile = keras.backend.backend() == "jax"
        x = self.x | {"index": np.arange(12)}
        if not model.auxiliary_extractors:
            del x["audio"]
        return model.fit(
            x, self.train_labels, batch_size=6, epochs=self.config.epochs, verbose=0,
            callbacks=callbacks,
        ).history  # fmt: skip

    def validate(self, model):
        CALLS.append(("validate", self.seed, None))
        return super().validate(model)

    def measure(self, model):
        CALLS.append(("measure", self.seed, None))
        return super().measure(model)


def make_task(folder, **changed):
    """The task, without a recipe's file."""
    return TinyTask(Config.of({**VALUES, **changed}), folder)
