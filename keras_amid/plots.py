"""Figures of training runs."""

from pathlib import Path

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


def training_figure(histories, path=None):
    """Draws accuracy, same-class cosine and lambda of runs over their epochs.

    Args:
        histories: dict, name of a run -> dict, name of a log -> one float an epoch, as
            `fit(...).history`. Drawn are `student_accuracy` and `teacher_accuracy` (their
            `val_` twins where there are any), `class_cosine`, `val_class_cosine`, `lambda_1`
            and `lambda_2`; a run may lack some of them.
        path: str or path of a PNG to write, its folder made where missing. Default: none.

    Returns:
        A `matplotlib.figure.Figure` of three panels.

    Raises:
        ValueError: no run is given, or a run holds none of the logs above.
    """
    if not histories:
        raise ValueError(f"`histories` must hold at least one run. Received: {histories!r}")
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
                f"`histories[{run!r}]` must hold at least one epoch of one of {known}. "
                f"Received: logs {sorted(histories[run])}"
            )
    if path is not None:
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="png", dpi=150)
    return figure


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
