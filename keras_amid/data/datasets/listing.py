"""What a reader of an official layout found: samples with labels, and what it could not use."""

import dataclasses
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Listing:
    """The samples of a data set as they lie on disk.

    Attributes:
        name: Of the data set.
        root: `Path` that the files of the rows are relative to.
        class_names: Tuple of str; label i is `class_names[i]`.
        splits: Dict split -> list of rows. A row is a dict of JSON values with `id` (str), `label`
            (int), `file` (str) and whatever the data set's `prepare` needs; `notes` (list of
            str, optional) says what is worth naming though the sample is kept.
        problems: List of {"id", "reason"}: what is left out, or does not fit the official lists.
        paper_counts: Dict split or "total" -> number of samples in the paper.
    """

    name: str
    root: Path
    class_names: tuple
    splits: dict
    problems: list
    paper_counts: dict


class Problems:
    """Collects what a reader finds wrong.

    Attributes:
        found: List of {"id", "reason"}.
    """

    def __init__(self):
        self.found = []

    def add(self, name, reason):
        """Adds a sample, or a line of a file ("list.txt:7"), with what is wrong with it."""
        self.found.append({"id": name, "reason": reason})


def read_lines(path):
    """Yields (place, line) of a text file; `place` is "name:number", blank lines are left out."""
    text = Path(path).read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield f"{Path(path).name}:{number}", line.strip()


def refuse_root(root, name, looked_for):
    """Raises `ValueError`: what was looked for, and where.

    Args:
        root: The argument `root`.
        name: Of the data set.
        looked_for: List of the paths that were looked for.
    """
    listed = ", ".join(str(path) for path in looked_for)
    kind = "is no folder" if not Path(root).is_dir() else f"holds no {name}"
    raise ValueError(f"`root`: {root} {kind}; looked for {listed}.")
