"""Rows of a table -> rows of a `Listing`, checked cell by cell."""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_amid.data.datasets.table.columns import FILES, Source, is_number, located
from keras_amid.data.datasets.table.faults import Faults
from keras_amid.data.datasets.table.sheet import Sheet
from keras_amid.data.datasets.table.splitting import SPLITS, split_of


@dataclasses.dataclass(frozen=True)
class CheckedRow:
    """A row whose cells make sense by themselves.

    Attributes:
        number: In the table.
        id: Of the row: its own, or made of what is in it.
        group: Of the table; None without.
        unit: What must not be torn apart by a split: the group, or the rows that share a file.
        split: That the table gives it; None where it gives none.
        label: Text of the label.
        cells: Dict modality -> text, of numbers a list of them; without those that are missing.
        segment: (start, end or None) in seconds, or None.
        missing: Modalities that are not there.
    """

    number: int
    id: str
    group: str | None
    unit: str
    split: str | None
    label: str
    cells: dict[str, Any]
    segment: tuple[float, float | None] | None
    missing: tuple[str, ...]

    def listed(self, label: int) -> dict[str, Any]:
        """Returns the row as `Listing` has it; `label` is the number of its class, -1 without."""
        row: dict[str, Any] = {"id": self.id, "label": label}
        if self.group is not None:
            row["group"] = self.group
        file = next((cell for cell in self.cells.values() if isinstance(cell, str)), None)
        if file is not None:
            row["file"] = file
        row["cells"] = self.cells
        return row if self.segment is None else {**row, "segment": list(self.segment)}


def check_rows(
    sheet: Sheet, sources: Sequence[Source], kinds: Mapping[str, str], root: Path, faults: Faults
) -> list[CheckedRow]:
    """Checks every row by itself, and its id beside the others.

    Args:
        sheet: The table.
        sources: Its modalities.
        kinds: Dict column -> kind, of `find_kinds`.
        root: Folder that paths are relative to.
        faults: Told of what is wrong; such rows are not returned.
    """
    paths = _Paths(root)
    ids = _ids(sheet, [source for source in sources if kinds.get(source.columns[0]) in FILES])
    units = _units(sheet, [name for name, kind in kinds.items() if kind in FILES])
    rows, seen = [], {}
    for row, number, name, unit in zip(sheet.rows, sheet.numbers, ids, units, strict=True):
        cells = _cells(sources, row, number, paths, faults)
        if not name or name in seen:
            reason = f"{name!r} is the id of row {seen[name]} too" if name else "empty"
            faults.add(number, "id", reason)
        seen.setdefault(name, number)
        group = row.get("group") or None
        checked = CheckedRow(
            number=number,
            id=name,
            group=group,
            unit=group or unit,
            split=_split(row, number, faults),
            label=row.get("label", ""),
            cells=cells,
            segment=read_segment(row, number, faults),
            missing=tuple(s.modality for s in sources if s.modality not in cells),
        )
        rows.append(checked)
    return [row for row in rows if row.number not in faults.found]


def _cells(sources, row, number, paths, faults):
    """Dict modality -> value of a row, without those that are missing."""
    cells = {}
    for source in sources:
        value = _cell(source, row, number, faults)
        if value is not None:
            cells[source.modality] = value
            if source.kind in FILES:
                paths.check(value, number, source.columns[0], faults)
    if not cells:
        columns = ", ".join(dict.fromkeys(source.columns[0] for source in sources))
        faults.add(number, columns, "empty: there is nothing in the row")
    return cells


def _cell(source, row, number, faults):
    """The value of a modality in a row; None where it is missing."""
    texts = [row[column] for column in source.columns]
    if not any(texts):
        return None
    if source.kind != "numbers":
        return texts[0]
    for column, text in zip(source.columns, texts, strict=True):
        if not is_number(text):
            others = "empty, though others of its name are not"
            faults.add(number, column, f"{text!r} is no finite number" if text else others)
    return [float(text) if is_number(text) else 0.0 for text in texts]


class _Paths:
    """Looks for each file once."""

    def __init__(self, root):
        self._root, self._reasons = root, {}

    def check(self, cell, number, column, faults):
        if cell not in self._reasons:
            self._reasons[cell] = self._reason(cell)
        if self._reasons[cell] is not None:
            faults.add(number, column, self._reasons[cell])

    def _reason(self, cell):
        path = located(self._root, cell)
        try:
            mode = os.stat(path).st_mode
        except (OSError, ValueError):  # ValueError: a name with a zero byte
            return f"no such file: {cell} (looked for {os.path.abspath(path)!r})"
        return None if stat.S_ISREG(mode) else f"no regular file: {cell}"


def read_segment(
    row: Mapping[str, str], number: int, faults: Faults
) -> tuple[float, float | None] | None:
    """Returns (start, end or None) in seconds of a row; None where it takes all of its media.

    Args:
        row: Dict column -> text.
        number: Of the row.
        faults: Told of what is wrong.
    """
    times: dict[str, float | None] = {}
    for column in ("start", "end"):
        text = row.get(column, "")
        if text and not (is_number(text) and float(text) >= 0):
            faults.add(number, column, f"{text!r} is no number of seconds from 0 on")
            return None
        times[column] = float(text) if text else None
    start, end = times["start"] or 0.0, times["end"]
    if end is not None and end <= start:
        faults.add(number, "end", f"{end:g} is not after the start, {start:g}")
    return None if start == 0 and end is None else (start, end)


def _split(row, number, faults):
    text = row.get("split", "")
    if text and split_of(text) is None:
        faults.add(number, "split", f"{text!r} is none of {', '.join(SPLITS)}")
    return split_of(text) if text else None


def _ids(sheet, sources):
    """The ids: the table's own, or the file and its segment, or the number of the row.

    They stay the same where rows are added at the end.
    """
    if "id" in sheet.columns:
        return [row["id"] for row in sheet.rows]
    found, seen = [], {}
    for place, row in enumerate(sheet.rows):
        file = next((row[s.columns[0]] for s in sources if row[s.columns[0]]), "")
        times = [row.get(column, "") for column in ("start", "end")]
        name = f"{file}#{'-'.join(times)}" if any(times) and file else file or f"row-{place}"
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return found


def _units(sheet, columns):
    """For each row, a name that it shares with the rows that have a file in common with it.

    Rows that share a file with one and the same other row belong together, too.
    """
    parent: dict[Any, Any] = {}

    def root_of(item):
        while parent.setdefault(item, item) != item:
            parent[item] = item = parent[parent[item]]
        return item

    for place, row in enumerate(sheet.rows):
        for column in columns:
            if row[column]:
                parent[root_of(place)] = root_of(os.path.normpath(row[column]))
    first: dict[Any, int] = {}
    return [
        f"(with row {first.setdefault(root_of(place), place)})" for place in range(len(sheet.rows))
    ]
