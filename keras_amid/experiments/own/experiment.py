"""One seed's networks and batches of prepared data of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

import keras_amid as ka
from keras_amid.data import EpochShuffle, shuffled_pairs
from keras_amid.data.pipeline.labelled_mix import LabelledMix
from keras_amid.experiments import rows
from keras_amid.experiments.experiment import Experiment
from keras_amid.experiments.measuring import figures_of
from keras_amid.experiments.own.material import Material
from keras_amid.experiments.own.predictions import labelled
from keras_amid.experiments.rows import Settings

# Samples at a time where nothing is learned.
_EVALUATION_BATCH = 32
# Of a training clip, where it is looked up: the neighbours of test clips, names by a teacher.
_GALLERY_WINDOWS = 4


class OwnExperiment(Experiment):
    """One seed's data and networks; see `Experiment`.

    Args:
        material: data, inputs and networks, the same for all seeds.
        seed: of the training.
    """

    def __init__(self, material: Material, seed: int):
        super().__init__(material.config, seed)
        self.material = material
        data = material.data
        self.num_classes, self.class_names = data.num_classes, data.class_names
        labels = np.array([row["label"] for row in data.samples("train")])
        self.train_labels, self.kept = labels, material.places("train")
        config, labels = material.config, labels[self.kept]
        self._mix = None
        if (labels < 0).any():
            self._mix = LabelledMix(labels, config.batch, config.labelled_fraction)

    @property
    def steps(self) -> int:
        """Training steps an epoch."""
        if self._mix is not None:
            return self._mix.steps
        return len(self.kept) // self.config.batch

    def extractors(self, with_auxiliary: bool = True) -> tuple[dict, dict]:
        """The target's networks, and the auxiliary ones, or what the frozen ones have made."""
        config, make = self.material.config, self.material.extractor
        auxiliary = config.auxiliary if with_auxiliary else ()
        return {name: make(name) for name in config.target}, {
            name: make(name) for name in auxiliary
        }

    def settings(self) -> Settings:
        """Auxiliary networks learn where any of them has something to learn."""
        further = {"semi_supervised": True} if self._mix is not None else {}
        return self.config.row_settings(
            self.num_classes,
            self.train_labels,
            train_auxiliary=self.material.learning,
            **further,
        )

    def partners(self) -> np.ndarray:
        """See `Experiment.partners`."""
        return shuffled_pairs(len(self.train_labels), self.seed, self.kept)

    def watched(self, modalities: Sequence[str]) -> Iterable | None:
        """The middles of the validation clips, where there are any: it happens every epoch."""
        if not self.material.data.counts.get("validation"):
            return None
        return self._batches("validation", modalities, most=1, with_index=False)

    def validate(self, model: ka.Distiller) -> dict[str, Any]:
        """Figures on the validation samples that have a label."""
        found = ka.predict_videos(model, self.batches("validation", rows.modalities(model)))
        return figures_of(labelled(found), self.num_classes)

    def batches(
        self,
        split: str,
        modalities: Sequence[str],
        shuffle: EpochShuffle | None = None,
        partners: Mapping[str, np.ndarray] | None = None,
    ) -> Iterable:
        """Batches of random clips and crops (with `shuffle`), or of windows: of tests, all."""
        return self._batches(
            split, modalities, with_index=True, shuffle=shuffle, partners=partners,
            drop_remainder=shuffle is not None,
            most=_GALLERY_WINDOWS if split == "train" else None,
        )  # fmt: skip

    def _batches(self, split, modalities, shuffle=None, **options):
        training = shuffle is not None
        if training and self._mix is not None:
            options["labelled_fraction"] = self.config.labelled_fraction
        size = self.config.batch if training else _EVALUATION_BATCH
        return self.material.batches(split, size, modalities, training, shuffle=shuffle, **options)
