"""The rows of a table that `keras-amid predict` is given."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keras_amid.data.datasets.table.columns import is_number
from keras_amid.data.datasets.table.faults import Faults
from keras_amid.data.datasets.table.rows import read_segment
from keras_amid.data.datasets.table.sheet import read_sheet
from keras_amid.own.inputs import Inputs


def rows_of(path: Path, inputs: Inputs) -> list[tuple[str, Callable[[], dict[str, Any]]]]:
    """Pairs of what a row is called and a function that reads it, see `Inputs.of_row`.

    A row is called by its id, or its first cell that is a path, or its number.

    Args:
        path: of the table.
        inputs: of the student.

    Raises:
        ValueError: it is no table, or has no column of something that the student takes.
    """
    sheet = read_sheet(path)
    columns = inputs.columns(sheet.columns)
    files = [names[0] for name, names in columns.items() if inputs.is_file(name)]
    found: list[tuple[str, Callable[[], dict[str, Any]]]] = []
    for number, cells in zip(sheet.numbers, sheet.rows, strict=True):
        file = next((cells[column] for column in files if cells[column]), None)
        shown = cells.get("id") or file or f"row {number}"
        found.append((shown, functools.partial(_read, inputs, columns, path, number, cells)))
    return found


def _read(inputs, columns, path, number, cells):
    faults = Faults(path.name)
    segment = read_segment(cells, number, faults)
    numbers = {name for name, names in columns.items() if inputs.is_numbers(name)}
    values = {}
    for name, names in columns.items():
        texts = [cells[column] for column in names]
        for column, text in zip(names, texts, strict=True):
            if not text:
                faults.add(number, column, "empty")
            elif name in numbers and not is_number(text):
                faults.add(number, column, f"{text!r} is no finite number")
        values[name] = texts if name in numbers else texts[0]
    if faults.found:
        raise ValueError(f"{path.name}, row {number}, {'; '.join(faults.found[number])}")
    for name in numbers:
        values[name] = [float(text) for text in values[name]]
    return inputs.of_row(values, path.parent, segment)
