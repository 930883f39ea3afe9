"""A table as text: CSV, TSV, JSONL, Parquet or a pandas DataFrame -> rows of cells."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

#: The columns that are no modalities, in lower case.
OWN_COLUMNS = ("id", "label", "split", "group", "start", "end")
_DELIMITERS = (",", ";", "\t")
_LONGEST_CELL = 2**24  # characters


@dataclasses.dataclass(frozen=True)
class Sheet:
    """A table.

    Attributes:
        name: Of the file, for messages.
        columns: Names; those of `OWN_COLUMNS` in lower case.
        rows: A dict column -> text for each row; "" is an empty cell.
        numbers: The number of each row, as an editor shows it: line 1 of a file is the header of
            a CSV. In a DataFrame or Parquet file rows count from 0.
    """

    name: str
    columns: tuple[str, ...]
    rows: list[dict[str, str]]
    numbers: list[int]


def read_sheet(table: Any) -> Sheet:
    """Reads a table.

    Args:
        table: Path of a .csv, .tsv, .jsonl or .parquet file, or a pandas DataFrame.

    Raises:
        ValueError: It is no such thing, cannot be read, has no rows, or its columns are not clear.
    """
    if _is_frame(table):
        return _sheet("DataFrame", *_of_frame(table))
    path = Path(table)
    readers: dict[str, Callable] = {
        ".csv": _of_csv, ".tsv": _of_csv, ".jsonl": _of_jsonl, ".ndjson": _of_jsonl,
        ".parquet": _of_parquet, ".pq": _of_parquet,
    }  # fmt: skip
    if path.suffix.lower() not in readers:
        raise ValueError(
            f"`table` must be a file {', '.join(readers)} or a pandas DataFrame; received {path}."
        )
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is not there"
        raise ValueError(f"`table` must be a file; received {path}, which {what}.")
    return _sheet(path.name, *readers[path.suffix.lower()](path))


def _is_frame(table):
    return hasattr(table, "columns") and hasattr(table, "to_dict")


def _sheet(name, columns, rows, numbers):
    """Checks the columns and makes text of the cells: `rows` are lists of values."""
    if not rows:
        raise ValueError(f"`table` must have rows; received {name}, which has none.")
    columns = [_column(column) for column in columns]
    kept = [i for i, column in enumerate(columns) if column or not _is_index(i, rows, name)]
    columns = [columns[i] for i in kept]
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise ValueError(
            f"`table` must have columns of different names; received {name}, with {twice} twice."
        )
    texts = [
        {columns[k]: _text(row[i], name, number, columns[k]) for k, i in enumerate(kept)}
        for row, number in zip(rows, numbers, strict=True)
    ]
    return Sheet(name, tuple(columns), texts, numbers)


def _column(name):
    name = str(name).strip()
    return name.lower() if name.lower() in OWN_COLUMNS else name


def _is_index(place, rows, name):
    """Whether a column without a name holds nothing, or what pandas writes: 0, 1, 2, ..."""
    cells = [str(row[place]).strip() for row in rows]
    if not any(cells) or cells == [str(number) for number in range(len(rows))]:
        return True
    raise ValueError(
        f"`table` must have a name for each column; received {name}, whose column {place + 1} has "
        f"cells ({cells[0]!r}, ...) but no name."
    )


def _text(value, name, number, column):
    """The text of a cell; "" where it is missing."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return ""
    value = value.item() if hasattr(value, "item") and not getattr(value, "shape", ()) else value
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    if isinstance(value, (str, bool, int, Path)):
        text = str(value).strip()
        if text.isascii() or _is_encodable(text):
            return text
        value = f"text that is not Unicode ({text!r})"
    raise ValueError(
        f"`table` must have cells that are text, numbers or empty; received {name}, row {number}, "
        f"column `{column}`: {value!r:.80}."
    )


def _is_encodable(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _decoded(path):
    data = path.read_bytes()
    try:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise UnicodeDecodeError("utf-8", data, 0, 1, "a UTF-16 file")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"`table` must be in UTF-8; received {path.name}, whose byte "
            f"0x{data[error.start]:02x} in row {row} is not ({error.reason}). Save it as UTF-8."
        ) from error


def _of_csv(path):
    text = _decoded(path)
    first = text.split("\n", 1)[0]
    is_tsv = path.suffix.lower() == ".tsv"
    delimiter = "\t" if is_tsv else max(_DELIMITERS, key=first.count)
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, numbers, began = [], [], 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(cells)
                numbers.append(began)
            began = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f"`table` must be a whole CSV file; received {path.name}, row {began}: {error}."
        ) from error
    if not rows:
        raise ValueError(f"`table` must have rows; received {path.name}, which is empty.")
    header, *rows = rows
    _check_width(path.name, header, rows, numbers[1:])
    return header, rows, numbers[1:]


def _check_width(name, header, rows, numbers):
    for cells, number in zip(rows, numbers, strict=True):
        if len(cells) != len(header):
            raise ValueError(
                f"`table` must have a cell in each row for each of its {len(header)} columns; "
                f"received {name}, row {number} with {len(cells)} cells."
            )


def _of_jsonl(path):
    objects, numbers = [], []
    for number, line in enumerate(_decoded(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line, object_pairs_hook=_object)
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"`table` must have a JSON object on each line; received {path.name}, row "
                f"{number}: {error}."
            ) from error
        if not isinstance(found, dict):
            raise ValueError(
                f"`table` must have a JSON object on each line; received {path.name}, row "
                f"{number}: {line.strip():.40}."
            )
        objects.append(found)
        numbers.append(number)
    return *_aligned(objects), numbers


def _object(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError(f"a name stands twice in {names}")
    return dict(pairs)


def _aligned(objects: Sequence[dict]) -> tuple[list, list]:
    columns = list(dict.fromkeys(name for found in objects for name in found))
    return columns, [[found.get(column) for column in columns] for found in objects]


def _of_parquet(path):
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ValueError(
            f"`table` must be .csv, .tsv or .jsonl where pyarrow is not installed; received "
            f"{path.name}. `pip install pyarrow` reads it."
        ) from error
    try:
        found = pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(
            f"`table` must be a whole Parquet file; received {path.name}: {error}."
        ) from error
    columns = [column.to_pylist() for column in found.columns]
    return found.column_names, *_numbered(zip(*columns, strict=True))


def _of_frame(frame):
    return list(frame.columns), *_numbered(frame.itertuples(index=False, name=None))


def _numbered(rows: Iterable) -> tuple[list, list]:
    listed = list(rows)
    return listed, list(range(len(listed)))
