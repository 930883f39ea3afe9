"""Data sets whose original files a recipe prepares in its --out, where `tables.py` reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from keras_amid.data.storage.files import read_json, refuse_other_settings
from keras_amid.experiments.config import Config
from keras_amid.experiments.task import Task


def default_folder(config: Config, out: Path) -> Path:
    """Where the recipe writes by default, whatever the --out of `tables.py`."""
    del out
    return Path("build") / config.name


def check_given(config: Config, *names: str) -> None:
    """Raises ValueError where an entry of these is None and no miniature is in its place."""
    missing = [name for name in names if getattr(config, name) is None]
    if missing and config.miniature is None:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise ValueError(f"{options} must be given without --smoke.")


def root(config: Config, folder: Path, miniature: Callable | None) -> Path:
    """The folder of the original files; without one, a miniature is written in their place."""
    if config.root is not None:
        return config.root
    path = folder / "miniature"
    miniature(path)
    return path


def check_prepared(task: Task) -> None:
    """Raises ValueError unless a recipe has prepared the data with the entries of this task."""
    found = read_json(task.folder / "settings.json")
    if found is None or not (task.folder / "data" / "dataset.json").exists():
        raise ValueError(
            f"`data_folder` must hold {task.config.title} as its recipe prepares it; received "
            f"{str(task.folder)!r}: run the recipe with --out {task.folder} first."
        )
    names = task.config.data_entries
    recorded = task.config.recorded()
    refuse_other_settings(
        task.folder,
        {name: found.get(name) for name in names},
        {name: recorded[name] for name in names},
    )
