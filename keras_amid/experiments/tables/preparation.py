"""The job of putting one seed's data on disk."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from keras_amid.experiments.task import Task


@dataclasses.dataclass(frozen=True)
class Preparation:
    """Puts one seed's data on disk; see `Task.prepare`."""

    seed: int
    tuning: bool

    @property
    def name(self) -> str:
        """What a message calls it."""
        return f"data of {'tuning ' if self.tuning else ''}seed {self.seed}"

    def execute(self, task: Task, folder: Path) -> None:
        """Does it; returns at once where it is done."""
        del folder
        task.prepare(self.seed, self.tuning)
