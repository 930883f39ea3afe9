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
import types
import typing

from keras_amid.data.datasets import DATA_SETS, data_set_class

_SHARED = ("root", "out", "shard_size", "part", "workers", "progress")


def main(arguments: list[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: List of str; None for those of the command line.

    Returns:
        Exit status: 0, also where other parts have work to do.
    """
    from keras_amid.data.datasets.preparing import prepare

    parser = _parser()
    given = vars(parser.parse_args(arguments))
    data_set = data_set_class(given.pop("dataset"))
    shared = {name: given.pop(name) for name in _SHARED}
    try:
        data = prepare(data_set(**given), **shared)
    except ValueError as error:
        parser.exit(2, f"{parser.prog}: error: {error}\n")
    if data is None:
        number, count = shared["part"]
        print(f"part {number}/{count} is written; other parts are not yet complete")
    else:
        print(data.report())
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m keras_amid.data.prepare",
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
        add("--root", required=True, help="folder of the distribution")
    add("--out", required=True, help="folder to write to")
    size = data_set.shard_size
    add("--shard-size", type=int, default=size, help=f"samples a shard (default: {size})")
    add("--shard", dest="part", type=_part, default=(0, 1), metavar="I/N", help=_SHARD_HELP)
    add("--workers", type=int, help="threads (default: one a processor core)")
    add("--quiet", dest="progress", action="store_false", help="no progress bars")


def _add_fields(command, data_set):
    """An option for each field: its name, type, default and help."""
    hints = typing.get_type_hints(data_set)
    for field in dataclasses.fields(data_set):
        none, default = field.metadata["none"], field.default
        kinds = [kind for kind in typing.get_args(hints[field.name]) if kind is not types.NoneType]
        meaning = field.metadata["help"].replace("None", none or "None")
        command.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=_converter(kinds[0] if kinds else hints[field.name], none),
            default=default,
            help=f"{meaning} (default: {none if default is None else default})",
        )


def _converter(kind, none):
    def convert(text):
        return None if none is not None and text == none else kind(text)

    convert.__name__ = kind.__name__  # argparse: "invalid float value: 'fast'"
    return convert


_SHARD_HELP = "write only the shards of part I of N, counted from 0 (default: 0/1, all)"


def _part(text):
    number, slash, count = text.partition("/")
    if not (slash and number.isdigit() and count.isdigit() and int(number) < int(count)):
        raise argparse.ArgumentTypeError(f"must be I/N with 0 <= I < N; received {text!r}")
    return int(number), int(count)


if __name__ == "__main__":
    raise SystemExit(main())
