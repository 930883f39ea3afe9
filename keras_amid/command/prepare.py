"""Turn a data set of the paper into records.

keras-amid prepare ucf51 --root UCF101 --out data/ucf51
keras-amid prepare ucf51 --help
"""

from __future__ import annotations

import argparse

from keras_amid.data.datasets import DATA_SETS
from keras_amid.validation.exits import Parser


def main(arguments: list[str], program: str) -> int:
    """See `keras_amid.command`."""
    parser = Parser(program, None, __doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=DATA_SETS, help="which one; each has its own --help")
    parser.parse_args(arguments[:1])

    from keras_amid.data import prepare

    return prepare.main(arguments, program)
