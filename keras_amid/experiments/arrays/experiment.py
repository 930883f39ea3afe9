"""Training on arrays in memory."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_amid as ka
from keras_amid.data import EpochShuffle
from keras_amid.experiments import rows
from keras_amid.experiments.arrays.curve import TestCurve
from keras_amid.experiments.arrays.order import mixed_order
from keras_amid.experiments.config import Config
from keras_amid.experiments.epoch_log import EpochLog
from keras_amid.experiments.experiment import Experiment
from keras_amid.experiments.optimizers import adamw
from keras_amid.experiments.rows import Settings

# Samples of a prediction, so that one shape is compiled where it divides the sizes of the splits.
_PREDICTION_BATCH = 40


class ArrayExperiment(Experiment):
    """An experiment whose data are arrays in memory; see `Experiment`.

    Args:
        config: its numbers.
        seed: of the data, the initial weights and the order of the samples.
        arrays: "<split> <modality>" -> array (samples, ...), and "<split> y" -> integers
            (samples,), for the splits "train", "validation" and "test"; of "train" they may be -1,
            which says that a sample has no label.
        networks: function of `with_auxiliary`, see `Experiment.extractors`.
        num_classes: of the data.
        evaluation_batch: samples at a time in evaluating.
        tuning: True: the test split is not there.
        steps: training steps an epoch, of batches of `mixed_order`; None: an epoch is one pass.
        class_names: of the export, or None.
        **settings: more of the `rows.Settings`.
    """

    train_labels: np.ndarray

    def __init__(
        self,
        config: Config,
        seed: int,
        arrays: Mapping[str, np.ndarray],
        networks: Callable[[bool], tuple[dict, dict]],
        *,
        num_classes: int,
        evaluation_batch: int,
        tuning: bool = False,
        steps: int | None = None,
        class_names: Sequence[str] | None = None,
        **settings: Any,
    ):
        super().__init__(config, seed)
        self.arrays, self.networks, self.further = dict(arrays), networks, settings
        self.num_classes, self.class_names = num_classes, class_names
        self.evaluation_batch, self.tuning, self._steps = evaluation_batch, tuning, steps
        self.train_labels = self.arrays["train y"]
        self.labelled = self.train_labels >= 0
        # A sample without a label is no hit of a retrieval, and no miss.
        self.retrieval = bool(self.labelled.all())

    def split(self, name: str, modalities: Sequence[str]) -> tuple[dict, np.ndarray]:
        """x and y of "train", "validation" or "test"."""
        x = {modality: self.arrays[f"{name} {modality}"] for modality in modalities}
        return x, self.arrays[f"{name} y"]

    def extractors(self, with_auxiliary: bool = True) -> tuple[dict, dict]:
        """What `networks` makes."""
        return self.networks(with_auxiliary)

    def settings(self) -> Settings:
        """What the rows take from the data."""
        return self.config.row_settings(
            self.num_classes,
            self.train_labels,
            semi_supervised=not self.labelled.all(),
            **self.further,
        )

    def optimizer(self, rate: float, decay: float) -> keras.optimizers.Optimizer:
        """AdamW, the rate going to 0 by a cosine; weight decay on kernels only."""
        return adamw(rate, decay, self.config.epochs * self.steps)

    @property
    def steps(self) -> int:
        """Training steps an epoch."""
        return self._steps or -(-len(self.train_labels) // self.config.batch)

    def named_by(self, teacher: ka.Distiller) -> ArrayExperiment:
        """See `Experiment.named_by`."""
        if self.labelled.all():
            return self
        x, y = self.split("train", rows.modalities(teacher))
        network: Any = teacher.teacher
        logits = network.predict(x, _PREDICTION_BATCH, verbose=0)["logits"]
        named = copy.copy(self)
        named.train_labels = np.where(self.labelled, y, logits.argmax(axis=1)).astype(y.dtype)
        named.arrays = {**self.arrays, "train y": named.train_labels}
        return named

    def fit(
        self,
        model: ka.Distiller,
        callbacks: list[keras.callbacks.Callback],
        folder: Path,
        partners: Mapping[str, np.ndarray] | None = None,
    ) -> dict[str, list[float]]:
        """A few seconds, so there are no backups. Reported runs log validation and test curves."""
        names, curve = rows.modalities(model), None
        options: dict[str, Any] = {}
        if not self.tuning:
            options["validation_data"] = self.split("validation", names)
            options["validation_batch_size"] = self.evaluation_batch
            curve = TestCurve(*self.split("test", names), self.evaluation_batch)
            callbacks = [*callbacks, curve, EpochLog(folder / "history.csv")]
        x, y = self.split("train", names)
        x |= {name: x[name][places] for name, places in (partners or {}).items()}
        x["index"] = np.arange(len(y), dtype="int32")
        if self._steps is not None:
            # One array from the first batch to the last: no Python between the steps.
            order = self._order().reshape(-1)
            x, y = {name: values[order] for name, values in x.items()}, y[order]
            options |= {"shuffle": False, "steps_per_epoch": self._steps}
        history = model.fit(
            x, y, batch_size=self.config.batch, epochs=self.config.epochs, verbose=0,
            callbacks=callbacks, **options,
        ).history  # fmt: skip
        history = {name: [float(value) for value in values] for name, values in history.items()}
        return history | (curve.history() if curve else {})

    def _order(self):
        steps = self.config.epochs * self.steps
        return mixed_order(self.labelled, self.config.batch, steps, self.seed)

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
