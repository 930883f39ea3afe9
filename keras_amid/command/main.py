"""The command's entry: hands over to the subcommand, and imports no other."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import NoReturn

import keras_amid
from keras_amid.command import COMMANDS
from keras_amid.validation.exits import Parser, leave

_PROGRAM = "keras-amid"


def main(arguments: list[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: List of str; None for those of the command line.

    Returns:
        The subcommand's exit status, 0 where all is well.

    Raises:
        SystemExit: With 2 where an argument is wrong, 1 where the work failed, 130 after Ctrl-C;
            one line on the standard error says what and why.
    """
    words = sys.argv[1:] if arguments is None else arguments
    name = _parser().parse_args(words[:1]).command
    module = importlib.import_module(f"keras_amid.command.{name}")
    return module.main(words[1:], f"{_PROGRAM} {name}")


def run() -> NoReturn:
    """Runs the command as the process that it is."""
    leave(main)


def _parser():
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name:<{width}}  {does}" for name, does in COMMANDS.items())
    parser = Parser(
        prog=_PROGRAM,
        usage=f"{_PROGRAM} COMMAND ...",
        description="Cross-modal knowledge distillation with data of your own.",
        epilog=f"commands (each has its own --help):\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=keras_amid.__version__)
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    return parser
