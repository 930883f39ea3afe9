"""Test figures of a trained run, computed anew from its weights.

keras-amid evaluate runs/mine
keras-amid evaluate runs/mine --row "student alone" --seed 1 --split validation
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from keras_amid.validation.exits import Parser, finished


def main(arguments: list[str], program: str) -> int:
    """See `keras_amid.command`."""
    parser = Parser(
        prog=program, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("run", type=Path, help="folder that `keras-amid train` or `compare` wrote")
    add("--row", help="method (default: the run's last)")
    add("--seed", type=int, help="(default: the run's first)")
    add("--split", choices=("test", "validation"), default="test", help="(default: test)")
    add("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)

    def work():
        from keras_amid.experiments.own.evaluating import evaluate

        figures = evaluate(given.run, given.row, given.seed, given.split)
        shown = {n: v for n, v in figures.items() if not isinstance(v, list)}
        print(json.dumps(figures) if given.json else _table(shown))
        return 0

    return finished(parser, work)


def _table(figures):
    width = max(map(len, figures))
    return "\n".join(f"{name:<{width}}  {value:5.1f} %" for name, value in figures.items())
