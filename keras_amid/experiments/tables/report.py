"""The tables in Markdown, from the results over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from keras_amid.experiments import markdown
from keras_amid.experiments.comparison import mean_and_error
from keras_amid.experiments.rows import SHUFFLED, Settings
from keras_amid.experiments.tables.claims import difference, sentences
from keras_amid.experiments.tables.plan import BEYOND, SWEEPS, TABLES, Plan
from keras_amid.experiments.tables.results import Results

STUDENT, TEACHER, AUXILIARY = "student top-1", "teacher top-1", "auxiliary top-1"
_PAPERS = "the paper's tables"
_CONTENTS = "controls, and what is ours"
_OURS = {row: f"{row} (ours, not the paper's)" for row in ("M detached", "direct AMID", "CCL + KL")}
_SYMBOLS = {
    "mi_student_weight": "a1", "mi_auxiliary_weight": "a2", "adversarial_weight": "a3",
}  # fmt: skip


class Report:
    """Writes the tables of a finished plan.

    Args:
        plan: its runs finished as far as they will be.
        results: of them.
    """

    def __init__(self, plan: Plan, results: Results):
        self.plan, self.results, self.task = plan, results, plan.task
        self.within, self.outside = [], []

    def markdown(self, command: str, time: str, failed: Sequence[tuple[str, str]]) -> str:
        """The whole text.

        Args:
            command: the command line.
            time: what it took and on what.
            failed: pairs of a job's name and the error's text.
        """
        tables, config = set(self.plan.tables), self.task.config
        seeds = self.plan.seeds
        parts = [
            f"# {config.title}: {_CONTENTS if tables == {BEYOND} else _PAPERS}",
            f"Made by `{command}`: {time}",
            f"{len(seeds)} seeds ({seeds[0]} to {seeds[-1]}), {config.epochs} epochs, last "
            f"epoch's weights. Cells are percent on the test split: {markdown.SPREAD} over "
            "the seeds; p and wins are of the paired t-test (two-sided, not corrected for the "
            "number of rows) of a row's student against the one that is named. "
            f"{self._settings()}",
            self.task.remark,
            config.note(),
        ]
        parts += [self.task.reference_note] if self.task.reference else []
        parts += [self.methods_table()] if tables & {1, 2} else []
        parts += [self.variants_table()] if 3 in tables else []
        parts += [self.teachers_table()] if 4 in tables else []
        parts += [self.ablations_table()] if 5 in tables else []
        parts += [self.sweeps_table()] if 6 in tables else []
        parts += [self.beyond_table()] if BEYOND in tables else []
        parts += [self.claims(), self.agreement(), self.trials(), _failures(failed)]
        return "\n\n".join(part.rstrip() for part in parts if part) + "\n"

    def _settings(self):
        if self.plan.trial_count:
            return (
                "Settings of every row were chosen on the validation split of other seeds (below)."
            )
        rate, decay = self.task.given
        return f"Learning rate {rate:g} and weight decay {decay:g} are given, not tuned here."

    def methods_table(self) -> str:
        """Tables 1 and 2: top-1, R@1 and R@5 of every method's student, own rows' too."""
        rows = (*TABLES[1], *self.task.config.own_rows)
        rows = tuple(row for name in rows for row in (name, name + SHUFFLED))
        figures = (STUDENT, "student R@1", "student R@5")
        return "## Tables 1 and 2: methods\n\n" + self._rows(rows, figures)

    def teachers_table(self) -> str:
        """Table 4: student and teacher."""
        return "## Table 4: parts of the loss\n\n" + self._rows(TABLES[4], (STUDENT, TEACHER))

    def ablations_table(self) -> str:
        """Table 5."""
        return "## Table 5: ablations\n\n" + self._rows(TABLES[5], (STUDENT, TEACHER))

    def variants_table(self) -> str:
        """Table 3: WA and UA with other auxiliary modalities."""
        alone = ["student alone"]
        pairs = [("none", self.results.default, row) for row in TABLES[3] if row in alone]
        for variant in self.task.variants:
            pairs += [(variant, variant, row) for row in TABLES[3] if row not in alone]
        rows = []
        for shown, variant, row in pairs:
            cells = [self._cell(row, f"student {name}", variant=variant) for name in ("WA", "UA")]
            if any(cells):
                rows.append((shown, row, *cells))
        table = markdown.table(("auxiliary", "method", "WA", "UA"), rows)
        return "## Table 3: auxiliary modalities\n\n" + table

    def sweeps_table(self) -> str:
        """Table 6: the three weights."""
        parts = ["## Table 6: weights of AMID's terms\n"]
        for weight, values in SWEEPS.items():
            ours, papers = getattr(self.task.config, weight), getattr(Settings, weight)
            which = [() if value == ours else ((weight, value),) for value in values]
            shown = [f"{v:g}{' (the paper)' if v == papers else ''}" for v in values]
            tests = [
                self.results.compare("AMID", "AMID", STUDENT, changed=changed) if changed else None
                for changed in which
            ]
            rows = [
                (STUDENT, *(self._cell("AMID", STUDENT, changed=changed) for changed in which)),
                ("p", *(markdown.p_value(test.p) if test else "" for test in tests)),
            ]
            parts.append(markdown.table((_SYMBOLS[weight], *shown), rows))
            compared = [test for test in tests if test]
            if compared:
                widest = max(compared, key=lambda test: abs(test.mean))
                parts.append(
                    f"Farthest from the paper's {_SYMBOLS[weight]}: {difference(widest)}.\n"
                )
        return "\n".join(parts)

    def beyond_table(self) -> str:
        """What the paper does not have: controls, what is ours, and own rows."""
        names = (*TABLES[BEYOND], *self.task.config.own_rows)
        rows = (row for name in names for row in (name, name + SHUFFLED))
        lines = []
        for row in dict.fromkeys(rows):
            cells = [self._cell(row, figure) for figure in (STUDENT, TEACHER, AUXILIARY)]
            if any(cells):
                lines.append((_OURS.get(row, row), *cells, *self._test(row, "student alone")))
        head = ("", STUDENT, TEACHER, AUXILIARY, "vs student alone", "p", "wins")
        title = f"## {_CONTENTS[0].upper()}{_CONTENTS[1:]}\n\n"
        return f"{title}{markdown.table(head, lines)}\n{markdown.CONTROL}"

    def claims(self) -> str:
        """What holds and what does not."""
        found = sentences(self.results)
        return "## What holds here\n\n" + "\n".join(f"- {line}" for line in found) if found else ""

    def agreement(self) -> str:
        """Which figures lie outside the reference's spread."""
        within, outside = set(self.within), list(dict.fromkeys(self.outside))
        if not within and not outside:
            return ""
        return (
            f"## Against the reference\n\n{len(within)} of {len(within) + len(outside)} figures "
            "lie within 2 standard errors of the difference"
            + (", all but these, marked (!):\n\n" if outside else ".")
            + "\n".join(f"- {line}" for line in outside)
        )

    def trials(self) -> str:
        """The search: every trial's validation accuracy."""
        if not self.plan.trial_count:
            return ""
        seeds = ", ".join(map(str, self.plan.tuning_seeds))
        rows = []
        for row, scores in self.plan.scores.items():
            cells = []
            for trial, values in scores.items():
                settings = f"{trial.rate:g} / {trial.decay:g}"
                settings += f" / {trial.scale:g}" if self.plan.row(row).weight else ""
                value = f"{np.mean(values):.1f}" if values else "failed"
                star = "*" if trial == self.plan.tuned[row] else ""
                cells.append(f"{settings}: {value}{star}")
            rows.append((_OURS.get(row, row), "; ".join(cells)))
        head = ("row", "learning rate / weight decay / factor: validation top-1")
        return (
            "## Trials\n\n"
            f"Every row: the same {self.plan.trial_count} points of learning rate x weight decay "
            "(x a factor on the method's own weight, for the compared methods that have one; "
            f"AMID's weights are the paper's), validation top-1 over seeds {seeds}, of the teacher "
            "for the teacher alone, else of the student. * marks the best.\n\n"
            + markdown.table(head, rows)
        )

    def _rows(self, rows, figures):
        """A table: a row each, its figures with the reference beside, and the test."""
        heads = [x for figure in figures for x in (figure, *self._reference_head(rows, figure))]
        lines = []
        for row in rows:
            cells = []
            for figure in figures:
                cells.append(self._cell(row, figure))
                if self._reference_head(rows, figure):
                    cells.append(self._reference_cell(row, figure))
            if any(cells):
                lines.append((_OURS.get(row, row), *cells, *self._test(row)))
        return markdown.table(("", *heads, "vs AMID", "p", "wins"), lines)

    def _cell(self, row, figure, **which):
        return markdown.cell(list(self.results.values(row, figure, **which).values()))

    def _reference_head(self, rows, figure):
        known = any(figure in self.task.reference.get(row, {}) for row in rows)
        return ("reference",) if known else ()

    def _reference_cell(self, row, figure):
        reference = self.task.reference.get(row, {}).get(figure)
        values = list(self.results.values(row, figure).values())
        if reference is None or not values:
            return ""
        (value, spread), (mean, error) = reference, mean_and_error(values)
        if spread is None or math.isnan(error):
            return f"{value:.1f}"
        errors = (mean - value) / math.hypot(error, spread)
        if abs(errors) <= 2:
            self.within.append((row, figure))
            return f"{value:.1f}"
        self.outside.append(
            f"{row}, {figure}: {mean:.1f} +- {error:.1f} here, {value:.1f} +- {spread:.1f} there "
            f"({errors:+.1f} standard errors)"
        )
        return f"{value:.1f} (!)"

    def _test(self, row, other="AMID"):
        compared = None if row == other else self.results.compare(row, other, STUDENT)
        if compared is None:
            return ["", "", ""]
        return [
            f"{compared.mean:+.1f}",
            markdown.p_value(compared.p),
            f"{compared.wins} of {compared.count}",
        ]


def _failures(failed):
    if not failed:
        return ""
    lines = [f"- {name}: {error.strip().splitlines()[-1]}" for name, error in failed]
    return "## Failed\n\n" + "\n".join(lines)
