"""One seed's data and networks: what a data set defines so that rows can be trained on it."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_amid as ka
from keras_amid.data import EpochShuffle, shuffled_pairs
from keras_amid.experiments import rows, training
from keras_amid.experiments.config import Config
from keras_amid.experiments.measuring import measure
from keras_amid.experiments.rows import Settings
from keras_amid.experiments.tensorboard_log import TensorBoardLog


class Experiment(abc.ABC):
    """One seed's data and networks. A data set defines `extractors` and `batches`; the rest are
    the usual choices, which it may override.

    Args:
        config: its numbers.
        seed: of the initial weights and of the order of the samples.

    Attributes:
        num_classes: int.
        train_labels: integers (samples,), in the order of x["index"].
        class_names: of the export, or None.
        progress: whether measuring shows how far it is.
        retrieval: whether representations are also measured by retrieval in the training data.
    """

    num_classes: int
    train_labels: Sequence[int] | np.ndarray
    class_names: Sequence[str] | None = None
    progress = False
    retrieval = True

    def __init__(self, config: Config, seed: int):
        self.config, self.seed = config, seed

    @abc.abstractmethod
    def extractors(self, with_auxiliary: bool = True) -> tuple[dict, dict]:
        """Makes extractors, fresh ones with every call.

        Args:
            with_auxiliary: whether the row uses the auxiliary ones.

        Returns:
            Two dicts, target modality -> extractor, and auxiliary modality -> extractor (empty
            unless `with_auxiliary`).
        """

    @abc.abstractmethod
    def batches(
        self,
        split: str,
        modalities: Sequence[str],
        shuffle: EpochShuffle | None = None,
        partners: Mapping[str, np.ndarray] | None = None,
    ) -> Iterable:
        """Batches (x, y) of numbers or tensors; `x["index"]` is the number of each sample.

        Args:
            split: "train", "validation" or "test". There may be no validation split; then nothing
                can be tuned.
            modalities: names.
            shuffle: None: every sample in order, none left out; else in the order of training,
                whole batches only (one shape compiles, and the contrastive terms see as many).
            partners: of the split "train": modality -> the number of the sample from which each
                sample takes this modality. It may be left out of the signature: then no row of
                `Row.shuffled` can be trained.
        """

    def watched(self, modalities: Sequence[str]) -> Iterable | None:
        """Validation data whose figures are logged after every epoch, without x["index"], which
        numbers the training samples; None: there are none."""
        del modalities
        return None

    def settings(self) -> Settings:
        """What the rows take from the data."""
        return self.config.row_settings(self.num_classes, self.train_labels)

    def optimizer(self, rate: float, decay: float) -> keras.optimizers.Optimizer:
        """The main optimizer: AdamW, the rate going to 0 by a cosine."""
        schedule = keras.optimizers.schedules.CosineDecay(rate, self.config.epochs * self.steps)
        return keras.optimizers.AdamW(schedule, weight_decay=decay)

    @property
    def steps(self) -> int:
        """Training steps an epoch."""
        return len(self.train_labels) // self.config.batch

    def named_by(self, teacher: ka.Distiller) -> Experiment:
        """This experiment, in which a teacher has named the training samples without a label.

        Args:
            teacher: trained model of the row `rows.TEACHER`.

        Returns:
            The experiment as it is where every sample has a label, as here.

        Raises:
            NotImplementedError: some have none, and the data set does not say how they are named.
        """
        del teacher
        if min(self.train_labels) < 0:
            raise NotImplementedError(f"{type(self).__name__} must define `named_by`.")
        return self

    def partners(self) -> np.ndarray:
        """The training sample whose auxiliary modalities each one has in a row of `Row.shuffled`,
        in the order of x["index"]."""
        return shuffled_pairs(len(self.train_labels), self.seed)

    def fit(
        self,
        model: ka.Distiller,
        callbacks: list[keras.callbacks.Callback],
        folder: Path,
        partners: Mapping[str, np.ndarray] | None = None,
    ) -> dict[str, list[float]]:
        """Trains a compiled model to the last epoch; nothing is chosen by figures.

        Args:
            model: of `rows.build`.
            callbacks: the method's own.
            folder: of this run alone.
            partners: as of `batches`; passed on where there are some.

        Returns:
            Log -> one value an epoch; `val_` names are of the validation split and `test_` names
            of the test split, where they are watched.
        """
        modalities = rows.modalities(model)
        shuffle = EpochShuffle(self.seed)
        if self.config.tensorboard:
            callbacks = [*callbacks, TensorBoardLog(folder / "tensorboard" / "train")]
        return training.fit(
            model,
            self.batches(
                "train", modalities, shuffle, **({"partners": partners} if partners else {})
            ),
            epochs=self.config.epochs,
            folder=folder,
            validation=self.watched(modalities),
            callbacks=[shuffle, *callbacks],
        )

    def validate(self, model: ka.Distiller) -> dict[str, Any]:
        """Figures on the validation split, see `measure`, to tune on."""
        validation = self.batches("validation", rows.modalities(model))
        return measure(model, validation, self.num_classes)

    def measure(self, model: ka.Distiller) -> dict[str, Any]:
        """Figures on the test split, see `measuring.measure`."""
        return measure(
            model,
            self.batches("test", rows.modalities(model)),
            self.num_classes,
            self.batches("train", tuple(model.target_extractors)) if self.retrieval else None,
            self.progress,
        )

    def example(self) -> dict[str, np.ndarray]:
        """A batch of target modalities, to compare an export with the model."""
        names = tuple(self.extractors(with_auxiliary=False)[0])
        batch = next(iter(self.batches("test", names)))[0]
        return {name: np.asarray(batch[name]) for name in names}
