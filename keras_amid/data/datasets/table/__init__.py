"""A table of one's own data is a data set; see `Table`.

from keras_amid.data import table

data = table.prepare("clips.csv", "data/mine")
train = data.pipeline("train", 16, {"video": RandomClip()}, shuffle=EpochShuffle(0))
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from keras_amid.data.datasets.listing import Listing
from keras_amid.data.datasets.prepared import PreparedData
from keras_amid.data.datasets.table.table import Table

__all__ = ["Table", "prepare", "read"]


def read(table: Any, root: str | os.PathLike | None = None, **options: Any) -> Listing:
    """Reads and checks a table, and writes nothing.

    Args:
        table: Path, or a pandas DataFrame.
        root: Folder that paths in it are relative to; None for the table's own.
        **options: Of `Table`.

    Returns:
        A `Listing`.

    Raises:
        ValueError: Something is wrong: which row and column, what is there, what is expected.
    """
    made = Table(table, **options)
    return made.read(made.folder() if root is None else root)


def prepare(
    table: Any,
    out: str | os.PathLike,
    root: str | os.PathLike | None = None,
    *,
    shard_size: int | None = None,
    part: tuple[int, int] = (0, 1),
    workers: int | None = None,
    progress: bool = True,
    **options: Any,
) -> PreparedData | None:
    """Writes the records of a table; see `Table` and `keras_amid.data.datasets.prepare`.

    Args:
        table: Path, or a pandas DataFrame.
        out: Folder to write to.
        root: Folder that paths in the table are relative to; None for the table's own.
        shard_size, part, workers, progress: See `keras_amid.data.datasets.prepare`.
        **options: Of `Table`.

    Raises:
        ValueError: Something is wrong: which row and column, what is there, what is expected.
    """
    from keras_amid.data.datasets.preparing import prepare as prepare_any

    shared: dict[str, Any] = {"shard_size": shard_size, "part": part, "workers": workers}
    folder = None if root is None else Path(root)
    return prepare_any(Table(table, **options), folder, Path(out), progress=progress, **shared)
