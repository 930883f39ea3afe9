"""The reading of a table: columns, rows, classes and splits, and all that is wrong with them."""

from __future__ import annotations

import collections
import csv
import dataclasses
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_amid.data.datasets import description
from keras_amid.data.datasets.listing import Listing, Problems
from keras_amid.data.datasets.table.cells import CellReader, read_array
from keras_amid.data.datasets.table.columns import Source, find_kinds, find_sources, located
from keras_amid.data.datasets.table.faults import Faults, some
from keras_amid.data.datasets.table.labels import find_classes
from keras_amid.data.datasets.table.rows import CheckedRow, check_rows
from keras_amid.data.datasets.table.settled import SettledTable
from keras_amid.data.datasets.table.sheet import Sheet, read_sheet
from keras_amid.data.datasets.table.splitting import SPLITS, Place, assign
from keras_amid.data.datasets.table.summary import describe
from keras_amid.data.media import MediaError

if TYPE_CHECKING:
    from keras_amid.data.datasets.table.table import Table

SPLITS_FILE = "splits.csv"
_LOOKED_INTO = 16  # arrays


@dataclasses.dataclass(frozen=True)
class _Known:
    """What an earlier call has settled: it stays as it is when rows are added.

    Attributes:
        class_names: In the order of their numbers.
        kinds: Dict column -> kind.
        dimensions: Dict modality -> number of dimensions of its arrays.
        splits: Dict id -> split.
    """

    class_names: tuple[str, ...] = ()
    kinds: dict[str, str] = dataclasses.field(default_factory=dict)
    dimensions: dict[str, int] = dataclasses.field(default_factory=dict)
    splits: dict[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def read(cls, out: Path | None, name: str) -> _Known:
        """Reads what `out` has; nothing where it is another data set's, or damaged."""
        try:
            found = description.read_description(out) if out is not None else None
        except ValueError:
            found = None
        if out is None or found is None or found["name"] != name:
            return cls()
        settings = found["settings"]
        splits = {}
        if (out / SPLITS_FILE).exists():
            with open(out / SPLITS_FILE, encoding="utf-8", newline="") as file:
                rows = [row for row in csv.DictReader(file) if row.get("split") in SPLITS]
            splits = {row["id"]: row["split"] for row in rows}
        return cls(tuple(found["class_names"]), settings["kinds"], settings["dimensions"], splits)


def settle(table: Table, root: Path, out: Path | None) -> SettledTable:
    """Reads a table, finds out what it holds, and checks all that can be checked by now.

    Args:
        table: The options.
        root: Folder that paths are relative to.
        out: Folder with what earlier calls have settled; None for none.

    Raises:
        ValueError: Something is wrong: which row and column, what is there, what is expected.
    """
    known = _Known.read(out, table.name)
    sheet = read_sheet(table.table)
    if "label" not in sheet.columns:
        raise ValueError(
            "`table` must have a column `label` (its cells may be empty); received "
            f"{sheet.name} with columns {list(sheet.columns)}."
        )
    kinds = find_kinds(sheet, root, {**_still_there(known.kinds, sheet), **(table.kinds or {})})
    sources = find_sources(sheet, kinds)
    _check_names(sources)
    faults, problems = Faults(sheet.name), Problems()
    rows = check_rows(sheet, sources, kinds, root, faults)
    if table.bad_rows == "refuse" or not rows:
        faults.refuse()
    if table.missing == "leave-out":
        rows = _complete(rows, problems, sheet.name)
    splits = _Splits(table, known, rows, faults)
    if table.bad_rows == "refuse":
        faults.refuse()
    for number, reasons in faults.found.items():
        problems.add(f"row {number}", "; ".join(reasons))
    if faults.found:
        rows = [row for row in rows if row.number not in faults.found]
        splits = _Splits(table, known, rows, Faults(sheet.name))
    return _settled(table, root, known, sheet, kinds, sources, splits, problems)


def _still_there(kinds, sheet):
    there = {column.partition(".")[0] for column in sheet.columns}
    return {name: kind for name, kind in kinds.items() if name in there}


def _check_names(sources):
    # Keras stands behind it, which the processes that decode do without.
    from keras_amid.validation.arguments import check_modality_name

    for source in sources:
        check_modality_name("table", source.modality)


def _complete(rows, problems, name):
    """The rows that lack no modality."""
    for row in rows:
        if row.missing:
            problems.add(row.id, f"row {row.number} has no {', '.join(row.missing)}")
    complete = [row for row in rows if not row.missing]
    if not complete:
        raise ValueError(
            "`table` must have rows that lack no modality, where such rows are left out; received "
            f"{name}: {some(problem['reason'] for problem in problems.found)}."
        )
    return complete


class _Splits:
    """Classes and splits of rows.

    Attributes:
        rows: The rows.
        class_names: Names of the classes.
        labels: Dict id -> number of the class.
        splits: Dict id -> split.
        made: Whether any split was made here.
    """

    def __init__(self, table: Table, known: _Known, rows: list[CheckedRow], faults: Faults) -> None:
        cells = [(row.number, row.label) for row in rows]
        self.class_names, numbers = find_classes(cells, known.class_names, faults)
        self.rows = [row for row in rows if row.label in numbers]
        self.labels = {row.id: numbers[row.label] for row in self.rows}
        places = [
            Place(row.id, row.unit, self.labels[row.id], row.split or known.splits.get(row.id))
            for row in self.rows
        ]
        shares = {"validation": table.validation, "test": table.test}
        shares = {"train": 1 - sum(shares.values()), **shares}
        self.splits = assign(places, shares, table.seed)
        self.made = any(row.split is None for row in self.rows)
        self._check_trained(faults)

    def _check_trained(self, faults):
        """A class that only the table's own test rows have: no model could learn it."""
        trained = {self.labels[id] for id, split in self.splits.items() if split == "train"}
        for row in self.rows:
            label = self.labels[row.id]
            if trained and label >= 0 and label not in trained and row.split is not None:
                reason = f"class {self.class_names[label]!r} is in {row.split} but not in train"
                faults.add(row.number, "label", reason)

    def listed(self) -> dict[str, list[dict[str, Any]]]:
        """Dict split -> rows of the listing, in the order of the table."""
        found: dict[str, list[dict[str, Any]]] = {split: [] for split in SPLITS}
        for row in self.rows:
            found[self.splits[row.id]].append(row.listed(self.labels[row.id]))
        return {split: rows for split, rows in found.items() if rows}

    def text(self) -> str:
        """The text of `splits.csv`."""
        file = io.StringIO(newline="")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "split", "label", "group"])
        for row in self.rows:
            label = self.labels[row.id]
            name = self.class_names[label] if label >= 0 else ""
            writer.writerow([row.id, self.splits[row.id], name, row.group or ""])
        return file.getvalue()


def _settled(table, root, known, sheet: Sheet, kinds, sources: list[Source], splits, problems):
    arrays = {source.modality for source in sources if source.kind == "array"}
    dimensions = {
        name: known.dimensions.get(name) or _dimensions(splits.rows, name, root)
        for name in sorted(arrays)
    }
    reader = CellReader(
        root=root,
        sources=tuple(sorted(sources, key=lambda source: source.kind != "video")),
        sample_rate=table.sample_rate,
        short_side=table.short_side,
        fps=table.fps,
        keep_silent=table.missing == "mask",
        dimensions=dimensions,
    )
    lacking = {name for row in splits.rows for name in row.missing}
    if table.missing == "mask":  # whether a video has sound shows when it is read
        media = [name for name, kind in kinds.items() if kind == "media"]
        lacking |= {s.modality for s in sources if s.kind == "audio" and s.columns[0] in media}
    found, notes = describe(sheet, table, kinds, sources, splits)
    return SettledTable(
        listing=Listing(root, splits.class_names, splits.listed(), problems.found),
        reader=reader,
        options={
            **table.settings(),
            "kinds": kinds,
            "dimensions": dimensions,
            "columns": {s.modality: list(s.columns) for s in sources if s.kind == "numbers"},
        },
        found=found,
        notes=notes,
        splits=splits.text(),
        lacking=tuple(sorted(lacking)),
    )


def _dimensions(rows, modality, root):
    """The number of dimensions that most of some arrays have."""
    cells = [row.cells[modality] for row in rows if modality in row.cells]
    found: collections.Counter[int] = collections.Counter()
    for cell in cells[:: max(1, len(cells) // _LOOKED_INTO)]:
        try:
            found[max(1, read_array(located(root, cell), memory_map=True).ndim)] += 1
        except MediaError:
            continue  # it is left out when it is read
    return found.most_common(1)[0][0] if found else 1
