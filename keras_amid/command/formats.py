"""A run's student in every format, float32 and int8: size, test accuracy and time side by side.

keras-amid formats runs/mine

A format whose packages are missing is named: pip install 'keras_amid[onnx,litert]'.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from keras_amid.validation.exits import Parser, finished


def main(arguments: list[str], program: str) -> int:
    """See `keras_amid.command`."""
    parser = Parser(
        prog=program, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("run", type=Path, help="folder that `keras-amid train` wrote")
    add("--out", type=Path, help="folder of the exports and of the table, formats.md (default: "
        "formats within the run)")  # fmt: skip
    given = parser.parse_args(arguments)

    def work():
        from keras_amid.experiments.own.formats import compare_run

        print(compare_run(given.run, given.out or given.run / "formats"))
        return 0

    return finished(parser, work)
