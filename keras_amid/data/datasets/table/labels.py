"""The labels of a table: names or integers -> class numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from keras_amid.data.datasets.table.faults import Faults, some

UNLABELLED = -1


def find_classes(
    cells: Iterable[tuple[int, str]], known: Sequence[str], faults: Faults
) -> tuple[tuple[str, ...], dict[str, int]]:
    """Numbers the classes.

    Integers are names too, in the order of their values: where they are 0, 1, 2, ..., a label is
    its own number. An empty cell is a sample without label, and so is -1 among integers.

    Args:
        cells: (number of the row, text of its label).
        known: Names that have numbers already, in their order; new ones come after.
        faults: Told of labels that are none.

    Returns:
        The names, and dict text of a cell -> number, -1 without a label; a cell that is at fault
        is not in it.

    Raises:
        ValueError: Names and integers are mixed, or no row has a label.
    """
    numbers: dict[str, int] = {}
    first: dict[bool, str] = {}  # whether they are numbers -> the first such cell
    names: dict[str, str] = {"": ""}  # text -> name of the class, "" without a label
    for row, text in cells:
        if text in names or text in numbers:
            continue
        value = _number(text)
        if value is None:
            names[text] = text
        elif value != value or value % 1 or value < UNLABELLED:
            faults.add(row, "label", f"{text!r} is no class; leave it empty where there is none")
            continue
        else:
            numbers[text] = int(value)
        first.setdefault(value is not None, f"{text!r} in row {row}")
    if len(first) > 1:
        raise ValueError(
            f"`table` must have labels that are all names or all integers; received {first[False]} "
            f"and {first[True]}."
        )
    names |= {text: "" if n == UNLABELLED else str(n) for text, n in numbers.items()}
    classes = _ordered({name for name in names.values() if name}, known)
    if not classes:
        raise ValueError("`table` must have rows with a label; received none.")
    places = {name: place for place, name in enumerate(classes)} | {"": UNLABELLED}
    return classes, {text: places[name] for text, name in names.items()}


def _number(text):
    try:
        return float(text)
    except ValueError:
        return None


def _ordered(names, known):
    new = names - set(known)
    if known and new and all(map(_is_integer, known)) != all(map(_is_integer, new)):
        raise ValueError(
            "`table` must have labels of the kind that it had when it was prepared first (classes "
            f"{some(known, 3)}); received {some(sorted(new), 3)}."
        )
    numeric = all(map(_is_integer, new))
    return (*known, *sorted(new, key=int if numeric else None))


def _is_integer(name):
    return name.lstrip("-").isdigit()
