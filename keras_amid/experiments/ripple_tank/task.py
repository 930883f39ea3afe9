"""The ripple tank, as recipes and `tables.py` run it: a seed is a world."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from keras_amid.data import RippleTank, ripple_tank
from keras_amid.experiments.arrays import ArrayExperiment
from keras_amid.experiments.case import Case
from keras_amid.experiments.experiment import Experiment
from keras_amid.experiments.ripple_tank import networks
from keras_amid.experiments.ripple_tank.arrays import write_arrays
from keras_amid.experiments.ripple_tank.config import RippleTankConfig
from keras_amid.experiments.ripple_tank.media_experiment import MediaExperiment
from keras_amid.experiments.task import Task


class RippleTankTask(Task):
    """The ripple tank; a seed is a world, and seeds its training. See `Task`.

    A recipe trains from the media files; `tables.py`, with its hundreds of runs, from arrays that
    are computed of them once.
    """

    config: RippleTankConfig
    config_class = RippleTankConfig
    samples = "clips"
    class_names = RippleTank.class_names

    @property
    def variants(self) -> Mapping[str, tuple[str, ...]]:
        """See `Task.variants`."""
        return {"sound": ("audio",), "caption": ("text",), "sound and caption": ("audio", "text")}

    @property
    def given(self) -> None:
        """None: two rows alone have settings that were tuned elsewhere."""
        return None

    @property
    def reference(self) -> Mapping:
        """An earlier implementation's figures, beside those of as many epochs."""
        comparable = self.config.epochs == self.config.reference_epochs
        return self.config.reference if comparable else {}

    @property
    def reference_note(self) -> str:
        """What the reference is."""
        return self.config.reference_note

    def prepare(self, seed: int, tuning: bool) -> None:
        """Media, records, the sound extractor's pre-training, and the arrays."""
        write_arrays(self._arrays(seed), self.config, seed, tuning)

    def open(self, seed: int, tuning: bool, variant: str) -> Experiment:
        """See `Task.open`."""
        with np.load(self._arrays(seed)) as file:
            arrays = {name: file[name] for name in file.files}
        auxiliary = self.variants[variant]
        sizes = (auxiliary, arrays["train audio"].shape[1])
        return ArrayExperiment(
            self.config,
            seed,
            arrays,
            functools.partial(networks.array_extractors, *sizes),
            num_classes=len(self.class_names),
            evaluation_batch=self.config.evaluation_batch,
            tuning=tuning,
            projection=True,
            train_auxiliary="text" in auxiliary,  # it is not pre-trained, so it learns here
        )

    def _arrays(self, seed):
        entries = {name: getattr(self.config, name) for name in self.config.data_entries}
        key = hashlib.sha256(json.dumps(entries).encode()).hexdigest()[:8]
        return Path(self.folder) / key / f"seed-{seed}" / "arrays.npz"

    def open_case(self, case: Case) -> Experiment:
        """A world trained on from its media files, which are written first."""
        print(f"World {case.seed}", flush=True)
        tank = ripple_tank.prepare(
            self.folder / case.folder / "data",
            seed=case.seed,
            **self.config.sizes(),
            workers=self.config.workers,
        )
        for row in (row for rows in tank.left_out.values() for row in rows):
            print(f"Left out, world {case.seed}: {row['id']}: {row['reason']}", flush=True)
        return MediaExperiment(self.config, tank)
