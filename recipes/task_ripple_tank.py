"""The ripple tank as `tables.py` runs it: its worlds as arrays, computed once from their media.

The sound extractor is frozen, so what it makes of a sound never changes; nor do the mean levels
of a clip's cells, the part of `ka.extractors.clip_mlp` that has no weights. Both are computed once
a world, from the decoded media and by the extractors' own layers, and every run starts there.
"""

import os

import keras
import numpy as np
import ripple_tank as recipe

import keras_amid as ka
from keras_amid.data import ripple_tank
from keras_amid.experiments.rows import Settings
from keras_amid.experiments.task import Experiment, Task

# Samples a step: each divides the sizes of the splits it is for, so that one shape is compiled.
EVALUATION_BATCH = 200
PREDICTION_BATCH = 40

# Mean and standard error over 16 seeds; where it gives no error, that of its AMID row.
_REFERENCE = {
    "student alone": {"student top-1": (22.7, 1.1), "student R@1": (22.1, 1.0)},
    "teacher alone": {"teacher top-1": (45.8, 0.9)},
    "MIs": {"student top-1": (29.8, 0.8), "teacher top-1": (38.1, 0.9), "student R@1": (30.2, 0.7)},
    "MIs+MIa": {
        "student top-1": (39.6, 0.8), "teacher top-1": (57.0, 0.7), "student R@1": (40.2, 0.8),
    },
    "AMID": {
        "student top-1": (41.6, 0.8), "teacher top-1": (59.1, 0.6), "student R@1": (41.7, 0.7),
    },
    "AMID with NCE": {
        "student top-1": (42.3, 0.8), "teacher top-1": (59.2, 0.6), "student R@1": (42.8, 0.8),
    },
    "no D2": {"student top-1": (41.5, 0.8), "teacher top-1": (58.9, 0.6)},
    "uniform lambda": {"student top-1": (41.7, 0.8), "teacher top-1": (59.2, 0.6)},
    "no warm-up": {"student top-1": (44.3, 0.9), "teacher top-1": (60.8, 0.6)},
    "fixed teacher": {"student top-1": (36.6, 0.9), "student R@1": (36.0, 0.8)},
    "M detached": {"student top-1": (52.0, 0.7), "teacher top-1": (71.1, 0.6)},
}  # fmt: skip


class RippleTank(Task):
    """The ripple tank; see `task.Task`. A seed is a world, and seeds its training."""

    name, title = "ripple_tank", "Ripple tank"
    epochs = recipe.EPOCHS
    class_names = ripple_tank.RippleTank.class_names
    variants = {"sound": ("audio",), "caption": ("text",), "sound and caption": ("audio", "text")}
    rates, decays = (1.5e-3, 8e-3), (0.5, 8.0)
    reference = _REFERENCE
    reference_note = (
        "The reference is an earlier, independent implementation (16 other seeds, perceptrons on "
        "the generated values themselves, 8,000 sounds to pre-train on, PyTorch's default "
        "initialisation, one learning rate and weight decay for all rows but the student alone, "
        "which was tuned). Here everything is decoded from media files, 2,000 sounds stand "
        "behind the auxiliary extractor, initial weights are Keras's, and every row is tuned, by "
        "its student's figure: three reasons for teachers, and a student of a fixed one, to lie "
        "lower here."
    )

    def __init__(self, folder, epochs=None, smoke=False):
        super().__init__(folder, epochs or (3 if smoke else None), smoke)
        if self.smoke or self.epochs != recipe.EPOCHS:
            self.reference = {}  # which has another number of epochs

    def prepare(self, seed, tuning):
        """Media, records, the sound extractor's pre-training, and the arrays."""
        arrays = self._arrays(seed)
        if arrays.exists():
            return
        sizes = dict(recipe.SMOKE if self.smoke else recipe.FULL)
        if tuning:  # there is no test split to read
            sizes["test"] = 0
        tank = ripple_tank.prepare(
            arrays.parent / "data", seed=seed, **sizes, workers=1, progress=False
        )
        keras.utils.set_random_seed(seed)
        sound = recipe.sound_extractor(tank, epochs=2 if self.smoke else recipe.SOUND_EPOCHS)
        clip = ka.extractors.clip_mlp()
        cells = keras.Model(clip.input, clip.get_layer("cells").output)
        values = {}
        for split in (split for split in tank.counts if split != "sounds"):
            batches = tank.pipeline(split, 200, ("video", "audio", "text"), cache=False)
            parts = [
                {
                    "video": keras.ops.convert_to_numpy(cells(x["video"])),
                    "audio": keras.ops.convert_to_numpy(sound(x["audio"])),
                    "text": x["text"],
                    "y": y,
                }
                for x, y in batches.as_numpy_iterator()
            ]
            values |= {
                f"{split} {name}": np.concatenate([part[name] for part in parts])
                for name in parts[0]
            }
        temporary = arrays.with_name(f"part-{os.getpid()}-{arrays.name}")
        np.savez(temporary, **values)
        os.replace(temporary, arrays)

    def open(self, seed, tuning, variant):
        """See `Task.open`."""
        return World(self._arrays(seed), self.epochs, tuning, self.variants[variant])

    def _arrays(self, seed):
        return self.folder / ("smoke" if self.smoke else "full") / f"seed-{seed}" / "arrays.npz"


class World(Experiment):
    """One world's arrays; see `task.Experiment`.

    Args:
        path: `Path` of the arrays.
        epochs: int.
        tuning: bool; True: the test split is not there.
        auxiliary: tuple of "audio" and "text".
    """

    discriminator_rate = recipe.DISCRIMINATOR_RATE

    def __init__(self, path, epochs, tuning, auxiliary):
        self.epochs, self.tuning, self.auxiliary = epochs, tuning, auxiliary
        with np.load(path) as arrays:
            self.arrays = {name: arrays[name] for name in arrays.files}
        self.vocabulary = ripple_tank.RippleTank.vocabulary
        self.num_classes = len(ripple_tank.RippleTank.class_names)

    def split(self, name):
        """x and y of "train", "validation" or "test"; with x["index"] in training."""
        x = {m: self.arrays[f"{name} {m}"] for m in ("video", *self.auxiliary)}
        y = self.arrays[f"{name} y"]
        return (x | {"index": np.arange(len(y), dtype="int32")} if name == "train" else x), y

    def extractors(self):
        """The clip's network from its cells on, and the auxiliary ones."""
        clip = ka.extractors.clip_mlp()
        target = {"video": keras.Model(clip.get_layer("cells").output, clip.outputs[0])}
        auxiliary = {}
        if "audio" in self.auxiliary:
            size = self.arrays["train audio"].shape[1]
            auxiliary["audio"] = keras.Sequential([keras.Input((size,)), keras.layers.Identity()])
        if "text" in self.auxiliary:
            words = self.vocabulary
            auxiliary["text"] = ka.extractors.text_mlp(words.size, words.length)
        return target, auxiliary

    def settings(self):
        """As in `ripple_tank.py`; the caption's network, not pre-trained, learns here."""
        return Settings(
            num_classes=self.num_classes,
            representation_dim=recipe.REPRESENTATION_DIM,
            projection=True,
            train_auxiliary="text" in self.auxiliary,
            warmup_epochs=min(recipe.WARMUP_EPOCHS, self.epochs // 4),
            train_labels=self.arrays["train y"],
        )

    def optimizer(self, rate, decay):
        """AdamW, cosine to 0."""
        steps = self.epochs * -(-len(self.arrays["train y"]) // recipe.BATCH)
        return recipe.adamw(rate, decay, steps)

    def fit(self, model, callbacks, folder):
        """A few seconds, so there are no backups. Reported runs log validation and test curves."""
        del folder
        x, y = self.split("train")
        options = {}
        curve = None
        if not self.tuning:
            options["validation_data"] = self.split("validation")
            options["validation_batch_size"] = EVALUATION_BATCH
            curve = TestCurve(*self.split("test"))
            callbacks = [*callbacks, curve]
        history = model.fit(
            x, y, batch_size=recipe.BATCH, epochs=self.epochs, verbose=0, callbacks=callbacks,
            **options,
        ).history  # fmt: skip
        history = {name: [float(value) for value in values] for name, values in history.items()}
        return history | (curve.history() if curve else {})

    def validate(self, model):
        """Accuracy on the validation clips."""
        return self._accuracies(model, "validation")

    def measure(self, model):
        """Accuracy, per class too, and retrieval on the test clips, with the last weights."""
        figures = self._accuracies(model, "test")
        if "student top-1" not in figures:
            return figures
        sides = {}
        for split in ("test", "train"):
            x, y = self.split(split)
            clips = {"video": x["video"]}
            sides[split] = (model.student.predict(clips, PREDICTION_BATCH, verbose=0), y)
        (test, y), (train, train_y) = sides["test"], sides["train"]
        representations = test["representation"], y, train["representation"], train_y
        found = ka.recall_at_k(*representations, k=(1, 5))
        figures |= {f"student R@{k}": 100 * value for k, value in found.items()}
        classes = (y, test["probabilities"], self.num_classes)
        accuracies = ka.weighted_and_unweighted_accuracy(*classes)
        figures |= {f"student {name}": 100 * value for name, value in accuracies.items()}
        per_class = 100 * ka.per_class_accuracy(*classes)
        figures["per class"] = [None if np.isnan(value) else value for value in per_class.tolist()]
        return figures

    def _accuracies(self, model, split):
        logs = model.evaluate(
            *self.split(split), batch_size=EVALUATION_BATCH, verbose=0, return_dict=True
        )
        return {
            f"{part} top-1": 100 * float(logs[f"{part}_accuracy"])
            for part in ("student", "teacher")
            if f"{part}_accuracy" in logs
        }


class TestCurve(keras.callbacks.Callback):
    """Evaluates on test data after every epoch, for the figures only: nothing is chosen by it.

    Args:
        x, y: as of `keras.Model.evaluate`.
    """

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y, self.logs = x, y, []

    def on_epoch_end(self, epoch, logs=None):
        """Evaluates."""
        self.logs.append(
            self.model.evaluate(
                self.x, self.y, batch_size=EVALUATION_BATCH, verbose=0, return_dict=True
            )
        )

    def history(self):
        """dict, "test_" and the name of a log -> one float an epoch."""
        names = ("student_accuracy", "teacher_accuracy", "class_cosine")
        return {
            f"test_{name}": [float(logs[name]) for logs in self.logs]
            for name in names
            if self.logs and name in self.logs[0]
        }
