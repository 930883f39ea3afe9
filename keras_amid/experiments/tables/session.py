"""One call of `tables.py`: its jobs done, how far it is, and what failed."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from pathlib import Path

from keras_amid.data.storage.progress import progress_bar
from keras_amid.experiments.tables.plan import Plan
from keras_amid.experiments.tables.preparation import Preparation
from keras_amid.experiments.tables.run import Run
from keras_amid.experiments.tables.source import Source
from keras_amid.experiments.tables.workers import Workers


def execute(job: Preparation | Run, source: Source, folder: Path) -> None:
    """Executes a job; a function, so that other processes can be given it."""
    # TensorFlow's warnings of functions traced for a second batch size.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    job.execute(source.task, folder)


class Session:
    """One call of the command.

    Args:
        plan: what is to be done.
        workers: who does it.

    Attributes:
        ran, found: numbers of jobs that were done now, and that were done before.
        failed: pairs of a job's name and the error's text.
    """

    def __init__(self, plan: Plan, workers: Workers):
        self.plan, self.workers, self.failed = plan, workers, []
        self.ran = self.found = 0
        self.without_data = set()
        self.bar = progress_bar(total=plan.size(), description=plan.task.name, unit="job")
        self.bar.smoothing = 0  # jobs take very different times

    def all(self) -> None:
        """Every job of the plan, in the order in which they need each other."""
        plan = self.plan
        self.do(plan.preparation())
        self.do(plan.tuning(after_teacher=False))
        plan.choose()
        self.do(plan.tuning(after_teacher=True) + plan.reported(after_teacher=False))
        plan.choose()
        self.do(plan.reported(after_teacher=True))
        self.bar.close()

    def do(self, jobs: Iterable[Preparation | Run]) -> None:
        """Does the jobs that are not done yet, on the seeds whose data are there."""
        jobs = list(jobs)
        todo = [job for job in jobs if not self._is_done(job)]
        todo = [job for job in todo if (job.seed, job.tuning) not in self.without_data]
        self._skip(len(jobs) - len(todo))
        for job, error in self.workers.run(todo):
            self.ran += 1
            self.bar.update()
            if error is not None:
                self.failed.append((job.name, error))
                if isinstance(job, Preparation):
                    self.without_data.add((job.seed, job.tuning))
                self.bar.write(f"Failed: {job.name}\n{error}", file=sys.stderr)

    def minutes(self) -> float:
        """What all finished runs of the plan took, each in its process, whenever they were made."""
        plan = self.plan
        jobs = [plan.tuning(after) + plan.reported(after) for after in (False, True)]
        results = (job.result(plan.task, plan.folder) for part in jobs for job in part)
        return sum(result["seconds"] for result in results if result) / 60

    def _skip(self, count):
        """Moves the bar past jobs that say nothing about the time left."""
        self.found += count
        if not self.bar.disable:  # a disabled bar (TQDM_DISABLE=1) has no place to be moved from
            self.bar.initial += count
            self.bar.n += count
            self.bar.last_print_n += count
            self.bar.refresh()

    def _is_done(self, job):
        if isinstance(job, Run):
            return job.result(self.plan.task, self.plan.folder) is not None
        return False  # preparing what is there is quick
