"""The command that turns official distributions into records.

    python -m keras_amid.data.prepare ucf51 --root UCF101 --out data/ucf51
    python -m keras_amid.data.prepare ripple_tank --out data/ripple_tank/0 --seed 0
    python -m keras_amid.data.prepare iemocap --help

It may be stopped at any time: the same command goes on where it was. On several machines with a
common disk, each runs it with another `--shard i/n`.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import sys
import types
import typing
from typing import Any

from keras_amid.data.datasets import DATA_SETS, data_set_class
from keras_amid.data.datasets.data_set import DataSet
from keras_amid.validation.exits import GOES_ON, Parser, finished, leave

_PROGRAM = "python -m keras_amid.data.prepare"
_SHARED = ("root", "out", "shard_size", "part", "workers", "progress")


def main(arguments: list[str] | None = None, program: str = _PROGRAM) -> int:
    """Runs the command.

    Args:
        arguments: List of str; None for those of the command line.
        program: What messages call it.

    Returns:
        Exit status: 0, also where other parts have work to do; 1 where no sample could be used.

    Raises:
        SystemExit: With 2 where an argument is wrong, 1 where the work failed, as on a full disk,
            and 130 after Ctrl-C; one line on the standard error says what and why.
    """
    parser = _parser(program)
    given = vars(parser.parse_args(arguments))
    return finished(parser, lambda: _run(given), GOES_ON)


def _run(given):
    data_set = data_set_class(given.pop("dataset"))
    shared = {name: given.pop(name) for name in _SHARED}
    return run(data_set(**given), **shared)


def run(dataset: DataSet, **shared: Any) -> int:
    """Prepares a data set, and prints the report.

    Args:
        dataset: The data set.
        **shared: Arguments of `keras_amid.data.datasets.prepare`.

    Returns:
        Exit status, as `main` returns it.
    """
    from keras_amid.data.datasets.preparing import prepare

    data = prepare(dataset, **shared)
    if data is None:
        number, count = shared["part"]
        print(f"part {number}/{count} is written; other parts are not yet complete")
        return 0
    print(data.report())
    if any(data.counts.values()):
        return 0
    print("error: none of the samples could be used; the report says why", file=sys.stderr)
    return 1


def _parser(program):
    parser = Parser(
        prog=program,
        description="Turn the files of an official distribution into records.",
    )
    commands = parser.add_subparsers(dest="dataset", required=True, metavar="DATASET")
    for name in DATA_SETS:
        data_set = data_set_class(name)
        text = inspect.getmodule(data_set).__doc__
        command = commands.add_parser(
            name,
            help=text.splitlines()[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        _add_shared(command, data_set)
        _add_fields(command, data_set)
    return parser


def _add_shared(command, data_set):
    add = command.add_argument
    if data_set.generated:
        command.set_defaults(root=None)
    else:
        several = {"nargs": "+", "help": "folder of the distribution, or several"}
        one = {"help": "folder of the distribution"}
        add("--root", required=True, **(several if data_set.several_roots else one))
    add("--out", required=True, help="folder to write to")
    size = data_set.shard_size
    add("--shard-size", type=int, default=size, help=f"samples a shard (default: {size})")
    add("--shard", dest="part", type=part, default=(0, 1), metavar="I/N", help=_SHARD_HELP)
    add("--workers", type=int, help="files decoded at once (default: one a processor core)")
    add("--quiet", dest="progress", action="store_false", help="no progress bars")


def _add_fields(command, data_set):
    """An option for each field: its name, type, default and help."""
    hints = typing.get_type_hints(data_set)
    for field in dataclasses.fields(data_set):
        none, default = field.metadata["none"], field.default
        kinds = [kind for kind in typing.get_args(hints[field.name]) if kind is not types.NoneType]
        shown = none if default is None else default
        meaning = field.metadata["help"].replace("None", none or "None")
        command.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=_converter(kinds[0] if kinds else hints[field.name], none),
            default=default,
            help=meaning if shown is None else f"{meaning} (default: {shown})",
        )


def _converter(kind, none):
    def convert(text):
        return None if none is not None and text == none else kind(text)

    convert.__name__ = kind.__name__  # argparse: "invalid float value: 'fast'"
    return convert


_SHARD_HELP = "write only the shards of part I of N, counted from 0 (default: 0/1, all)"


def part(text: str) -> tuple[int, int]:
    """Returns (I, N) of the text "I/N", for argparse."""
    number, slash, count = text.partition("/")
    if not (slash and number.isdigit() and count.isdigit() and int(number) < int(count)):
        raise argparse.ArgumentTypeError(f"must be I/N with 0 <= I < N; received {text!r}.")
    return int(number), int(count)


if __name__ == "__main__":
    leave(main)
