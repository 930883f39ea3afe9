"""A world trained on from its arrays: what `tables.py` runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_amid as ka
from keras_amid.data import EpochShuffle, RippleTank
from keras_amid.experiments import rows
from keras_amid.experiments.experiment import Experiment
from keras_amid.experiments.ripple_tank import networks
from keras_amid.experiments.ripple_tank.config import RippleTankConfig
from keras_amid.experiments.ripple_tank.curve import TestCurve
from keras_amid.experiments.rows import Settings

# Samples of a prediction; it divides the sizes of training and test split, so that one shape is
# compiled.
_PREDICTION_BATCH = 40


class ArrayExperiment(Experiment):
    """A world trained on from its arrays; see `Experiment`. Its seed is the world's.

    Args:
        config: its numbers.
        seed: of the world.
        path: of the arrays.
        tuning: True: the test split is not there.
        auxiliary: names of "audio" and "text".
    """

    config: RippleTankConfig

    def __init__(
        self,
        config: RippleTankConfig,
        seed: int,
        path: Path,
        tuning: bool,
        auxiliary: tuple[str, ...],
    ):
        super().__init__(config, seed)
        self.tuning, self.auxiliary = tuning, auxiliary
        with np.load(path) as arrays:
            self.arrays = {name: arrays[name] for name in arrays.files}
        self.num_classes = len(RippleTank.class_names)
        self.train_labels = self.arrays["train y"]

    def split(self, name: str, modalities: Sequence[str]) -> tuple[dict, np.ndarray]:
        """x and y of "train", "validation" or "test"."""
        x = {modality: self.arrays[f"{name} {modality}"] for modality in modalities}
        return x, self.arrays[f"{name} y"]

    def extractors(self, with_auxiliary: bool = True) -> tuple[dict, dict]:
        """The clip's network from its cells on, and the auxiliary ones."""
        clip = ka.extractors.clip_mlp()
        target = {"video": keras.Model(clip.get_layer("cells").output, clip.outputs[0])}
        names, auxiliary = self.auxiliary if with_auxiliary else (), {}
        if "audio" in names:
            size = self.arrays["train audio"].shape[1]
            auxiliary["audio"] = keras.Sequential([keras.Input((size,)), keras.layers.Identity()])
        if "text" in names:
            words = RippleTank.vocabulary
            auxiliary["text"] = ka.extractors.text_mlp(words.size, words.length)
        return target, auxiliary

    def settings(self) -> Settings:
        """The caption's network is not pre-trained, so it learns here."""
        return self.config.row_settings(
            self.num_classes,
            self.train_labels,
            projection=True,
            train_auxiliary="text" in self.auxiliary,
        )

    def optimizer(self, rate: float, decay: float) -> keras.optimizers.Optimizer:
        """AdamW, cosine to 0."""
        steps = self.config.epochs * -(-len(self.train_labels) // self.config.batch)
        return networks.adamw(rate, decay, steps)

    def fit(
        self,
        model: ka.Distiller,
        callbacks: list[keras.callbacks.Callback],
        folder: Path,
        partners: Mapping[str, np.ndarray] | None = None,
    ) -> dict[str, list[float]]:
        """A few seconds, so there are no backups. Reported runs log validation and test curves."""
        del folder
        config, names = self.config, rows.modalities(model)
        options: dict[str, Any] = {}
        curve = None
        if not self.tuning:
            options["validation_data"] = self.split("validation", names)
            options["validation_batch_size"] = config.evaluation_batch
            curve = TestCurve(*self.split("test", names), config.evaluation_batch)
            callbacks = [*callbacks, curve]
        x, y = self.split("train", names)
        x |= {name: x[name][places] for name, places in (partners or {}).items()}
        x["index"] = np.arange(len(y), dtype="int32")
        history = model.fit(
            x, y, batch_size=config.batch, epochs=config.epochs, verbose=0, callbacks=callbacks,
            **options,
        ).history  # fmt: skip
        history = {name: [float(value) for value in values] for name, values in history.items()}
        return history | (curve.history() if curve else {})

    def batches(
        self,
        split: str,
        modalities: Sequence[str],
        shuffle: EpochShuffle | None = None,
        partners: Mapping[str, np.ndarray] | None = None,
    ) -> Iterator[tuple[dict, np.ndarray]]:
        """Batches in order, to measure with."""
        del shuffle, partners  # `fit` has the arrays, and shuffles them
        x, y = self.split(split, modalities)
        x["index"] = np.arange(len(y))
        for start in range(0, len(y), _PREDICTION_BATCH):
            part = slice(start, start + _PREDICTION_BATCH)
            yield {name: values[part] for name, values in x.items()}, y[part]
