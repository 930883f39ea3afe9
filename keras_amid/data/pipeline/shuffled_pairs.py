"""The control that tells knowledge from regularisation: pairs whose halves are exchanged."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from keras_amid.validation.arguments import check_int, check_positive_int


def shuffled_pairs(count: int, seed: int, subset: Iterable[int] | None = None) -> np.ndarray:
    """For each sample another one, from which it takes its auxiliary modalities.

        order = shuffled_pairs(len(samples), seed=0)
        train = batches(folder, 16, {...}, partners={"audio": order, "text": order}, shuffle=...)

    A model that is trained like this has the same data, networks, losses and steps, but no sample
    of an auxiliary modality belongs to its target. What it gains over the student alone is
    regularisation; a gain counts as knowledge of the other modality only beyond it.

    Args:
        count: Number of samples.
        seed: Of the order.
        subset: Places among 0..count-1 that exchange among themselves, such as the training
            samples of records that hold others too; None: all.

    Returns:
        int64 (count,): one random cycle through the samples, so none keeps its own; the places
        outside `subset` do.

    Raises:
        ValueError: There are fewer than two samples to exchange, or an argument is wrong.
    """
    check_positive_int("count", count)
    places = np.arange(count) if subset is None else np.asarray(list(subset))
    if len(places) < 2:
        raise ValueError(
            f"`subset` must hold two samples or more, to be exchanged; received {len(places)}."
        )
    cycle = np.random.default_rng(check_int("seed", seed)).permutation(places)
    partners = np.arange(count)
    partners[cycle] = np.roll(cycle, 1)
    return partners
