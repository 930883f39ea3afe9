"""Labels and probabilities of files, from an exported student: TensorFlow alone, no training code.

  keras-amid predict clip1.mp4 clip2.mp4 --model runs/mine/saved_model
  keras-amid predict new.csv --model saved_models/mine/1 --out labels.csv
  keras-amid predict clip1.mp4 --server localhost:8501 --model mine
  keras-amid predict clip1.mp4 --server grpc://localhost:8500 --model mine

Files are decoded and cut as in training; a video's probabilities are means over all its windows.
Of a table (.csv, .tsv, .jsonl, .parquet) each row is predicted; its columns are those of the table
that was trained on, of which it needs what the student takes, and `start` and `end`.

Prints CSV: file, label, probability, and the probability of each class. With --server the student
is one of TensorFlow Serving (REST, or gRPC), which tells how files are decoded; windows go there,
and their mean is taken here. What cannot be read is named, and the exit status is then 1.
"""

from __future__ import annotations

import argparse
import csv
import functools
import sys
from pathlib import Path

from keras_amid.own.inputs import Inputs
from keras_amid.validation.exits import Parser, finished
from keras_amid.validation.scalars import check_int

_TABLES = (".csv", ".tsv", ".jsonl", ".parquet")
_BATCH = 16


def main(arguments: list[str], program: str) -> int:
    """See `keras_amid.command`."""
    parser = Parser(
        prog=program, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("files", nargs="+", type=Path, metavar="FILE", help="media, .npy, .txt, or one table")
    add("--model", required=True, help="folder of an exported version, or of versions: then the "
        "highest; with --server, the name that it is served under")  # fmt: skip
    add("--out", type=Path, help="CSV file to write (default: print)")
    add("--batch", type=int, default=_BATCH, help=f"windows at a time (default: {_BATCH})")
    add("--server", metavar="HOST:PORT", help="of TensorFlow Serving: HOST:PORT or "
        "http(s)://HOST:PORT for REST, grpc://HOST:PORT for gRPC")  # fmt: skip
    add("--version", type=int, help="of the served model (default: the highest)")
    add("--timeout", type=float, default=60.0, help="seconds to wait for an answer (default: 60)")
    add("--retries", type=int, default=3, help="of a request that finds the server busy or away, "
        "0 to 4 (default: 3)")  # fmt: skip
    given = parser.parse_args(arguments)
    return finished(parser, lambda: _run(given, parser.prog))


def _run(given, program):
    batch = check_int("batch", given.batch, 1)
    student = _student(given)
    samples = _samples(given.files, student.inputs)
    names = student.class_names
    head = ["file", "label", "probability", *(f"p({name})" for name in names)]
    rows, failed = [head], []
    try:
        for shown, read in samples:
            probabilities = _predicted(student, read, batch, program)
            if probabilities is None:
                failed.append(shown)
                continue
            best = int(probabilities.argmax())
            shown_values = (probabilities[best], *probabilities)
            rows.append([shown, names[best], *(f"{p:.6f}" for p in shown_values)])
    finally:  # what is known is not lost where a server goes away
        _write(rows, given.out)
    return 1 if failed else 0


def _student(given):
    """The student of a folder or of a server."""
    if given.server is None:
        if given.version is not None:
            raise ValueError("`version` must be given with --server only; --model names a folder.")
        return Student(find_version(Path(given.model)))
    from keras_amid.command.served import ServedStudent
    from keras_amid.serving import connect

    server = connect(given.server, given.model, given.version, given.timeout, given.retries)
    return ServedStudent(server, given.model)


def _predicted(student, read, batch, program):
    """Means over the windows of a sample, float array (classes,); None where it cannot be used."""
    import numpy as np

    from keras_amid.data.media import MediaError
    from keras_amid.serving import ServerError

    try:
        values = read()
        count = len(next(iter(values.values())))
        parts = [
            student.ask({name: value[start : start + batch] for name, value in values.items()})
            for start in range(0, count, batch)
        ]
    except ServerError:
        raise
    except (MediaError, OSError, ValueError) as error:
        print(f"{program}: left out: {' '.join(str(error).split())}", file=sys.stderr)
        return None
    return np.concatenate(parts).mean(axis=0)


def _write(rows, out):
    if out is None:
        csv.writer(sys.stdout, lineterminator="\n").writerows(rows)
        return
    with open(out, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


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
        from keras_amid.command.rows import rows_of

        return rows_of(files[0], inputs)
    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        raise ValueError(f"`files` must be there; received {missing[0]!r}, which is not.")
    inputs.check_files()
    return [(str(path), functools.partial(inputs.of_file, path)) for path in files]


class Student:
    """An exported student, here; loaded when it is asked.

    Args:
        version: its folder.

    Attributes:
        inputs: how they are made of files.
    """

    def __init__(self, version: Path):
        self._version, self.inputs = version, Inputs.read(version)

    @functools.cached_property
    def _model(self):
        import tensorflow as tf

        return tf.saved_model.load(str(self._version))

    @property
    def _serve(self):
        return self._model.signatures["serving_default"]

    @functools.cached_property
    def class_names(self) -> list[str]:
        """Of the version; numbers where it has no names."""
        path = self._version / "assets" / "class_names.txt"
        if path.exists():
            return path.read_text(encoding="utf-8").splitlines()
        count = self._serve.structured_outputs["probabilities"].shape[-1]
        return [str(number) for number in range(count)]

    def ask(self, values):
        """The probabilities of some windows, float array (windows, classes).

        Args:
            values: dict, modality -> array (windows, ...).
        """
        import tensorflow as tf

        tensors = {name: tf.constant(value) for name, value in values.items()}
        return self._serve(**tensors)["probabilities"].numpy()
