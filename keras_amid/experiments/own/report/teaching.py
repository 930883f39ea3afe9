"""Which of the two knows more: what teaches, or what is taught."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_amid.experiments.own.report.html import Markup, tag
from keras_amid.experiments.own.report.results import ALONE

_SAME = 1.0  # percentage points within which neither is the stronger


def teaching(outcome: Any) -> Markup:
    """Says whether the auxiliary modalities by themselves are the weaker of the two; may be empty.

    The last epoch's accuracies are compared, on validation samples where there are any.
    """
    last = outcome.task.config.rows[-1]
    alone = ALONE if ALONE in outcome.figures else last
    known = {}
    for prefix, of in (("", "training samples"), ("val_", "validation samples")):
        taught = _last(outcome, alone, f"{prefix}student_accuracy")
        teacher = _last(outcome, last, f"{prefix}auxiliary_accuracy")
        if taught is not None and teacher is not None:
            known = {"taught": taught, "teacher": teacher, "of": of}
    return _said(outcome, alone, last, **known) if known else Markup("")


def _said(outcome, alone, last, taught, teacher, of):
    name = " + ".join(outcome.task.config.auxiliary)
    target = " + ".join(outcome.task.config.target)
    if abs(teacher - taught) <= _SAME:
        says = "neither is the stronger: expect little."
    elif teacher < taught:
        says = f"{name}, which teaches, is the weaker of the two: expect little, or harm."
    else:
        says = f"{name}, which teaches, is the stronger of the two."
    return tag(
        "p",
        f"Who knows more? At the end of the training, {name} alone ({last}, auxiliary_accuracy) is "
        f"right in {teacher:.1f} % of the {of}, {target} alone ({alone}) in {taught:.1f} %: {says}",
        class_="verdict",
    )


def _last(outcome, row, log):
    """Mean over the seeds of a log's last value, percent; None where a run has none."""
    found = [(runs.histories().get(row) or {}).get(log) for runs in outcome.runs]
    return 100 * float(np.mean([values[-1] for values in found])) if all(found) else None
