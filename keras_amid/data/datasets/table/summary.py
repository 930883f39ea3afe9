"""What was found in a table, in words: printed before the work, and part of the report."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keras_amid.data.datasets.table.columns import Source
from keras_amid.data.datasets.table.faults import some
from keras_amid.data.datasets.table.sheet import Sheet
from keras_amid.data.datasets.table.splitting import SPLITS

if TYPE_CHECKING:
    from keras_amid.data.datasets.table.table import Table


def describe(
    sheet: Sheet, table: Table, kinds: Mapping[str, str], sources: Sequence[Source], splits: Any
) -> tuple[str, str]:
    """Describes a table.

    Args:
        sheet: The table.
        table: Its options.
        kinds: Dict column -> kind.
        sources: The modalities.
        splits: The rows with their classes and splits.

    Returns:
        The text to print before the work, and what there is to note of classes and splits.
    """
    rows = splits.rows
    lines = [f"{sheet.name}: {len(sheet.rows)} rows, of which {len(rows)} are taken"]
    width = max(len(source.modality) for source in sources)
    for source in sources:
        have = sum(source.modality in row.cells for row in rows)
        lacking = f", {len(rows) - have} without" if have < len(rows) else ""
        lines.append(f"  {source.modality:<{width}}  {_origin(source, kinds)}{lacking}")
    ignored = [name for name, kind in kinds.items() if kind == "ignore"]
    if ignored:
        lines.append(f"  ignored: {some(ignored)} (empty, or said to be)")
    unlabelled = sum(label < 0 for label in splits.labels.values())
    lines.append(
        f"  {len(splits.class_names)} classes ({some(splits.class_names, 8)})"
        + f"; {unlabelled} rows without label" * bool(unlabelled)
    )
    counts = collections.Counter(splits.splits.values())
    placed = ", ".join(f"{counts[split]} {split}" for split in SPLITS)
    groups = "by group" if "group" in sheet.columns else "rows of one file together"
    made = f" (divided with seed {table.seed}, {groups}: see splits.csv)" if splits.made else ""
    lines.append(f"  {placed}{made}")
    notes = _notes(splits)
    return "\n".join([*lines, *(f"  note: {note}" for note in notes)]), " ".join(notes)


def _origin(source, kinds):
    column = source.columns[0]
    if source.kind == "numbers":
        return f"{len(source.columns)} numbers: {some(source.columns)}"
    what = {"video": "videos", "audio": "sounds", "image": "pictures", "array": ".npy arrays",
            "text": "texts"}  # fmt: skip
    if source.kind == "audio" and kinds.get(column) == "media":
        return f"sound of the videos of column {column}"
    return f"{what[source.kind]} of column {column}"


def _notes(splits):
    """What is odd about classes and splits, though it was kept."""
    numbers = collections.Counter(label for label in splits.labels.values() if label >= 0)
    trained = {splits.labels[id] for id, split in splits.splits.items() if split == "train"}
    names = splits.class_names
    single = [names[label] for label, count in sorted(numbers.items()) if count == 1]
    untrained = [names[label] for label in sorted(numbers) if label not in trained]
    empty = [split for split in SPLITS if split not in splits.splits.values()]
    notes = []
    if single:
        notes.append(f"Classes with one sample: {some(single)}.")
    if untrained:
        notes.append(f"Classes without a sample to train on: {some(untrained)}.")
    if empty:
        notes.append(f"Splits without a sample: {some(empty)}.")
    torn = _torn(splits)
    if torn:
        notes.append(f"Groups or files in more than one split, as the table has it: {some(torn)}.")
    return notes


def _torn(splits):
    """Names of groups, or ids of first rows, that the table itself puts into several splits."""
    places: dict[str, set[str]] = {}
    named: dict[str, str] = {}
    for row in splits.rows:
        places.setdefault(row.unit, set()).add(splits.splits[row.id])
        named.setdefault(row.unit, row.group or row.id)
    return [named[unit] for unit, found in places.items() if len(found) > 1]
