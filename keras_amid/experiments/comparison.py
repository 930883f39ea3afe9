"""Two rows against each other over seeds; +- is the standard error of the mean everywhere."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from scipy import stats


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Mean and its standard error; the error of a single value is NaN."""
    return float(np.mean(values)), float(stats.sem(values)) if len(values) > 1 else math.nan


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A paired, two-sided t-test of one row against another over the seeds that both have.

    Attributes:
        mean, error: of the differences, first row minus second; error: standard error.
        p: NaN for fewer than two seeds, or no spread at all.
        wins, count: seeds in which the first row leads, of how many.
    """

    mean: float
    error: float
    p: float
    wins: int
    count: int

    @classmethod
    def of(cls, first: Sequence[float], second: Sequence[float]) -> Comparison:
        """Compares figures of the same seeds in the same order, at least one."""
        differences = np.subtract(first, second, dtype="float64")
        spread = len(differences) > 1 and np.ptp(differences) > 0
        p = float(stats.ttest_rel(first, second).pvalue) if spread else math.nan
        wins = int((differences > 0).sum())
        return cls(*mean_and_error(differences), p, wins, len(differences))
