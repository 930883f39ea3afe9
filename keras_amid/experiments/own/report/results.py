"""What came out: tiles, the table with spread and tests, what the control says, the trials."""

from __future__ import annotations

from typing import Any

from keras_amid.experiments import markdown
from keras_amid.experiments.comparison import Comparison
from keras_amid.experiments.own import tuning
from keras_amid.experiments.own.report.html import Markup, details, section, table, tag
from keras_amid.experiments.rows import SHUFFLED

_FIGURES = ("student top-1", "student UA", "teacher top-1", "student R@1", "student R@5")
STUDENT, ALONE = "student top-1", "student alone"


def tiles(outcome: Any) -> Markup:
    """The figures that a reader looks for first."""
    last = outcome.task.config.rows[-1]
    shown = [(row, _cell(outcome, row, STUDENT)) for row in (ALONE, last)]
    found = [tag("div", tag("b", f"{v} %"), tag("span", f"{row}, top-1"), class_="tile")
             for row, v in dict(shown).items() if v]  # fmt: skip
    for other, says in (
        (ALONE, "gain over the student alone"),
        (last + SHUFFLED, "beyond the control"),
    ):
        test = None if other == last else compared(outcome, last, other)
        if test is not None:
            kind = None if abs(test.mean) < 0.05 else "good" if test.mean > 0 else "bad"
            value = tag("b", f"{test.mean:+.1f}", class_=kind)
            found.append(tag("div", value, tag("span", f"points, {says}{_p(test)}"), class_="tile"))
    return tag("div", *found, class_="tiles")


def results(outcome: Any, teaching: Markup) -> Markup:
    """The section; `teaching` is what `teaching.teaching` says."""
    figures = outcome.figures
    columns = [c for c in _FIGURES if any(c in run for runs in figures.values() for run in runs)]
    seeds = len(outcome.runs)
    head = ["", *columns, "against the student alone", "p", "ahead"]
    rows = [
        [row, *(_cell(outcome, row, c) for c in columns), *_test(outcome, row)] for row in figures
    ]
    spread = "One seed: no spread and no test. --seeds 3 gives both."
    if seeds > 1:
        spread = f"{seeds} seeds, {markdown.SPREAD}; p of a paired, two-sided t-test."
    return section(
        "Results",
        tag("p", "Percent of the test samples. ", spread, class_="soft"),
        table(head, rows),
        *([tag("h3", "What teaches"), teaching] if teaching else []),
        *_control(outcome),
        *_trials(outcome),
    )


def compared(outcome: Any, first: str, second: str, figure: str = STUDENT) -> Comparison | None:
    """Two rows against each other; None where one of them is not there."""
    pair = [[run[figure] for run in outcome.figures.get(row, ()) if figure in run]
            for row in (first, second)]  # fmt: skip
    return Comparison.of(*pair) if all(pair) else None


def _cell(outcome, row, figure):
    return markdown.cell([run[figure] for run in outcome.figures.get(row, ()) if figure in run])


def _test(outcome, row):
    test = None if row == ALONE else compared(outcome, row, ALONE)
    if test is None:
        return ["", "", ""]
    return [f"{test.mean:+.1f}", markdown.p_value(test.p), f"{test.wins} of {test.count}"]


def _p(test):
    return f", p = {markdown.p_value(test.p)}" if test.count > 1 and test.p == test.p else ""


def _control(outcome):
    """What the control says, in words."""
    lines = [_verdict(outcome, row) for row in outcome.figures if row + SHUFFLED in outcome.figures]
    if lines:
        return [
            tag("h3", "What the control says"),
            *lines,
            tag("p", markdown.CONTROL, class_="soft"),
        ]
    says = (
        "No control was run: whether a gain is knowledge of the auxiliary modalities, or "
        "regularisation alone, cannot be told. --control adds it."
    )
    return [tag("h3", "What the control says"), tag("p", says, class_="verdict")]


def _verdict(outcome, row):
    control = compared(outcome, row, row + SHUFFLED)
    gain = compared(outcome, row, ALONE)
    if control is None:
        return ""
    over = "" if gain is None else f" {row} gains {gain.mean:+.1f} points over the student alone."
    if control.count < 2:
        says = "With one seed this is a hint, no test."
    elif control.p < 0.05 and control.mean > 0:
        says = "So the pairs matter: what is gained beyond the control is knowledge."
    else:
        says = "No gain beyond the control shows: do not count on the auxiliary modalities here."
    text = (
        f"{over} Beyond the same with its pairs shuffled: {control.mean:+.1f}{_p(control)}. {says}"
    )
    return tag("p", text.strip(), class_="verdict")


def _trials(outcome):
    if not outcome.scores:
        return []
    rows = [
        [row, f"{rate:g}", f"{decay:g}", f"{value:.1f}", "chosen" if chosen else ""]
        for row, rate, decay, value, chosen in tuning.shown(outcome.scores)
    ]
    head = ["", "learning rate", "weight decay", "validation top-1", ""]
    return [details(f"{len(rows)} trials on the validation split", table(head, rows))]
