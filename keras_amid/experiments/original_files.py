"""Data sets whose original files a recipe prepares in its --out, where `tables.py` reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from keras_amid.data.storage.files import read_json, refuse_other_settings
from keras_amid.experiments.config import Config
from keras_amid.experiments.task import Task


def default_folder(config: Config, out: Path) -> Path:
    """Where the recipe writes by default, whatever the --out of `tables.py`."""
    del out
    return Path("build") / config.name


def check_given(config: Config, names: Sequence[str], miniature: Callable | None) -> None:
    """Raises ValueError where an entry of these is None and there is no miniature in its place."""
    missing = [name for name in names if getattr(config, name) is None]
    if missing and miniature is None:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise ValueError(f"{options} must be given without --smoke.")


def written(miniature: Callable | None, folder: Path) -> Path:
    """Writes a miniature in the place of the original files; returns where it lies."""
    if miniature is None:
        raise ValueError("`root` must be the folder of the data set; received None.")
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
