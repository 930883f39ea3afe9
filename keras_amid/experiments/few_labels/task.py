"""Paired measurements, few of them labelled, as recipes and `tables.py` run them."""

from __future__ import annotations

import functools

import numpy as np

from keras_amid.experiments.arrays import ArrayExperiment
from keras_amid.experiments.experiment import Experiment
from keras_amid.experiments.few_labels import networks
from keras_amid.experiments.few_labels.config import FewLabelsConfig
from keras_amid.experiments.few_labels.pairs import divide, standardized
from keras_amid.experiments.task import Task


class FewLabelsTask(Task):
    """Paired measurements, few of them labelled; a seed is a split. See `Task`."""

    config: FewLabelsConfig
    config_class = FewLabelsConfig
    unit = "splits"

    @functools.cached_property
    def pairs(self):
        """All samples, read once."""
        return self.config.source.read(self.config.raw)

    @property
    def given(self) -> None:
        """None: settings are tuned."""
        return None

    @property
    def class_names(self) -> list[str]:  # type: ignore[override]
        """See `Task`."""
        return list(self.pairs.class_names)

    @property
    def remark(self) -> str:  # type: ignore[override]
        """See `Task`."""
        config = self.config
        sizes = f"{config.labels} labelled"
        sizes += "" if config.all_labelled else f" and {config.unlabelled} unlabelled"
        text = (
            f"The student has {config.target}, the auxiliary {config.auxiliary}"
            f"{' (signals)' if config.raw else ''}. A split: {sizes} training pairs, "
            f"{config.validation} validation and {config.test} test samples. "
        )
        if self.pairs.groups is None:
            return text + (
                "The test samples are one half of all, the same for every split; no trial has met "
                "them. The splits draw the rest, and their training pairs overlap: p is optimistic."
            )
        return text + (
            f"Validation and test have {config.validation_groups} and {config.test_groups} of "
            f"{len(np.unique(self.pairs.groups))} people to themselves. The splits share the "
            "people, the trials' splits too (of which no test sample was read): p is optimistic."
        )

    def check_sources(self) -> None:
        """See `Task.check_sources`."""
        self.config.source.check(self.config.raw)

    def check_data(self) -> None:
        """See `Task.check_data`."""
        self.check_sources()

    def open(self, seed: int, tuning: bool, variant: str) -> Experiment:
        """See `Task.open`."""
        config, pairs = self.config, self.pairs
        groups = {"validation": config.validation_groups, "test": config.test_groups}
        places = divide(pairs, seed, config.sizes(), config.halving_seed, groups)
        if tuning:
            del places["test"]
        views = (config.target, config.auxiliary)
        arrays = {f"{split} y": pairs.y[part] for split, part in places.items()}
        arrays["train y"] = np.where(np.arange(len(places["train"])) < config.labels,
                                     arrays["train y"], -1).astype("int32")  # fmt: skip
        for view in views:
            scaled = standardized(pairs.x[view], places["train"])
            arrays |= {f"{split} {view}": scaled[part] for split, part in places.items()}
        return ArrayExperiment(
            config,
            seed,
            arrays,
            self._networks,
            num_classes=len(pairs.class_names),
            evaluation_batch=config.evaluation_batch,
            tuning=tuning,
            steps=config.steps,
            class_names=self.class_names,
            train_auxiliary=True,
        )

    def _networks(self, with_auxiliary):
        config = self.config
        sides = [(config.target,), (config.auxiliary,) if with_auxiliary else ()]
        return tuple(
            {
                view: networks.extractor(
                    self.pairs.x[view].shape[1:], config.units, config.negative_slope
                )
                for view in views
            }
            for views in sides
        )
