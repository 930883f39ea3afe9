"""A world trained on from its media files: what the recipe runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import keras
import numpy as np

from keras_amid.data import EpochShuffle, RippleTank, read_samples
from keras_amid.experiments.experiment import Experiment
from keras_amid.experiments.optimizers import adamw
from keras_amid.experiments.ripple_tank import networks
from keras_amid.experiments.ripple_tank.config import RippleTankConfig
from keras_amid.experiments.rows import Settings


class MediaExperiment(Experiment):
    """A world trained on from its media files; see `Experiment`. Its seed is the world's.

    Args:
        config: its numbers.
        tank: the world.
    """

    config: RippleTankConfig

    def __init__(self, config: RippleTankConfig, tank: RippleTank):
        super().__init__(config, tank.seed)
        self.tank = tank
        self.num_classes, self.class_names = len(tank.class_names), tank.class_names
        samples = read_samples(tank.folder / "records" / "train")
        self.train_labels = [row["label"] for row in samples]

    def extractors(self, with_auxiliary: bool = True) -> tuple[dict, dict]:
        """The video's network, and the auxiliary ones, whose sound network is pre-trained here."""
        target = {"video": networks.video_extractor(self.config)}
        names = self.config.auxiliary if with_auxiliary else ()
        return target, networks.auxiliary_extractors(self.config, self.tank, names)

    def settings(self) -> Settings:
        """The caption's network is not pre-trained, so it learns here, and the sound's with it."""
        return self.config.row_settings(
            self.num_classes,
            self.train_labels,
            projection=True,
            train_auxiliary="text" in self.config.auxiliary,
        )

    def optimizer(self, rate: float, decay: float) -> keras.optimizers.Optimizer:
        """AdamW, cosine to 0."""
        return adamw(rate, decay, self.config.epochs * self.steps)

    def watched(self, modalities: Sequence[str]) -> Iterable:
        """The validation clips."""
        return self.tank.pipeline("validation", self.config.evaluation_batch, modalities)

    def batches(
        self,
        split: str,
        modalities: Sequence[str],
        shuffle: EpochShuffle | None = None,
        partners: Mapping[str, np.ndarray] | None = None,
    ) -> Iterable:
        """Batches of clips, sounds and captions."""
        return self.tank.pipeline(
            split,
            self.config.evaluation_batch if shuffle is None else self.config.batch,
            modalities,
            shuffle=shuffle,
            drop_remainder=shuffle is not None,
            with_index=True,
            partners=partners,
        )
