"""Labels and probabilities of files, from an exported student: TensorFlow alone, no training code.

  keras-amid predict clip1.mp4 clip2.mp4 --model runs/mine/saved_model
  keras-amid predict new.csv --model saved_models/mine/1 --out labels.csv

Files are decoded and cut as in training; a video's probabilities are means over all its windows.
Of a table (.csv, .tsv, .jsonl) each row is predicted; its columns are those of the table that was
trained on. Prints CSV: file, label, probability, and the
probability of each class. What cannot be read is named, and the exit status is then 1.
"""

from __future__ import annotations

import argparse
import csv
import functools
import sys
from pathlib import Path

from keras_amid.command.inputs import Inputs
from keras_amid.validation.exits import Parser, finished

_TABLES = (".csv", ".tsv", ".jsonl", ".parquet")
_BATCH = 32


def main(arguments: list[str], program: str) -> int:
    """See `keras_amid.command`."""
    parser = Parser(
        prog=program, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("files", nargs="+", type=Path, metavar="FILE", help="media, .npy, .txt, or one table")
    add("--model", type=Path, required=True,
        help="folder of an exported version, or of versions: then the highest")  # fmt: skip
    add("--out", type=Path, help="CSV file to write (default: print)")
    given = parser.parse_args(arguments)
    return finished(parser, lambda: _run(given, parser.prog))


def _run(given, program):
    from keras_amid.data.media import MediaError

    version = find_version(given.model)
    inputs = Inputs.read(version)
    samples = _samples(given.files, inputs)
    student = Student(version)
    names = student.class_names
    head = ["file", "label", "probability", *(f"p({name})" for name in names)]
    rows, failed = [], 0
    for shown, read in samples:
        try:
            probabilities = student.probabilities(read())
        except (MediaError, OSError, ValueError) as error:
            failed += 1
            print(f"{program}: left out: {' '.join(str(error).split())}", file=sys.stderr)
            continue
        best = int(probabilities.argmax())
        rows.append(
            [shown, names[best], *(f"{p:.6f}" for p in (probabilities[best], *probabilities))]
        )
    if given.out is not None:
        with open(given.out, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([head, *rows])
    else:
        csv.writer(sys.stdout, lineterminator="\n").writerows([head, *rows])
    return 1 if failed else 0


def find_version(path: Path) -> Path:
    """The folder of an exported version: itself, or the highest below.

    Raises:
        ValueError: there is none.
    """
    if (path / "saved_model.pb").is_file():
        return path
    found = [p for p in path.glob("[0-9]*") if p.name.isdigit() and (p / "saved_model.pb").exists()]
    if not found:
        raise ValueError(
            f"`model` must be a folder with an exported student; received {str(path)!r}."
        )
    return max(found, key=lambda p: int(p.name))


def _samples(files, inputs):
    """Pairs of what is shown and a function that reads it."""
    if len(files) == 1 and files[0].suffix.lower() in _TABLES:
        return _rows(files[0], inputs)
    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        raise ValueError(f"`files` must be there; received {missing[0]!r}, which is not.")
    return [(str(path), functools.partial(inputs.of_file, path)) for path in files]


def _rows(path, inputs):
    from keras_amid.data.datasets.table.sheet import read_sheet

    sheet = read_sheet(path)
    columns = inputs.columns(sheet.columns)

    def read(cells):
        named = {name: cells[column] for name, column in columns.items()}
        return inputs.of_cells(named, path.parent)

    return [
        (cells.get("id") or f"row {number}", functools.partial(read, cells))
        for number, cells in zip(sheet.numbers, sheet.rows, strict=True)
    ]


class Student:
    """An exported student.

    Args:
        version: its folder.

    Attributes:
        class_names: list of str; numbers where the version has no names.
    """

    def __init__(self, version: Path):
        import tensorflow as tf

        self._model = tf.saved_model.load(str(version))
        self._serve = self._model.signatures["serving_default"]
        path = version / "assets" / "class_names.txt"
        count = self._serve.structured_outputs["probabilities"].shape[-1]
        named = path.read_text(encoding="utf-8").splitlines() if path.exists() else range(count)
        self.class_names = [str(name) for name in named]

    def probabilities(self, values):
        """Means over the windows of one sample, float array (classes,).

        Args:
            values: dict, modality -> array (windows, ...).
        """
        import numpy as np
        import tensorflow as tf

        count = len(next(iter(values.values())))
        found = []
        for start in range(0, count, _BATCH):
            part = {n: tf.constant(v[start : start + _BATCH]) for n, v in values.items()}
            found.append(self._serve(**part)["probabilities"].numpy())
        return np.concatenate(found).mean(axis=0)
