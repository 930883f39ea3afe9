"""A recipe: a Python file with a docstring, one flat CONFIG, and SMOKE."""

from __future__ import annotations

import dataclasses
import sys
import zlib
from collections.abc import Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from keras_amid.experiments.config import Config
from keras_amid.experiments.task import Task


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A recipe's parts.

    Attributes:
        config: CONFIG: `task`, a subclass of `Task`, and the entries of its `Config`.
        smoke: SMOKE, likewise, for a run of every line on next to nothing; None: there is none.
        doc: the docstring.
    """

    config: Mapping[str, Any]
    smoke: Mapping[str, Any] | None
    doc: str

    @classmethod
    def load(cls, path: str | Path) -> Recipe:
        """Reads a recipe's file, wherever it is.

        It is run as a module of its own; what it imports must be installed, or stand on Python's
        path. CONFIG without a SMOKE is a recipe without --smoke.

        Raises:
            ValueError: there is no such file, or no CONFIG in it.
        """
        path = Path(path).resolve()
        module = _module(path)
        if not isinstance(getattr(module, "CONFIG", None), Mapping):
            raise ValueError(f"`recipe` must define CONFIG, a dict; {str(path)!r} has none.")
        return cls(module.CONFIG, getattr(module, "SMOKE", None), module.__doc__ or "")

    def __post_init__(self) -> None:
        task = self.config.get("task")
        if not (isinstance(task, type) and issubclass(task, Task)):
            raise ValueError(f"`CONFIG` must have `task`, a subclass of Task; received {task!r}.")

    @property
    def task(self) -> type[Task]:
        """The class of the task."""
        return self.config["task"]

    def make_config(self, smoke: bool, changed: Mapping[str, Any]) -> Config:
        """The configuration: CONFIG or SMOKE, with the entries that a command line changes.

        Raises:
            ValueError: see `Config.of`; or there is no SMOKE.
        """
        values = self.smoke if smoke else self.config
        if values is None:
            raise ValueError("`--smoke` must not be given: the recipe has no SMOKE.")
        values = {name: value for name, value in values.items() if name != "task"}
        return self.task.config_class.of(values | dict(changed))


def _module(path):
    """The module of a file, run on the first call."""
    name = f"recipe_{path.stem}_{zlib.crc32(bytes(path)):08x}"
    if name not in sys.modules:
        if not path.is_file():
            raise ValueError(f"`recipe` must be a Python file; received {str(path)!r}.")
        sys.modules[name] = module = ModuleType(name)  # dataclasses look their module up
        module.__file__ = str(path)  # a recipe may have data beside it
        try:
            SourceFileLoader(name, str(path)).exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]
