"""Figures of training runs and of comparisons between methods."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

# Panel: title, label of its axis, factor, and its lines: log name -> (line style, label).
_PANELS = (
    (
        "Accuracy",
        "top-1 accuracy (%)",
        100.0,
        {"student_accuracy": ("-", "student"), "teacher_accuracy": ("--", "teacher")},
    ),
    (
        "Same-class cosine, teacher and student",
        "mean cosine (no unit)",
        1.0,
        {"val_class_cosine": ("-", "validation"), "class_cosine": ("--", "training")},
    ),
    (
        "Weights of the adversarial terms",
        "lambda (no unit)",
        1.0,
        {"lambda_1": ("-", "lambda 1"), "lambda_2": ("--", "lambda 2")},
    ),
)


def training_figure(histories: Any, path: str | os.PathLike | None = None):
    """Draws accuracy, same-class cosine and lambda of runs over their epochs.

    Args:
        histories: dict, name of a run -> dict, name of a log -> one float an epoch, as
            `fit(...).history`. Drawn are `student_accuracy` and `teacher_accuracy` (their
            `val_` twins where there are any), `class_cosine`, `val_class_cosine`, `lambda_1`
            and `lambda_2`; a run may lack some of them.
        path: str or path of a .png or .svg to write, its folder made where missing. Default: none.

    Returns:
        A `matplotlib.figure.Figure` of three panels.

    Raises:
        ValueError: no run is given, or a run holds none of the logs above.
    """
    if not histories:
        raise ValueError(f"`histories` must hold at least one run; received {histories!r}.")
    figure = Figure(figsize=(15, 4.8), layout="constrained")
    drawn = dict.fromkeys(histories, 0)
    for axes, (title, label, factor, lines) in zip(figure.subplots(1, 3), _PANELS, strict=True):
        for index, (run, history) in enumerate(histories.items()):
            drawn[run] += _draw_run(axes, run, history, factor, lines, f"C{index % 10}")
        _label(axes, title, label)
    for run, count in drawn.items():
        if count == 0:
            known = [log for *_, lines in _PANELS for log in lines]
            raise ValueError(
                f"`histories[{run!r}]` must hold at least one epoch of one of {known}; "
                f"received logs {sorted(histories[run])}."
            )
    return _saved(figure, path)


def per_class_figure(
    accuracies: Any, class_names: Sequence[str], path: str | os.PathLike | None = None
):
    """Draws the per-class accuracy of two methods or more side by side (Fig. 3 of the paper).

    Args:
        accuracies: dict, name of a method -> sequence of one accuracy a class, percent, as
            `100 * keras_amid.per_class_accuracy(...)`; NaN or None: no bar. The classes are shown
            in the order of the first method's lead over the second.
        class_names: sequence of str, one a class.
        path: str or path of a .png or .svg to write, its folder made where missing. Default: none.

    Returns:
        A `matplotlib.figure.Figure` of one panel.

    Raises:
        ValueError: fewer than two methods, or another number of accuracies than of classes.
    """
    values = {name: np.array(list(row), dtype="float64") for name, row in accuracies.items()}
    sizes = {name: row.shape for name, row in values.items()}
    if len(values) < 2 or set(sizes.values()) != {(len(class_names),)}:
        raise ValueError(
            f"`accuracies` must hold at least two methods, each with one value for each of the "
            f"{len(class_names)} `class_names`; received shapes {sizes}."
        )
    first, second = list(values.values())[:2]
    order = np.argsort(-np.nan_to_num(first - second), kind="stable")
    width = 0.8 / len(values)
    figure = Figure(figsize=(max(6.0, 0.32 * len(order)), 4.8), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(order))
    for index, (name, row) in enumerate(values.items()):
        axes.bar(places + (index + 0.5) * width - 0.4, row[order], width, label=name)
    axes.set_xticks(places, [class_names[i] for i in order], rotation=90, fontsize="small")
    axes.set_ylabel("top-1 accuracy (%)")
    axes.set_xlim(-0.8, len(order) - 0.2)
    axes.grid(axis="y", alpha=0.3)
    axes.legend()
    return _saved(figure, path)


def accuracy_gap_figure(histories: Any, path: str | os.PathLike | None = None):
    """Draws the accuracy of the teacher minus that of the student over the epochs (Fig. 4).

    Args:
        histories: dict, name of a method -> list of runs (one a seed), each a dict, name of a
            log -> one float an epoch, as `fit(...).history`. Drawn are `student_accuracy` and
            `teacher_accuracy` with the first of the prefixes `test_`, `val_` and none that a run
            has; of several runs the mean, and its standard error as a band.
        path: as of `per_class_figure`.

    Returns:
        A `matplotlib.figure.Figure` of one panel.

    Raises:
        ValueError: no method is given, a method has no runs, a run lacks these logs, or runs of
            one method differ in their number of epochs.
    """
    gaps = {}
    for name, runs in _checked(histories).items():
        student, teacher = (
            _curves(name, runs, [f"{prefix}{part}_accuracy" for prefix in ("test_", "val_", "")])
            for part in ("student", "teacher")
        )
        gaps[name] = 100 * (teacher - student)
    figure = Figure(figsize=(6.5, 4.8), layout="constrained")
    axes = figure.subplots()
    _draw_means(axes, gaps)
    axes.axhline(0, color="0.5", linewidth=0.8)
    _label(axes, "Accuracy gap", "teacher - student, top-1 (points)")
    return _saved(figure, path)


def class_cosine_figure(histories: Any, path: str | os.PathLike | None = None):
    """Draws the mean same-class cosine of teacher and student over the epochs (Fig. 5).

    Args:
        histories: as of `accuracy_gap_figure`; drawn are `class_cosine` (training) and
            `test_class_cosine` (or, without it, `val_class_cosine`).
        path: as of `per_class_figure`.

    Returns:
        A `matplotlib.figure.Figure` of two panels, training and held-out data.

    Raises:
        ValueError: as `accuracy_gap_figure`.
    """
    histories = _checked(histories)
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    panels = {"training data": ["class_cosine"]}
    tested = any("test_class_cosine" in run for runs in histories.values() for run in runs)
    panels["test data" if tested else "validation data"] = ["test_class_cosine", "val_class_cosine"]
    for axes, (title, logs) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        _draw_means(axes, {name: _curves(name, runs, logs) for name, runs in histories.items()})
        _label(axes, f"Same-class cosine, {title}", "mean cosine (no unit)")
    return _saved(figure, path)


def _checked(histories):
    if not histories or not all(histories.values()):
        raise ValueError(
            "`histories` must hold at least one method, each with at least one run; "
            f"received { ({name: len(runs) for name, runs in histories.items()}) }."
        )
    return histories


def _curves(name, runs, logs):
    """The first of the logs that each run has, shape (runs, epochs)."""
    curves = []
    for run in runs:
        found = [run[log] for log in logs if run.get(log)]
        if not found:
            raise ValueError(
                f"each run of `histories[{name!r}]` must have one of the logs {logs}; "
                f"received {sorted(run)}."
            )
        curves.append(np.asarray(found[0], "float64"))
    if len({len(curve) for curve in curves}) > 1:
        raise ValueError(
            f"the runs of `histories[{name!r}]` must have the same number of epochs; "
            f"received {[len(curve) for curve in curves]}."
        )
    return np.stack(curves)


def _draw_means(axes, curves):
    """Mean over the runs, and its standard error as a band; curves: name -> (runs, epochs)."""
    for index, (name, values) in enumerate(curves.items()):
        epochs = np.arange(1, values.shape[1] + 1)
        mean = values.mean(axis=0)
        marker = "o" if len(epochs) == 1 else None
        axes.plot(epochs, mean, color=f"C{index % 10}", marker=marker, label=name)
        if len(values) > 1:
            error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
            band = {"color": f"C{index % 10}", "alpha": 0.2, "linewidth": 0}
            axes.fill_between(epochs, mean - error, mean + error, **band)


def _draw_run(axes, run, history, factor, lines, color):
    """Draws one run's lines into a panel; returns their number."""
    count = 0
    for log, (style, label) in lines.items():
        if log.endswith("accuracy") and history.get(f"val_{log}"):
            log, label = f"val_{log}", f"{label}, validation"
        elif log.endswith("accuracy"):
            label = f"{label}, training"
        values = [factor * float(value) for value in history.get(log, ())]
        if not values:
            continue
        marker = "o" if len(values) == 1 else None  # a line of one point is invisible
        epochs = range(1, len(values) + 1)
        axes.plot(epochs, values, style, color=color, marker=marker, label=f"{run}: {label}")
        count += 1
    return count


def _label(axes, title, label):
    axes.set_title(title)
    axes.set_xlabel("epoch")
    axes.set_ylabel(label)
    axes.grid(alpha=0.3)
    axes.xaxis.get_major_locator().set_params(integer=True)
    if axes.lines:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, fontsize="small")
    else:
        axes.text(0.5, 0.5, "not logged", ha="center", va="center", transform=axes.transAxes)


def _saved(figure, path):
    """Writes the figure, by the suffix as SVG or else as PNG, and returns it."""
    if path is not None:
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg" if path.suffix == ".svg" else "png", dpi=150)
    return figure
