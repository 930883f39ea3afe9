"""Tables in Markdown: every one that this package prints or writes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from keras_amid.experiments.comparison import Comparison, mean_and_error
from keras_amid.experiments.rows import SHUFFLED

#: What a control is for, for the text beside a table.
CONTROL = (
    "Only a gain beyond this control is knowledge of the auxiliary modalities: in the control they "
    "belong to other samples, so what it gains over the student alone is regularisation."
)
#: What +- is, for the text beside a table.
SPREAD = "mean +- standard error"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table.

    Args:
        head: of the columns.
        rows: of as many cells each.
    """
    return (
        f"| {' | '.join(head)} |\n"
        + "|---" * len(head)
        + "|\n"
        + "".join(f"| {' | '.join(row)} |\n" for row in rows)
    )


def cell(values: Sequence[float], sign: str = "") -> str:
    """Mean and standard error of values; a single one as it is, none as nothing.

    Args:
        values: one a seed.
        sign: "+" shows that of a positive mean, too.
    """
    if not len(values):
        return ""
    mean, error = mean_and_error(values)
    return f"{mean:{sign}.1f}" if math.isnan(error) else f"{mean:{sign}.1f} +- {error:.1f}"


def p_value(p: float) -> str:
    """One digit of a p; NaN as nothing."""
    return "" if math.isnan(p) else f"{p:.1g}"


def results_table(
    columns: Sequence[str],
    results: Mapping[str, Sequence[Mapping[str, float]]],
    paper: Mapping[str, Mapping[str, float]],
    unit: str = "seeds",
    samples: str = "samples",
) -> str:
    """The table of a recipe: rows with the paper's figures beside, and AMID's gap.

    Args:
        columns: names of figures; those that no row has are left out.
        results: row -> its figures, percent, one dict a seed; the same seeds for each row.
        paper: row -> figure -> percent.
        unit: what a dict of `results` is.
        samples: what the figures are shares of.
    """
    shown = [c for c in columns if any(c in r for row in results.values() for r in row)]
    with_paper = [c for c in shown if any(c in paper.get(row, {}) for row in results)]
    head = [f"%, test {samples}"] + [
        h for c in shown for h in (c, *(["paper"] if c in with_paper else []))
    ]
    rows = []
    for row, figures in results.items():
        cells = [row]
        for column in shown:
            cells.append(cell([result[column] for result in figures if column in result]))
            if column in with_paper:
                expected = paper.get(row, {}).get(column)
                cells.append("" if expected is None else f"{expected:.1f}")
        rows.append(cells)
    count = max(map(len, results.values()))
    text = f"\n{count} {unit}, {SPREAD}." if count > 1 else ""
    if {"AMID", "student alone"} <= set(results):
        cells, sentence = _gap(shown, with_paper, results, unit)
        rows.append(cells)
        text += sentence
    text += "".join(f"\n\n{line}" for line in controls(shown[:1], results, unit))
    return table(head, rows) + (f"{text}\n" if text else "")


def controls(
    columns: Sequence[str], results: Mapping[str, Sequence[Mapping[str, float]]], unit: str
) -> list[str]:
    """What each control says of its row, one sentence a control and column.

    Args:
        columns, results, unit: as of `results_table`.
    """
    lines = []
    for row in (r for r in results if r + SHUFFLED in results):
        for column in columns:
            pair = [[r[column] for r in results[n] if column in r] for n in (row, row + SHUFFLED)]
            if not all(pair):
                continue
            test = Comparison.of(*pair)
            gain = cell([a - b for a, b in zip(*pair, strict=True)], "+")
            text = f"{row}, {column}, beyond the same with its pairs shuffled: {gain}"
            if test.count > 1:
                text += f", p = {p_value(test.p) or 'none'}, in {test.wins} of {test.count} {unit}"
            lines.append(f"{text}. {CONTROL}")
    return lines


def _gap(shown, with_paper, results, unit):
    """The last row, and what the test of its first figure says."""
    cells, sentence = ["gap, AMID - student alone"], ""
    for column in shown:
        pair = [
            [r[column] for r in results[row] if column in r] for row in ("AMID", "student alone")
        ]
        cells.append(cell([a - b for a, b in zip(*pair, strict=True)], "+") if all(pair) else "")
        cells += [""] if column in with_paper else []
        if all(pair) and len(pair[0]) > 1 and not sentence:
            test = Comparison.of(*pair)
            sentence = (
                f" Paired t-test of the {column} gap: p = {p_value(test.p) or 'none'}; AMID "
                f"leads in {test.wins} of {test.count} {unit}."
            )
    return cells, sentence
