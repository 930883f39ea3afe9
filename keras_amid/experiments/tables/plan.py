"""Which runs the tables need, in which order, and what came out of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

from keras_amid.experiments.rows import AUXILIARY, ROWS, SHUFFLED, TEACHER, TWO_STEP, Row
from keras_amid.experiments.tables.preparation import Preparation
from keras_amid.experiments.tables.run import Run
from keras_amid.experiments.tables.tuning import Trial, best, trials
from keras_amid.experiments.task import Task
from keras_amid.validation.arguments import check_positive_int

#: Number of the table that the paper does not have: controls, and what is ours.
BEYOND = 7
#: Table of the paper -> its rows. Table 2 has those of Table 1, and Table 6 sweeps AMID's weights.
TABLES = {
    1: ("student alone", "CRD", "CRCD", "GMC", "CCL", "AMID", "M detached"),
    3: ("student alone", "GMC", "CRCD", "CCL", "AMID"),
    4: ("student alone", "teacher alone", "MIs", "MIs+MIa", "AMID", "AMID with NCE"),
    5: ("AMID", "fixed teacher", "no warm-up", "no D2", "uniform lambda"),
    6: ("AMID",),
    BEYOND: (
        "student alone", AUXILIARY, TEACHER, TWO_STEP, "contrast, no teacher", "CCL", "AMID",
        "M detached", "direct AMID", "CCL + KL", "CCL" + SHUFFLED, "AMID" + SHUFFLED,
    ),
}  # fmt: skip
TABLES[2] = TABLES[1]
#: Table 6: entry of the configuration -> values; the paper's own, AMID's row, is among them.
SWEEPS = {
    "mi_student_weight": (3.7, 3.8, 3.9, 4.0, 4.1, 4.2),
    "mi_auxiliary_weight": (1.3, 1.4, 1.5, 1.6, 1.7, 1.8),
    "adversarial_weight": (0.7, 0.8, 0.9, 1.0, 1.1, 1.2),
}
#: Of a compared method's own weight, about its default. AMID's weights are the paper's.
SCALES = (0.25, 4.0)


class Plan:
    """The jobs of one call of the command; the later ones once the earlier ones are done.

    Args:
        task: what is run.
        folder: of the runs' results.
        rows: names of rows, or None for all those of the tables and the task's own.
        tables: numbers, of `TABLES`.
        seeds: reported seeds.
        trials: how many are tried for every row; 0: the task's given settings, untuned.
        tuning_seeds: how many seeds each trial is run on.

    Attributes:
        tuned: dict, row -> the `Trial` chosen, from `choose`.
        scores: dict, row -> `Trial` -> list of validation accuracies, percent.
    """

    def __init__(
        self,
        task: Task,
        folder: Path,
        rows: Iterable[str] | None,
        tables: Iterable[int],
        seeds: Iterable[int],
        trials: int,
        tuning_seeds: int,
    ):
        self.task, self.folder, self.tables, self.seeds = task, folder, tuple(tables), tuple(seeds)
        if rows is None:
            rows = [*itertools.chain(*(TABLES[table] for table in tables)), *task.config.own_rows]
            rows += [task.config.rows[-1] + SHUFFLED] if task.config.control else []
        self.rows = self._in_order(rows)
        self.trial_count = check_positive_int("trials", trials, at_least=0)
        tuning_seeds = check_positive_int("tuning_seeds", tuning_seeds)
        first = task.config.tuning_seed
        self.tuning_seeds = tuple(range(first, first + tuning_seeds))
        self.tuned: dict[str, Trial | None] = {}
        self.scores: dict[str, dict[Trial, list[float]]] = {}
        if set(self.tuning_seeds) & set(self.seeds):
            raise ValueError(
                f"`seeds` must not be those tuned on, {list(self.tuning_seeds)}; received "
                f"{list(self.seeds)}."
            )
        if trials and task.config.rates is None:
            raise ValueError(
                f"`trials` must be 0 on {task.name}, which cannot tune; received {trials}."
            )
        if not trials:
            if task.given is None:
                raise ValueError(f"`trials` must be at least 1 on {task.name}; received 0.")
            self.tuning_seeds = ()
            self.tuned = dict.fromkeys(self.rows, Trial(*task.given))

    def _in_order(self, names):
        """Rows in the order of the tables, each before its control, the teacher with those that
        need it."""
        wanted = {name: self.row(name) for name in names}
        if any(row.needs_teacher for row in wanted.values()):
            wanted[TEACHER] = self.row(TEACHER)
        known = (*ROWS, *self.task.config.own_rows)
        return [row for name in known for row in (name, name + SHUFFLED) if row in wanted]

    def row(self, name: str) -> Row:
        """The `Row` of a name."""
        return self.task.config.row(name)

    def preparation(self) -> list[Preparation]:
        """The data of every seed, those tuned on first."""
        return [Preparation(seed, True) for seed in self.tuning_seeds] + [
            Preparation(seed, False) for seed in self.seeds
        ]

    def tuning(self, after_teacher: bool) -> list[Run]:
        """The trials of all rows that need no teacher, or of those that do."""
        return [
            run
            for seed in self.tuning_seeds  # slowest: a step compiled on one serves on the next
            for row in self.rows
            if self.row(row).needs_teacher == after_teacher
            for trial in self.trials(row)
            if (run := self._run(row, trial, seed, True)) is not None
        ]

    def reported(self, after_teacher: bool) -> list[Run]:
        """The runs on the reported seeds, with the settings chosen."""
        runs = []
        for seed, row in itertools.product(self.seeds, self.rows):
            if self.row(row).needs_teacher != after_teacher or self.tuned.get(row) is None:
                continue
            for variant, changed in self.settings_of(row):
                runs.append(self._run(row, self.tuned[row], seed, False, variant, changed))
        return [run for run in runs if run is not None]

    def settings_of(self, row: str) -> list[tuple[str, tuple]]:
        """Pairs of (variant, changed settings) that the tables need of a row."""
        default = next(iter(self.task.variants))
        wanted: list[tuple[str, tuple]] = [(default, ())]
        if row == "AMID" and 6 in self.tables:
            for weight, values in SWEEPS.items():
                ours = getattr(self.task.config, weight)
                wanted += [(default, ((weight, value),)) for value in values if value != ours]
        if 3 in self.tables and row in TABLES[3]:
            variants = list(self.task.variants)[1:] if row != "student alone" else []
            wanted += [(variant, ()) for variant in variants]
        return wanted

    def trials(self, row: str) -> list[Trial]:
        """The `Trial`s of a row: the same for all, without a scale where there is no weight."""
        scales = SCALES if self.row(row).weight else (1.0, 1.0)
        return trials(self.trial_count, self.task.config.rates, self.task.config.decays, scales)

    def choose(self) -> None:
        """Reads what the trials gave so far, and chooses for every row that is not chosen yet."""
        for row in self.rows:
            figure = f"{self.row(row).side} top-1"
            scores = {}
            for trial in self.trials(row):
                runs = [self._run(row, trial, seed, True) for seed in self.tuning_seeds]
                results = [run and run.result(self.task, self.folder) for run in runs]
                scores[trial] = [result["figures"][figure] for result in results if result]
            if any(scores.values()):
                self.scores[row], self.tuned[row] = scores, best(scores)

    def results(self) -> dict[tuple, dict[int, dict]]:
        """(row, variant, changed) -> seed -> the result of a reported run, where finished."""
        found = {}
        for run in self.reported(False) + self.reported(True):
            result = run.result(self.task, self.folder)
            if result is not None:
                found.setdefault((run.row, run.variant, run.changed), {})[run.seed] = result
        return found

    def size(self) -> int:
        """Number of jobs, from beginning to end."""
        trials = len(self.rows) * self.trial_count * len(self.tuning_seeds)
        reported = sum(len(self.settings_of(row)) for row in self.rows) * len(self.seeds)
        return len(self.preparation()) + trials + reported

    def _run(self, row, trial, seed, tuning, variant=None, changed=()):
        """A `Run`; None where it needs a teacher and none was tuned."""
        variant = next(iter(self.task.variants)) if variant is None else variant
        teacher = None
        if self.row(row).needs_teacher:
            if self.tuned.get(TEACHER) is None:
                return None
            pretrained = self._run(TEACHER, self.tuned[TEACHER], seed, tuning)
            teacher = pretrained.key(self.task)
        scales = (trial.rate, trial.decay, trial.scale)
        return Run(row, seed, tuning, *scales, variant, changed, teacher)
