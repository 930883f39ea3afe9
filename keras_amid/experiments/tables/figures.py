"""Figures 3, 4 and 5 of the paper, from the results over seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import keras_amid as ka
from keras_amid.experiments.tables.results import Results
from keras_amid.experiments.task import Task

# Fig. 5's "no L_adv" is the row MIs+MIa.
_GAP_ROWS = ("MIs+MIa", "AMID")
_COSINE_ROWS = {"AMID": "AMID", "no D2": "no D2", "no L_adv": "MIs+MIa"}


def write(results: Results, task: Task, folder: Path) -> str:
    """Writes each figure whose rows are there, as PNG.

    Args:
        results: over seeds.
        task: what they are of.
        folder: of the figures.

    Returns:
        Markdown that shows them.
    """
    parts = [_per_class(results, task, folder), _gap(results, task, folder)]
    parts.append(_cosine(results, task, folder))
    return "".join(part for part in parts if part)


def _per_class(results, task, folder):
    """Fig. 3: AMID against CCL; classes are those of one seed, for a world has its own."""
    rows = ("AMID", "CCL") if results.seeds("CCL") else ("AMID", "student alone")
    values = {row: results.values(row, "per class") for row in rows}
    both = [seed for seed in values[rows[0]] if seed in values[rows[1]]]
    if not both:
        return ""
    seed = min(both)
    accuracies = {row: values[row][seed] for row in rows}
    names = task.class_names or [str(index) for index in range(len(accuracies["AMID"]))]
    text = f"Figure 3: accuracy of each class, seed {seed}, {rows[0]} against {rows[1]}."
    return _written(folder, task, "per_class", text, ka.plots.per_class_figure, accuracies, names)


def _gap(results, task, folder):
    """Fig. 4."""
    histories = _curves(results, dict(zip(_GAP_ROWS, _GAP_ROWS, strict=True)), "teacher_accuracy")
    text = "Figure 4: accuracy of the teacher minus the student's, over the epochs."
    text += _last(
        histories,
        lambda log: 100 * (log("teacher_accuracy") - log("student_accuracy")),
        "MIs+MIa > AMID",
    )
    return _written(folder, task, "gap", text, ka.plots.accuracy_gap_figure, histories)


def _cosine(results, task, folder):
    """Fig. 5."""
    histories = _curves(results, _COSINE_ROWS, "class_cosine")
    text = "Figure 5: mean same-class cosine of teacher and student, over the epochs."
    text += _last(histories, lambda log: log("class_cosine"), "AMID > no D2 > no L_adv")
    return _written(folder, task, "cosine", text, ka.plots.class_cosine_figure, histories)


def _curves(results, rows, log):
    """dict, name -> histories of the rows that logged validation or test data in each epoch."""
    histories = {name: results.histories(row) for name, row in rows.items()}
    logs = {f"val_{log}", f"test_{log}"}
    return {
        name: runs
        for name, runs in histories.items()
        if runs and all(logs & set(history) for history in runs)
    }


def _last(histories, value, order):
    """What the last epoch's curves show, beside the order that the paper claims."""
    shown = []
    for name, runs in histories.items():
        side = "test" if "test_class_cosine" in runs[0] else "val"
        ends = [value(lambda log, run=run, side=side: run[f"{side}_{log}"][-1]) for run in runs]
        shown.append(f"{name} {np.mean(ends):.3g}")
    return f" Last epoch: {', '.join(shown)}; the paper's order: {order}." if shown else ""


def _written(folder, task, name, text, draw, values, *arguments):
    if not values:
        return ""
    draw(values, *arguments, path=folder / f"{task.name}_{name}.png")
    return f"\n![{text.split('.')[0]}]({task.name}_{name}.png)\n\n{text}\n"
