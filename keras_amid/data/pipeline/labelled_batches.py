"""Arrays -> batches of labelled and unlabelled samples in a fixed proportion."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_amid.data.pipeline.labelled_mix import LabelledMix
from keras_amid.data.pipeline.shuffling import EpochShuffle
from keras_amid.validation.arguments import check_positive_int


class LabelledBatches(keras.utils.PyDataset):
    """What `batches(..., labelled_fraction=...)` does for records, for arrays: on every backend.

        shuffle = EpochShuffle(seed=0)
        train = LabelledBatches(x, y, 16, shuffle=shuffle)  # 8 with a label, 8 without
        model.fit(train, epochs=100, callbacks=[shuffle])

    Either kind is drawn without replacement: all of it in one order, then all in another, over the
    borders of epochs. An epoch is as many batches, all full, as it takes to see all of the kind
    that takes more. The order is a function of the seed of `shuffle` and of the epoch.

    Args:
        x: dict, modality -> array, or nest of arrays, (samples, ...); "index" and "present" too.
        y: Integers (samples,), -1 for a sample without label.
        batch_size: Samples a batch, at least 2.
        labelled_fraction: The share of labelled samples in a batch.
        shuffle: `EpochShuffle`, also a callback of `fit`: it tells the epoch.
        **kwargs: Of `keras.utils.PyDataset`.

    Raises:
        ValueError: An argument is wrong, or all samples are of one kind.
    """

    def __init__(
        self,
        x: dict,
        y: Any,
        batch_size: int,
        labelled_fraction: float = 0.5,
        *,
        shuffle: EpochShuffle,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not isinstance(shuffle, EpochShuffle):
            raise ValueError(f"`shuffle` must be an EpochShuffle; received {shuffle!r}.")
        self.x, self.y, self.shuffle = x, np.asarray(y), shuffle
        check_positive_int("batch_size", batch_size)
        self.mix = LabelledMix(self.y, batch_size, labelled_fraction)
        self._iterations = 0

    def __len__(self) -> int:
        return self.mix.steps

    def __getitem__(self, index: int) -> tuple[dict, np.ndarray]:
        epoch = self.shuffle.epoch
        step = (self._iterations if epoch is None else epoch) * self.mix.steps + index
        places = self.mix.places(step, self.shuffle.seed)
        x = keras.tree.map_structure(lambda array: array[places], self.x)
        return x, self.y[places]

    def on_epoch_end(self) -> None:
        """Counts the iterations, for loops without `fit`."""
        self._iterations += 1
