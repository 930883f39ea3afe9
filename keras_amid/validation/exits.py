"""How a command ends: an exit status, and one line that says what is wrong; never a traceback.

Without Keras, so that a command's help need not wait for it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import NoReturn

INTERRUPTED = 130  # the shell's status of Ctrl-C
#: What can be done after work that failed or was stopped, of most commands.
GOES_ON = "the same command goes on where it was stopped"


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see --help)\n")


def finished(parser: argparse.ArgumentParser, work: Callable[[], int], goes_on: str = "") -> int:
    """Does the work of a command.

    Args:
        parser: Its parser, whose program is named in messages.
        work: Function that returns the exit status. `ValueError` says that what the user gave is
            wrong, `OSError` that the work failed, as on a full disk.
        goes_on: What can be done after work that failed or was stopped; "" for nothing special.

    Returns:
        What `work` returned.

    Raises:
        SystemExit: With 2 after a `ValueError` (or its `exit_status`), 1 after an `OSError`, 130
            after Ctrl-C; one line on the standard error says what and why.
    """
    try:
        return work()
    except ValueError as error:
        status, message = getattr(error, "exit_status", 2), f"error: {error}"
    except OSError as error:
        said = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        status, message = 1, f"error: {said}" + f" ({goes_on})" * bool(goes_on)
    except KeyboardInterrupt:
        status, message = INTERRUPTED, "stopped" + f"; {goes_on}" * bool(goes_on)
    parser.exit(status, f"{parser.prog}: {' '.join(message.split())}\n")
    raise AssertionError("unreachable")


def leave(main: Callable[[], int]) -> NoReturn:
    """Runs a command as a process of its own, and ends the process with its exit status."""
    try:
        status: object = main()
    except SystemExit as exit:
        status = exit.code
    if status == INTERRUPTED:
        # Python would wait for the threads that decode, perhaps for minutes. What they write has
        # no name before it is whole.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(INTERRUPTED)
    raise SystemExit(status)
