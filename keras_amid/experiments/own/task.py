"""Prepared data of one's own, as the command runs them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

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

    def described(self) -> dict[str, Any]:
        """See `Task.described`."""
        data = self.material.data
        inputs, fps = {}, data.settings.get("fps")
        for name in self.config.target:
            known = self.material.inputs[name]
            rates = {
                "sample_rate": known.sample_rate,
                "fps": fps if known.kind == "video" else None,
            }
            inputs[name] = {"kind": known.kind, **{n: rate for n, rate in rates.items() if rate}}
        left_out = sum(map(len, data.left_out.values()))
        found = {"name": self.config.title, "counts": data.counts, "left out": left_out}
        if self.config.limit:
            found["at most, of each split"] = self.config.limit
        return {"inputs": inputs, "data": found}
