"""What a trained model says of the test and training samples, kept beside its figures."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

import keras_amid as ka
from keras_amid.data.storage.files import replacing
from keras_amid.evaluation.videos import VideoPredictions
from keras_amid.experiments import rows
from keras_amid.experiments.experiment import Experiment


@dataclasses.dataclass(frozen=True)
class Predictions:
    """What a model says.

    Attributes:
        test: of the test samples, with all modalities.
        train: of the training samples, with all modalities where the method has a teacher.
    """

    test: VideoPredictions
    train: VideoPredictions

    def save(self, path: Path) -> None:
        """Writes an .npz, whole or not at all."""
        arrays = {
            f"{split} {name}": value
            for split, found in (("test", self.test), ("train", self.train))
            for name, value in vars(found).items()
            if value is not None
        }
        with replacing(path) as temporary:
            np.savez_compressed(temporary, **arrays)

    @classmethod
    def load(cls, path: Path) -> Predictions:
        """Reads what `save` wrote."""
        with np.load(path) as arrays:
            splits = [
                VideoPredictions(
                    **{
                        name.removeprefix(f"{split} "): arrays[name]
                        for name in arrays.files
                        if name.startswith(f"{split} ")
                    }
                )
                for split in ("test", "train")
            ]
        return cls(*splits)


def predict(model: ka.Distiller, experiment: Experiment) -> Predictions:
    """What a trained model says of the test and training samples that have a label, in order."""
    names = rows.modalities(model)
    test, train = (
        ka.predict_videos(model, experiment.batches(split, names), progress=False)
        for split in ("test", "train")
    )
    return Predictions(labelled(test), labelled(train))


def labelled(found: VideoPredictions) -> VideoPredictions:
    """What is said of the samples that have a label."""
    kept = found.labels >= 0
    values: dict[str, Any] = {n: v if v is None else v[kept] for n, v in vars(found).items()}
    return VideoPredictions(**values)
