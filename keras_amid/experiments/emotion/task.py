"""IEMOCAP, as recipes and `tables.py` run it: a seed is a fold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from keras_amid.data import PreparedData
from keras_amid.data.datasets import prepare
from keras_amid.experiments import original_files
from keras_amid.experiments.case import Case
from keras_amid.experiments.emotion.config import EmotionConfig
from keras_amid.experiments.emotion.experiment import EmotionExperiment
from keras_amid.experiments.emotion.networks import cache_all_features, feature_folders
from keras_amid.experiments.task import Task


class EmotionTask(Task):
    """IEMOCAP; seeds 0 to 4 are the folds. See `Task`.

    Its recipe prepares the data in --out; `tables.py` reads them there, with --trials 0: every
    session is tested on in some fold, so there is nothing to tune on.
    """

    config: EmotionConfig
    config_class = EmotionConfig
    unit, samples = "folds", "utterances"
    reported_seeds = 5
    reference_note = "The reference is the paper's figure, on its own extractors' weights and data."

    @property
    def variants(self) -> Mapping[str, tuple[str, ...]]:
        """See `Task.variants`."""
        return {name: extra for name, extra in self.config.auxiliaries.items() if extra}

    @property
    def reference(self) -> Mapping:
        """None: the paper's figures are a table for each set-up."""
        return {}

    @staticmethod
    def default_folder(config: EmotionConfig, out: Path) -> Path:
        """See `Task.default_folder`."""
        return original_files.default_folder(config, out)

    def check_sources(self) -> None:
        """See `Task.check_sources`."""
        names = ["root"]
        if self.config.features == "raw":
            names += ["face_checkpoint", "sound_checkpoint", "text_checkpoint", "vocabulary"]
        original_files.check_given(self.config, names, self.config.miniature)

    def check_data(self) -> None:
        """See `Task.check_data`."""
        original_files.check_prepared(self)

    def fill(self) -> None:
        """Writes the records and, of raw data, the features."""
        config, out, root = self.config, self.folder / "data", self.config.root
        root = root or original_files.written(config.miniature, self.folder)
        data = prepare(config.datasets[config.features], root, out, workers=config.workers)
        print(data.report(), flush=True)
        if config.features == "raw":
            cache_all_features(config, data, config.vocabulary or self._own_vocabulary())

    def _own_vocabulary(self):
        path = self.folder / "vocab.txt"
        path.write_text("\n".join(self.config.words), encoding="utf-8")
        return path

    def paper(self, table: str) -> Mapping[str, Mapping[str, float]]:
        """See `Task.paper`."""
        return {
            row: dict(zip(self.config.columns, values, strict=False))
            for row, values in self.config.paper.get(table, {}).items()
        }

    def cases(self) -> list[Case]:
        """A table a set-up, its folds one after the other."""
        config = self.config
        return [
            Case(
                folder=f"{setup}/session-{fold}",
                seed=fold - 1,
                variant=setup,
                table=setup,
                rows=config.controlled_rows if config.auxiliaries[setup] else ("student alone",),
            )
            for setup in config.setups
            for fold in config.folds
        ]

    def prepare(self, seed: int, tuning: bool) -> None:
        """Refuses what is no fold; `fill` has done the rest."""
        if tuning or seed not in range(5):
            raise ValueError(
                f"`seeds` must be 0..4 on IEMOCAP, the folds, with --trials 0; received {seed}."
            )

    def open(self, seed: int, tuning: bool, variant: str) -> EmotionExperiment:
        """See `Task.open`."""
        data = PreparedData.open(self.folder / "data")
        features = feature_folders(data) if self.config.features == "raw" else None
        auxiliary = self.config.auxiliaries[variant]
        return EmotionExperiment(self.config, data, features, auxiliary, seed + 1)
