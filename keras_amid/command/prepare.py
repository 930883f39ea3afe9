"""Turn a table of your own media into records, ready for training.

    keras-amid prepare clips.csv --out data/mine

A row of the table is a sample. Columns:

    label        a name or an integer; empty where there is none
    id           unique (optional)
    split        train, validation or test (optional: divided by group, stratified, seeded)
    group        what must not be torn apart by that: a person, a session (optional)
    start, end   seconds, the part of the row's media to take (optional)
    any other    a modality; an empty cell is missing:
                 paths of videos or sounds (sound in a video becomes the modality audio), of
                 pictures, of .npy arrays, numbers (columns imu.x, imu.y, ... are one modality imu),
                 or text

Paths are relative to the table. What each column holds is found from what is in it, and printed;
--kind says otherwise. Stopped at any time, the same command goes on where it was. With rows added
to the table, it reads only those. On several machines with a common disk, each runs it with another
--shard I/N.

A data set of the paper by its name: keras-amid prepare ucf51 --help (or activitynet, iemocap, mmin,
ripple_tank).
"""

from __future__ import annotations

import argparse
from typing import Any

from keras_amid.data.datasets import DATA_SETS
from keras_amid.validation.exits import Parser, finished

_SHARED = ("root", "out", "shard_size", "part", "workers", "progress")


def main(arguments: list[str], program: str) -> int:
    """See `keras_amid.command`."""
    if arguments and arguments[0] in DATA_SETS:
        from keras_amid.data import prepare

        return prepare.main(arguments, program)
    parser = _parser(program)
    given = vars(parser.parse_args(arguments))
    return finished(parser, lambda: _run(given), "the same command goes on where it was stopped")


def _run(given: dict[str, Any]) -> int:
    from keras_amid.data.datasets import Table
    from keras_amid.data.prepare import run

    shared = {name: given.pop(name) for name in _SHARED}
    kinds = dict(given.pop("kinds"))
    return run(Table(**given, kinds=kinds), **shared)


def _parser(program: str) -> Parser:
    parser = Parser(program, None, __doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("table", metavar="TABLE", help=".csv, .tsv, .jsonl or .parquet file")
    add("--out", required=True, help="folder to write to")
    add("--root", help="folder that paths are relative to (default: the table's)")
    add("--kind", dest="kinds", metavar="COLUMN=KIND", type=_kind, action="append", default=[],
        help="what a column holds: video, audio, media (a video with its sound), image, array, "
        "numbers, text or ignore; may be given several times")  # fmt: skip
    add("--missing", choices=("mask", "leave-out"), default="mask",
        help="rows that lack a modality, or a video its sound: kept without it (mask, default), "
        "or left out")  # fmt: skip
    add("--bad-rows", choices=("refuse", "leave-out"), default="refuse",
        help="rows that cannot be used, as far as that shows beforehand (default: refuse, which "
        "names them)")  # fmt: skip
    add("--validation", type=float, default=0.15, metavar="SHARE",
        help="share of the rows without split to validate on (default: 0.15)")  # fmt: skip
    add("--test", type=float, default=0.15, metavar="SHARE", help="likewise to test on")
    add("--seed", type=int, default=0, help="of that division (default: 0)")
    add("--sample-rate", type=int, default=16000,
        help="samples a second of all sound (default: 16000; CNN14 takes 32000)")  # fmt: skip
    add("--short-side", type=int, default=128,
        help="pixels of the pictures' shorter side (default: 128)")  # fmt: skip
    add("--fps", type=_fps, default=None, help="frames a second to take (default: 0, every frame)")
    add("--shard-size", type=int, help="samples a shard (default: 64)")
    add("--shard", dest="part", type=_part, default=(0, 1), metavar="I/N",
        help="write only every N-th shard, from the I-th on (default: 0/1, all)")  # fmt: skip
    add("--workers", type=int, help="files decoded at once (default: one a processor core)")
    add("--quiet", dest="progress", action="store_false", help="no progress bars, no description")
    return parser


def _kind(text):
    column, equals, kind = text.rpartition("=")
    if not (equals and column and kind):
        raise argparse.ArgumentTypeError(f"must be COLUMN=KIND; received {text!r}.")
    return column, kind


def _fps(text):
    return float(text) or None


def _part(text):
    from keras_amid.data.prepare import part

    return part(text)
