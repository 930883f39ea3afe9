"""A table of one's own data: the options, and what can be said of them before it is read."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_amid.data.datasets import options
from keras_amid.data.datasets.data_set import DataSet
from keras_amid.data.datasets.listing import Listing
from keras_amid.data.datasets.table.columns import KINDS
from keras_amid.data.datasets.table.settled import SettledTable
from keras_amid.data.datasets.table.settling import settle
from keras_amid.validation.scalars import check_number


def _check_table(name, value):
    is_frame = hasattr(value, "columns") and hasattr(value, "itertuples")
    if not is_frame and not (isinstance(value, (str, os.PathLike)) and str(value)):
        raise ValueError(f"`{name}` must be a path or a pandas DataFrame; received {value!r}.")
    return value


def _check_kinds(name, value):
    value = {} if value is None else value
    if not isinstance(value, Mapping) or not set(value.values()) <= set(KINDS):
        raise ValueError(
            f"`{name}` must be a dict, column -> one of {list(KINDS)}; received {value!r}."
        )
    return dict(value)


def _check_share(name, value):
    return check_number(name, value, at_least=0, at_most=0.5)


@dataclasses.dataclass(frozen=True)
class Table(DataSet):
    """A table of one's own data: .csv, .tsv, .jsonl, .parquet, or a pandas DataFrame.

        prepare(Table("clips.csv"), None, "data/mine")
        prepare(Table(frame), "recordings", "data/mine")

    A row is a sample. The column `label` is needed: names or integers, empty (or -1) where there is
    none. These may be there: `id` (unique), `split` (train, validation, test), `group` (what must
    not be torn apart by a split: a person, a session), `start` and `end` (seconds: the part of the
    row's media to take). Every other column is a modality; an empty cell is missing. The kind of a
    column is found from what is in it:

        video      paths of video files. Sound in them is a modality `audio`, unless another column
                   is a sound ("media" is a video with its sound, "video" the picture alone)
        audio      paths of sound files; of videos too, where the column is called audio, sound, ...
        image      paths of .jpg, .png or .bmp files; a video of one frame
        array      paths of .npy files; the same number of dimensions in all
        numbers    numbers; columns `imu.x`, `imu.y`, ... are one modality `imu`, (columns,)
        text       anything else

    Paths are relative to `root` (to the table's folder, where that is None); absolute ones and ".."
    are followed. A modality has the name of its column; video or audio from a column called `file`,
    `path` or `media` is called `video` or `audio`. Where `split` is empty, whole groups are divided
    (without `group`: the rows that share a file), stratified by label; `splits.csv` tells how, and
    later calls keep to it. Called again with more rows, only what is new is read.

    Attributes:
        table: Path or DataFrame.
        kinds: Dict column -> kind, where it is not to be found: "video", "audio", "media",
            "image", "array", "text", "numbers", or "ignore".
        missing: Rows that lack a modality, or whose video has no sound where others have: "mask"
            keeps them (`x["present"]` of the batches says who has what), "leave-out" does not.
        bad_rows: Rows that cannot be used, as far as that shows before any file is read: "refuse"
            raises an error that names them, "leave-out" leaves them out and lists them.
        validation, test: Share of the samples without `split` that is to validate and to test on.
        seed: Of that division.
        sample_rate: Of all sound, samples a second.
        short_side: Pixels of the pictures' shorter side; they are scaled down to it.
        fps: Frames a second to take; None for every frame.
    """

    name = "Table"

    table: Any = options.option(None, "the table", _check_table, setting=False, compare=False)
    kinds: Mapping[str, str] | None = options.option(None, "kinds of columns", _check_kinds)
    missing: str = options.choice(
        "mask", "rows that lack a modality: mask or leave-out", ("mask", "leave-out")
    )
    bad_rows: str = options.choice(
        "refuse", "rows that cannot be used: refuse or leave-out", ("refuse", "leave-out")
    )
    validation: float = options.option(0.15, "share of samples to validate on", _check_share)
    test: float = options.option(0.15, "share of samples to test on", _check_share)
    seed: int = options.count(0, "of the division into splits")
    sample_rate: int = options.sample_rate(16000)
    short_side: int = options.short_side()
    fps: float | None = options.fps(None)

    def write_files(self, out: Path, *, workers: int | None, progress: bool) -> Path:
        """Returns the table's folder, for `read`; there is nothing to write."""
        return self.folder()

    def folder(self) -> Path:
        """Returns the folder of the table; of a DataFrame the working directory."""
        return Path(self.table).parent if isinstance(self.table, (str, os.PathLike)) else Path()

    def settled(self, root: Any, out: Path) -> SettledTable:
        """See `DataSet.settled`: reads and checks the table."""
        return settle(self, Path(root), Path(out))

    def read(self, root: Any) -> Listing:
        """See `DataSet.read`."""
        return settle(self, Path(root), None).listing
