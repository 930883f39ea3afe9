"""Batches of labelled and unlabelled samples in a fixed proportion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_amid.data._tensorflow import tensorflow
from keras_amid.validation.arguments import check_number


class LabelledMix:
    """How many of each kind a batch has, in which order, and how many batches make an epoch.

    Attributes:
        counts: (labelled, unlabelled) samples a batch, each at least 1.
        steps: Batches an epoch: after them, all of the kind that takes more have been seen.
        pattern: int64 (batch,): 0 for labelled, 1 for unlabelled, evenly spread, so that parts of
            a batch on several devices have both.

    Args:
        labels: Integers (samples,), -1 for a sample without label.
        batch_size: Samples a batch, at least 2.
        fraction: The share of labelled samples; rounded to whole samples.

    Raises:
        ValueError: An argument is wrong, or all samples are of one kind.
    """

    def __init__(self, labels: np.ndarray, batch_size: int, fraction: float):
        fraction = check_number("labelled_fraction", fraction, above=0)
        if fraction >= 1 or batch_size < 2:
            raise ValueError(
                "`labelled_fraction` must be less than 1, and `batch_size` at least 2, for every "
                f"batch has both kinds; received {fraction} and {batch_size}."
            )
        unlabelled = labels < 0
        self._places = [np.flatnonzero(~unlabelled), np.flatnonzero(unlabelled)]
        sizes = [len(places) for places in self._places]
        if not all(sizes):
            raise ValueError(
                "`labelled_fraction` must be None where samples are of one kind; received "
                f"{fraction} for {sizes[0]} samples with a label and {sizes[1]} without."
            )
        labelled = min(max(round(fraction * batch_size), 1), batch_size - 1)
        self.counts = (labelled, batch_size - labelled)
        self.steps = max(-(-size // n) for size, n in zip(sizes, self.counts, strict=True))
        middles = [(np.arange(n) + 0.5) / n for n in self.counts]
        kinds = np.repeat([0, 1], self.counts)
        self.pattern = kinds[np.argsort(np.concatenate(middles), kind="stable")].astype("int64")

    def places(self, step: int, seed: int) -> np.ndarray:
        """The samples of a batch, int64 (batch,), a function of the arguments.

        Args:
            step: Number of the batch, counted over all epochs.
            seed: Integer.
        """
        drawn = []
        for number, (places, count) in enumerate(zip(self._places, self.counts, strict=True)):
            draws = step * count + np.arange(count)
            passes, within = divmod(draws, len(places))
            orders = {
                p: np.random.default_rng([abs(seed), seed < 0, number, p]).permutation(places)
                for p in set(passes.tolist())
            }
            drawn.append([orders[p][i] for p, i in zip(passes.tolist(), within, strict=True)])
        batch = np.empty(len(self.pattern), "int64")
        for number, chosen in enumerate(drawn):
            batch[self.pattern == number] = chosen
        return batch

    def join(self, share: np.ndarray, shuffle: Any, make: Callable) -> Any:
        """The dataset of an epoch's samples: batches of it have the pattern.

        Args:
            share: int64 (samples,): the places of the samples, in the order of the labels.
            shuffle: `EpochShuffle`.
            make: Function of (places, shuffle) -> (dataset in the order of the shuffle, its size).
        """
        kinds = []
        for number, (places, count) in enumerate(zip(self._places, self.counts, strict=True)):
            dataset, _ = make(share[places], shuffle.part(number, self.steps * count))
            kinds.append(dataset)
        dataset = tensorflow().data.Dataset
        choice = dataset.from_tensor_slices(self.pattern).repeat(self.steps)
        return dataset.choose_from_datasets(kinds, choice)
