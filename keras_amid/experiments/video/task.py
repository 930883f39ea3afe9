"""A data set of videos with sound, as recipes and `tables.py` run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_amid.data import PreparedData
from keras_amid.data.datasets import prepare
from keras_amid.experiments import original_files
from keras_amid.experiments.task import Task
from keras_amid.experiments.video.config import VideoConfig
from keras_amid.experiments.video.experiment import VideoExperiment
from keras_amid.experiments.video.sound import cache_sound


class VideoTask(Task):
    """A data set of videos with sound; a seed is that of the training. See `Task`.

    Its recipe prepares the data in --out; `tables.py` reads them there. Trials are run on the
    training videos alone, a tenth of which are held out.
    """

    config: VideoConfig
    config_class = VideoConfig
    samples = "videos"
    reference_note = "The reference is the paper's figure, on its own extractors' weights and data."

    @property
    def variants(self) -> Mapping[str, tuple[str, ...]]:
        """See `Task.variants`."""
        return {"sound": ("audio",)}

    @staticmethod
    def default_folder(config: VideoConfig, out: Path) -> Path:
        """See `Task.default_folder`."""
        return original_files.default_folder(config, out)

    @property
    def class_names(self) -> Sequence[str]:
        """Of the data."""
        return self.data().class_names

    def check_sources(self) -> None:
        """See `Task.check_sources`."""
        names = ("root", "sound_checkpoint")
        original_files.check_given(self.config, names, self.config.miniature)

    def check_data(self) -> None:
        """See `Task.check_data`."""
        original_files.check_prepared(self)

    def fill(self) -> None:
        """Writes the records and, unless crops are random, the sound's features."""
        config = self.config
        roots = config.root or (original_files.written(config.miniature, self.folder),)
        root = roots[0] if len(roots) == 1 else roots
        data = prepare(config.dataset, root, self.folder / "data", workers=config.workers)
        print(data.report(), flush=True)
        if not config.random_sound:
            cache_sound(config, data)

    def data(self) -> PreparedData:
        """The data that `fill` has written."""
        return PreparedData.open(self.folder / "data")

    def open(self, seed: int, tuning: bool, variant: str) -> VideoExperiment:
        """See `Task.open`."""
        data = self.data()
        held_out = _held_out(data, seed, self.config.take) if tuning else ()
        return VideoExperiment(self.config, seed, data, held_out)


def _held_out(data, seed, take):
    """Places of a tenth of the training videos, whole takes of them, drawn by the seed."""
    takes = np.array([take(row["id"]) for row in data.samples("train")])
    names = np.unique(takes)
    count = max(1, len(names) // 10)
    return np.flatnonzero(np.isin(takes, np.random.default_rng(seed).permutation(names)[:count]))
