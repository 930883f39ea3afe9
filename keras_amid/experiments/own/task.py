"""Prepared data of one's own, as the command runs them."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from keras_amid.data.datasets import read_prepared
from keras_amid.experiments.own.config import OwnConfig
from keras_amid.experiments.own.experiment import OwnExperiment
from keras_amid.experiments.own.material import Material
from keras_amid.experiments.task import Task


class OwnTask(Task):
    """Prepared data of one's own; a seed is that of the training. See `Task`."""

    config: OwnConfig
    config_class = OwnConfig

    @functools.cached_property
    def material(self) -> Material:
        """Data and networks."""
        return Material(self.config, read_prepared(self.config.data), self.folder)

    @property
    def class_names(self) -> Sequence[str]:
        """Of the data."""
        return self.material.data.class_names

    def fill(self) -> None:
        """The features of the frozen networks."""
        self.material.fill()

    def open(self, seed: int, tuning: bool, variant: str) -> OwnExperiment:
        """See `Task.open`; tuning and reported seeds share the data, not the split they are on."""
        return OwnExperiment(self.material, seed)
