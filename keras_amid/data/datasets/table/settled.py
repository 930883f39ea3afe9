"""A table that was read: its rows, and how they are decoded."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

from keras_amid.data.datasets.data_set import DataSet
from keras_amid.data.datasets.listing import Listing
from keras_amid.data.datasets.table.cells import CellReader

_ENCODINGS = {
    "video": "jpeg", "image": "jpeg", "audio": "pcm16", "array": "float32", "numbers": "float32",
    "text": "utf-8",
}  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class SettledTable(DataSet):
    """A table as it was found; what `Table.settled` returns.

    Attributes:
        listing: The rows.
        reader: Decodes them.
        options: The options and kinds that the records depend on (dict of JSON values).
        found: Text: what was found.
        notes: Text: what has to be known of the splits and classes.
        splits: Text of `splits.csv`.
        lacking: Modalities that a row lacks, or may turn out to lack.
    """

    name = "Table"

    listing: Listing
    reader: CellReader
    options: dict[str, Any]
    found: str
    notes: str
    splits: str
    lacking: tuple[str, ...]

    def __post_init__(self) -> None:
        """Nothing: `Table` has checked the options."""

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities."""
        return tuple(source.modality for source in self.reader.sources)

    @property
    def summary(self) -> str:
        """See `DataSet`."""
        return self.found

    @property
    def paper_note(self) -> str:
        """See `DataSet`."""
        return self.notes

    def read(self, root: Any) -> Listing:
        """See `DataSet.read`."""
        return self.listing

    def opened(self, root: Any) -> contextlib.AbstractContextManager:
        """See `DataSet.opened`."""
        return contextlib.nullcontext(self.reader)

    @staticmethod
    def decode(row: dict, source: CellReader) -> dict[str, Any]:
        """See `DataSet.decode`. Static: the processes that decode need no table."""
        return source.read(row)

    def files_of(self, row: dict, root: Any) -> list[Path]:
        """See `DataSet.files_of`."""
        return self.reader.files(row)

    def settings(self) -> dict[str, Any]:
        """See `DataSet.settings`."""
        return self.options

    def decoding(self) -> dict[str, Any]:
        """See `DataSet.decoding`."""
        division = ("validation", "test", "seed", "bad_rows")
        return {name: value for name, value in self.options.items() if name not in division}

    def encodings(self) -> dict[str, str]:
        """See `DataSet.encodings`."""
        return {source.modality: _ENCODINGS[source.kind] for source in self.reader.sources}

    def may_lack(self) -> tuple[str, ...]:
        """See `DataSet.may_lack`."""
        return self.lacking

    def files(self) -> dict[str, str]:
        """See `DataSet.files`."""
        return {"splits.csv": self.splits}
