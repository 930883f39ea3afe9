"""The tables in Markdown, from the results over seeds."""

import math

import numpy as np

from keras_amid.experiments import rows as methods
from keras_amid.experiments.tables.claims import difference, sentences
from keras_amid.experiments.tables.plan import SWEEPS, TABLES
from keras_amid.experiments.tables.results import mean_and_error

STUDENT, TEACHER = "student top-1", "teacher top-1"
_OURS = {"M detached": "M detached (ours, not the paper's)"}
_SYMBOLS = {
    "mi_student_weight": "a1", "mi_auxiliary_weight": "a2", "adversarial_weight": "a3",
}  # fmt: skip


class Report:
    """Writes the tables of a finished plan.

    Args:
        plan: `tables_plan.Plan`, its runs finished as far as they will be.
        results: `tables_results.Results` of them.
        task: `task.Task`.
    """

    def __init__(self, plan, results, task):
        self.plan, self.results, self.task = plan, results, task
        self.within, self.outside = [], []

    def markdown(self, command, time, failed):
        """The whole text.

        Args:
            command: str, the command line.
            time: str, what it took and on what.
            failed: list of (job's name, error's text).
        """
        tables = set(self.plan.tables)
        seeds = self.plan.seeds
        parts = [
            f"# {self.task.title}: the paper's tables",
            f"Made by `{command}`: {time}",
            f"{len(seeds)} seeds ({seeds[0]} to {seeds[-1]}), {self.task.epochs} epochs, last "
            "epoch's weights. Cells are percent on the test split: mean +- standard error over "
            "the seeds; p and wins are of the paired t-test (two-sided, not corrected for the "
            f"number of rows) of a row's student against AMID's. {self._settings()}",
        ]
        if self.task.reference:
            parts.append(self.task.reference_note)
        parts += [self.methods_table()] if tables & {1, 2} else []
        parts += [self.variants_table()] if 3 in tables else []
        parts += [self.teachers_table()] if 4 in tables else []
        parts += [self.ablations_table()] if 5 in tables else []
        parts += [self.sweeps_table()] if 6 in tables else []
        parts += [self.claims(), self.agreement(), self.trials(), _failures(failed)]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _settings(self):
        if self.plan.trial_count:
            return (
                "Settings of every row were chosen on the validation split of other seeds (below)."
            )
        rate, decay = self.task.given
        return f"Learning rate {rate:g} and weight decay {decay:g} are given, not tuned here."

    def methods_table(self):
        """Tables 1 and 2: top-1, R@1 and R@5 of every method's student."""
        figures = (STUDENT, "student R@1", "student R@5")
        return "## Tables 1 and 2: methods\n\n" + self._rows(TABLES[1], figures)

    def teachers_table(self):
        """Table 4: student and teacher."""
        return "## Table 4: parts of the loss\n\n" + self._rows(TABLES[4], (STUDENT, TEACHER))

    def ablations_table(self):
        """Table 5."""
        return "## Table 5: ablations\n\n" + self._rows(TABLES[5], (STUDENT, TEACHER))

    def variants_table(self):
        """Table 3: WA and UA with other auxiliary modalities."""
        lines = ["## Table 3: auxiliary modalities\n", "| auxiliary | method | WA | UA |"]
        lines.append("|---" * 4 + "|")
        alone = ["student alone"]
        default = self.results.default
        pairs = [("none", default, row) for row in TABLES[3] if row in alone]
        for variant in self.task.variants:
            pairs += [(variant, variant, row) for row in TABLES[3] if row not in alone]
        for shown, variant, row in pairs:
            cells = [
                self._cell(row, figure, variant=variant) for figure in ("student WA", "student UA")
            ]
            if any(cells):
                lines.append(f"| {shown} | {row} | {' | '.join(cells)} |")
        return "\n".join(lines)

    def sweeps_table(self):
        """Table 6: the three weights."""
        lines = ["## Table 6: weights of AMID's terms\n"]
        for weight, values in SWEEPS.items():
            default = getattr(methods.Settings, weight)
            which = [() if value == default else ((weight, value),) for value in values]
            shown = [f"{v:g}{' (the paper)' if v == default else ''}" for v in values]
            cells = [self._cell("AMID", STUDENT, changed=changed) for changed in which]
            tests = [
                self.results.compare("AMID", "AMID", STUDENT, changed=changed) if changed else None
                for changed in which
            ]
            ps = [f"{t.p:.1g}" if t and not math.isnan(t.p) else "" for t in tests]
            lines += [
                f"| {_SYMBOLS[weight]} | {' | '.join(shown)} |",
                "|---" * (len(values) + 1) + "|",
                f"| student top-1 | {' | '.join(cells)} |",
                f"| p | {' | '.join(ps)} |\n",
            ]
            compared = [t for t in tests if t]
            if compared:
                widest = max(compared, key=lambda test: abs(test.mean))
                lines.append(
                    f"Farthest from the paper's {_SYMBOLS[weight]}: {difference(widest)}.\n"
                )
        return "\n".join(lines).rstrip()

    def claims(self):
        """What holds and what does not."""
        found = sentences(self.results)
        return "## What holds here\n\n" + "\n".join(f"- {line}" for line in found) if found else ""

    def agreement(self):
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

    def trials(self):
        """The search: every trial's validation accuracy."""
        if not self.plan.trial_count:
            return ""
        seeds = self.plan.tuning_seeds
        lines = [
            "## Trials\n",
            f"Every row: the same {self.plan.trial_count} points of learning rate x weight decay "
            "(x a factor on the method's own weight, for the compared methods that have one; "
            "AMID's weights are the paper's), validation top-1 over seeds "
            f"{', '.join(map(str, seeds))}, of the teacher for the teacher alone, else of the "
            "student. * marks the best.\n",
            "| row | learning rate / weight decay / factor: validation top-1 |",
            "|---|---|",
        ]
        for row, scores in self.plan.scores.items():
            cells = []
            for trial, values in scores.items():
                settings = f"{trial.rate:g} / {trial.decay:g}"
                settings += f" / {trial.scale:g}" if methods.row(row).weight else ""
                value = f"{np.mean(values):.1f}" if values else "failed"
                star = "*" if trial == self.plan.tuned[row] else ""
                cells.append(f"{settings}: {value}{star}")
            lines.append(f"| {_OURS.get(row, row)} | {'; '.join(cells)} |")
        return "\n".join(lines)

    def _rows(self, rows, figures):
        """A table: a row each, its figures with the reference beside, and the test."""
        heads = [x for figure in figures for x in (figure, *self._reference_head(rows, figure))]
        lines = [f"| | {' | '.join(heads)} | vs AMID | p | wins |"]
        lines.append("|---" * (len(heads) + 4) + "|")
        for row in rows:
            cells = []
            for figure in figures:
                cells.append(self._cell(row, figure))
                if self._reference_head(rows, figure):
                    cells.append(self._reference_cell(row, figure))
            if any(cells):
                cells += self._test(row)
                lines.append(f"| {_OURS.get(row, row)} | {' | '.join(cells)} |")
        return "\n".join(lines)

    def _cell(self, row, figure, **which):
        values = list(self.results.values(row, figure, **which).values())
        if not values:
            return ""
        mean, error = mean_and_error(values)
        return f"{mean:.1f}" if math.isnan(error) else f"{mean:.1f} +- {error:.1f}"

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

    def _test(self, row):
        compared = None if row == "AMID" else self.results.compare(row, "AMID", STUDENT)
        if compared is None:
            return ["", "", ""]
        p = "" if math.isnan(compared.p) else f"{compared.p:.1g}"
        return [f"{compared.mean:+.1f}", p, f"{compared.wins} of {compared.count}"]


def _failures(failed):
    if not failed:
        return ""
    lines = [f"- {name}: {error.strip().splitlines()[-1]}" for name, error in failed]
    return "## Failed\n\n" + "\n".join(lines)
