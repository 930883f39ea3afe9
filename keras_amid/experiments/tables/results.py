"""Results over seeds: means, standard errors, paired tests."""

import dataclasses

import numpy as np
from scipy import stats


def mean_and_error(values):
    """Mean and standard error of an array; the error of a single value is NaN."""
    values = np.asarray(values, "float64")
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(values.mean()), float(error)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A paired, two-sided t-test of one row against another over the seeds that both have.

    Attributes:
        mean, error: of the differences, first row minus second.
        p: NaN for fewer than two seeds, or no spread at all.
        wins, count: seeds in which the first row leads, of how many.
    """

    mean: float
    error: float
    p: float
    wins: int
    count: int


class Results:
    """The reported results of a call.

    Args:
        runs: dict, (row, variant, changed settings) -> seed -> result, see `Plan.results`.
        default: str, the task's first variant.
    """

    def __init__(self, runs, default):
        self.runs, self.default = runs, default

    def seeds(self, row, variant=None, changed=()):
        """dict, seed -> result; empty where there is none."""
        return self.runs.get((row, self.default if variant is None else variant, changed), {})

    def values(self, row, figure, **which):
        """dict, seed -> figure, of the seeds that have it."""
        found = self.seeds(row, **which)
        return {
            seed: found[seed]["figures"][figure]
            for seed in sorted(found)
            if figure in found[seed]["figures"]
        }

    def histories(self, row):
        """list of the runs' histories, in the order of the seeds."""
        found = self.seeds(row)
        return [found[seed]["history"] for seed in sorted(found)]

    def compare(self, first, second, first_figure, second_figure=None, **which):
        """`Comparison` of two rows' figures, or None where no seed has both.

        Args:
            first, second: rows.
            first_figure, second_figure: str; the second is as the first by default.
            **which: variant and changed settings of the first.
        """
        a = self.values(first, first_figure, **which)
        b = self.values(second, second_figure or first_figure)
        seeds = [seed for seed in a if seed in b]
        if not seeds:
            return None
        differences = np.array([a[seed] - b[seed] for seed in seeds])
        spread = len(seeds) > 1 and np.ptp(differences) > 0
        p = float(stats.ttest_1samp(differences, 0.0).pvalue) if spread else np.nan
        wins = int((differences > 0).sum())
        return Comparison(*mean_and_error(differences), p, wins, len(seeds))
