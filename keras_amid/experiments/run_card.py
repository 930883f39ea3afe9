"""What a run has to say on the model card of its student; see `keras_amid.export.card`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from keras_amid.experiments import markdown, rows
from keras_amid.experiments.comparison import mean_and_error
from keras_amid.experiments.runs import Runs

_NO_CONTROL = (
    "No control was run: whether a gain over the student alone is knowledge of the auxiliary "
    "modalities, or regularisation alone, cannot be told."
)


def run_card(
    runs: Runs, row: str, figures: Mapping[str, Sequence[Mapping[str, Any]]], command: str
) -> dict[str, Any]:
    """The entries of a run.

    Args:
        runs: done.
        row: whose student is exported.
        figures: row -> its figures in percent, one dict a seed.
        command: line that repeats the run.
    """
    task, model = runs.task, runs.trained(row)
    target = list(model.target_extractors)
    unit, count = task.unit, max(map(len, figures.values()))
    spread = f"{count} {unit}, {markdown.SPREAD}." if count > 1 else "One run: no spread."
    control = markdown.controls(("student top-1",), figures, unit)
    return {
        **task.described(),
        "row": row,
        "seed": runs.case.seed,
        "target": target,
        "auxiliary": [name for name in rows.modalities(model) if name not in target],
        "figures": {name: _spread(results) for name, results in figures.items()},
        "figures_note": f"Percent of the test {task.samples}. {spread}",
        "control": control or [_NO_CONTROL],
        "command": command,
    }


def _spread(results):
    """Figure -> mean, standard error (None of one value) and the values, one a seed."""
    names = [n for n, v in results[0].items() if isinstance(v, float) and not math.isnan(v)]
    found = {}
    for name in names:
        values = [result[name] for result in results if name in result]
        mean, error = mean_and_error(values)
        found[name] = {
            "mean": mean,
            "standard_error": None if math.isnan(error) else error,
            "values": values,
        }
    return found
