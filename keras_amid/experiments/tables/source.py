"""Where a process of `tables.py` finds its task: a recipe's path and what the command changed."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

from keras_amid.experiments.config import Config
from keras_amid.experiments.recipe import Recipe
from keras_amid.experiments.task import Task


@dataclasses.dataclass(frozen=True)
class Source:
    """A task that every process makes for itself.

    Attributes:
        recipe: path of the recipe.
        smoke: take SMOKE.
        changed: pairs of an entry of the configuration and its value.
        folder: of the data; None: the task's default.
        out: of the command.
    """

    recipe: str
    smoke: bool
    changed: tuple[tuple[str, Any], ...]
    folder: Path | None
    out: Path

    @functools.cached_property
    def config(self) -> Config:
        """The configuration; ValueError where it does not fit."""
        return Recipe.load(self.recipe).make_config(self.smoke, dict(self.changed))

    @functools.cached_property
    def task(self) -> Task:
        """The task."""
        kind = Recipe.load(self.recipe).task
        return kind(self.config, self.folder or kind.default_folder(self.config, self.out))

    def __getstate__(self) -> dict[str, Any]:
        """What another process is given: not the task, whose class may be the recipe's own."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
