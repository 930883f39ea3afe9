"""The search for every row's settings: the same trials for all, on validation data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import qmc


@dataclasses.dataclass(frozen=True)
class Trial:
    """Settings that are tried.

    Attributes:
        rate, decay: learning rate and weight decay.
        scale: factor on the default weight of a compared method's own loss; 1 for the rows
            without such a weight.
    """

    rate: float
    decay: float
    scale: float = 1.0


def trials(
    count: int,
    rates: tuple[float, float] | None,
    decays: tuple[float, float] | None,
    scales: tuple[float, float],
) -> list[Trial]:
    """The first points of a Halton sequence, spread evenly on logarithmic axes.

    Args:
        count: how many; the ranges do not matter where it is 0.
        rates, decays, scales: (lowest, highest) of each.

    Returns:
        The same for every row with the same ranges.
    """
    if not count:
        return []
    points = qmc.Halton(3, scramble=False).random(count + 1)[1:]  # the first is a corner
    low, high = np.log(np.array([rates, decays, scales])).T
    values = np.exp(low + points * (high - low))
    return [Trial(*(float(f"{value:.3g}") for value in row)) for row in values]


def best(scores: Mapping[Trial, Sequence[float]]) -> Trial | None:
    """The trial with the best mean over the seeds; the first where several are.

    Args:
        scores: trial -> accuracies, one a seed; a trial that failed on some seed
            has fewer and is passed over.

    Returns:
        None where all failed.
    """
    seeds = max(map(len, scores.values()), default=0)
    whole = [trial for trial, values in scores.items() if len(values) == seeds]
    return max(whole, key=lambda trial: np.mean(scores[trial])) if seeds else None
