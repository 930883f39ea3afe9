"""What a reader of an official layout found: samples with labels, and what it could not use."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

_NAMED = 8  # files and folders in a message


@dataclasses.dataclass(frozen=True)
class Listing:
    """The samples of a data set as they lie on disk.

    Attributes:
        root: `Path` that the files of the rows are relative to; a tuple of them where they lie in
            several folders.
        class_names: Tuple of str; label i is `class_names[i]`.
        splits: Dict split -> list of rows. A row is a dict of JSON values with `id` (str), `label`
            (int), `file` (str) and whatever the data set's `decode` needs; `notes` (list of
            str, optional) says what is worth knowing although the sample is kept.
        problems: List of {"id", "reason"}: what is left out, or does not fit the official lists.
        listed: Dict split -> number of samples in the official lists, where they tell.
    """

    root: Path | tuple[Path, ...]
    class_names: tuple[str, ...]
    splits: dict[str, list[dict]]
    problems: list[dict[str, str]]
    listed: dict[str, int] = dataclasses.field(default_factory=dict)


class Problems:
    """Collects what a reader finds wrong.

    Attributes:
        found: List of {"id", "reason"}.
    """

    def __init__(self):
        self.found = []

    def add(self, name: str, reason: str):
        """Adds a sample, or a line of a file ("list.txt:7"), with what is wrong with it."""
        self.found.append({"id": name, "reason": reason})


def read_lines(path: str | Path) -> Iterator[tuple[str, str]]:
    """Yields (place, line) of a text file; `place` is "name:number", blank lines are left out."""
    text = Path(path).read_text(encoding="utf-8-sig", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield f"{Path(path).name}:{number}", line.strip()


def refuse_root(root: str | Path, name: str, looked_for: Sequence, instead: Sequence = ()):
    """Raises `ValueError`: what was looked for, where, and what was found instead.

    Args:
        root: The argument `root`, or a folder below it.
        name: What it must hold.
        looked_for: List of the paths that were looked for.
        instead: List of paths that were found, where that says more than what `root` holds.
    """
    listed = ", ".join(str(path) for path in looked_for)
    found = f"where there is {_some(instead)}" if instead else _contents(Path(root))
    raise ValueError(f"`root` must hold {name} (looked for {listed}); received {root}, {found}.")


def _contents(folder):
    if not folder.is_dir():
        return "which is no folder"
    names = sorted(path.name for path in folder.iterdir())
    return f"which holds {_some(names)}" if names else "which is empty"


def _some(names):
    shown = [str(name) for name in names[:_NAMED]]
    more = len(names) - _NAMED
    return ", ".join(shown + [f"{more} more"] * (more > 0))
