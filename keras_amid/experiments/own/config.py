"""The numbers of an experiment on data of one's own; `keras_amid.own.settings` has them all."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

from keras_amid.experiments.config import Config, entry

#: Settings of the command that are no entries here, for they say where and how, not what.
_NOT_HERE = ("out", "config", "export", "smoke")


@dataclasses.dataclass(frozen=True, kw_only=True)
class OwnConfig(Config):
    """What a configuration holds beside the entries of `Config`.

    Attributes:
        data: folder of prepared data.
        target, auxiliary: names of modalities.
        extractor: dict, modality -> name in `NETWORKS`, or module:function.
        checkpoint: dict, modality -> file, folder or preset.
        train_auxiliary: also train auxiliary networks that have a checkpoint.
        frames, size, flip: of clips: frames, pixels, whether they are mirrored at random.
        seconds: of a sound; 0: see `found_sizes`.
        length: steps of an array, words of a text; 0: see `found_sizes`.
        limit: samples of each split at most; 0: all.
        labelled_fraction: share of labelled samples in a training step, where some have no label.
        trials: settings tried for each row on the validation split.
    """

    data: str = entry(free=True)
    target: tuple = entry()
    auxiliary: tuple = entry()
    extractor: Mapping = entry({})
    checkpoint: Mapping = entry({})
    train_auxiliary: bool = entry(False)
    frames: int = entry()
    size: int = entry()
    flip: bool = entry(True)
    seconds: float = entry(0.0)
    length: int = entry(0, at_least=0)
    limit: int = entry(0, at_least=0)
    labelled_fraction: float = entry(0.5)
    trials: int = entry(0, at_least=0)
    rates: tuple | None = entry(None)
    decays: tuple | None = entry(None)
    tuning_seed: int = entry(100, at_least=0)

    @classmethod
    def of_settings(cls, settings: Mapping[str, Any], title: str) -> Self:
        """The configuration of the command's settings.

        Args:
            settings: as `keras_amid.own.settings.resolve` gives them.
            title: of the data set, for people.

        Raises:
            ValueError: an entry is out of its range; which.
        """
        values = {name: value for name, value in settings.items() if name not in _NOT_HERE}
        values["workers"] = values["workers"] or None
        for name in ("rates", "decays"):
            low, high = values[name]
            if not 0 < low <= high:
                raise ValueError(
                    f"`{name}` must be two numbers, 0 < lowest <= highest; received {low} {high}."
                )
        return cls.of(values | {"name": "mine", "title": title})
