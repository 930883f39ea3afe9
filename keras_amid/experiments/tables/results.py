"""The reported results of a call of `tables.py`, over seeds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras_amid.experiments.comparison import Comparison


class Results:
    """The reported results of a call.

    Args:
        runs: (row, variant, changed settings) -> seed -> result, see `Plan.results`.
        default: the task's first variant.
    """

    def __init__(self, runs: Mapping[tuple, Mapping[int, dict]], default: str):
        self.runs, self.default = runs, default

    def seeds(
        self, row: str, variant: str | None = None, changed: tuple = ()
    ) -> Mapping[int, dict[str, Any]]:
        """Seed -> result; empty where there is none."""
        return self.runs.get((row, self.default if variant is None else variant, changed), {})

    def values(self, row: str, figure: str, **which: Any) -> dict[int, Any]:
        """Seed -> figure, of the seeds that have it."""
        found = self.seeds(row, **which)
        return {
            seed: found[seed]["figures"][figure]
            for seed in sorted(found)
            if figure in found[seed]["figures"]
        }

    def histories(self, row: str) -> list[dict[str, list[float]]]:
        """The runs' histories, in the order of the seeds."""
        found = self.seeds(row)
        return [found[seed]["history"] for seed in sorted(found)]

    def compare(
        self,
        first: str,
        second: str,
        first_figure: str,
        second_figure: str | None = None,
        **which: Any,
    ) -> Comparison | None:
        """Compares two rows' figures; None where no seed has both.

        Args:
            first, second: rows.
            first_figure, second_figure: the second is as the first by default.
            **which: variant and changed settings of the first.
        """
        a = self.values(first, first_figure, **which)
        b = self.values(second, second_figure or first_figure)
        seeds = [seed for seed in a if seed in b]
        return Comparison.of([a[s] for s in seeds], [b[s] for s in seeds]) if seeds else None
