"""The numbers of an experiment on the ripple tank."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from keras_amid.experiments.config import Config, entry


@dataclasses.dataclass(frozen=True, kw_only=True)
class RippleTankConfig(Config):
    """What CONFIG holds beside the entries of `Config`.

    Attributes:
        train, validation, test: pairs of picture and sound.
        sounds: more sounds, alone, to pre-train the sound network on.
        sound_epochs, sound_batch, sound_rate: of that pre-training; its rate goes to 0 by a cosine.
        evaluation_batch: samples at a time in evaluating; it divides the sizes of the splits, so
            that one shape is compiled.
        extractor: the video network, "mlp" or "r2plus1d".
        depth, width, gray_mean, gray_deviation: of R(2+1)D, and of its inputs' gray levels.
        auxiliary: modalities that only training has, of "audio" and "text".
        reference: dict, row -> figure -> (percent, standard error), beside the results of
            `tables.py`, and `reference_note`, what they are.
        reference_epochs: the epochs of the reference, which is not shown beside others.
    """

    data_entries = (
        "train", "validation", "test", "sounds", "sound_epochs", "sound_batch", "sound_rate",
    )  # fmt: skip

    train: int = entry()
    validation: int = entry()
    test: int = entry()
    sounds: int = entry()
    sound_epochs: int = entry()
    sound_batch: int = entry()
    sound_rate: float = entry()
    evaluation_batch: int = entry(free=True)
    extractor: str = entry(help="video network", choices=("mlp", "r2plus1d"))
    depth: int = entry()
    width: float = entry()
    gray_mean: float = entry()
    gray_deviation: float = entry()
    auxiliary: tuple = entry(
        help="modalities that only training has", nargs="+", choices=("audio", "text")
    )
    reference: Mapping = entry({}, free=True)
    reference_note: str = entry("", free=True)
    reference_epochs: int = entry(80, free=True)

    def sizes(self, tuning: bool = False) -> dict[str, int]:
        """Split -> number of samples; a world that is tuned on has no test split."""
        test = 0 if tuning else self.test
        return {
            "train": self.train, "validation": self.validation, "test": test, "sounds": self.sounds,
        }  # fmt: skip
