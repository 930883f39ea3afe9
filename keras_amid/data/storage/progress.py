"""Progress bars: one that is redrawn on a terminal or in a notebook, lines anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from tqdm.auto import tqdm
from tqdm.notebook import tqdm as notebook_bar

SECONDS = 5.0  # between two lines


def progress_bar(
    iterable: Iterable | None = None,
    *,
    total: int | None = None,
    description: str = "",
    unit: str = "it",
    show: bool = True,
) -> tqdm:
    """Returns a tqdm bar on the standard error.

    Where that is no terminal (a log file, a batch queue, a pipe), it prints a line of its own every
    five seconds, and none for work that takes less.

    Args:
        iterable: What to iterate over; None where `update` is called by hand.
        total: Number of steps; None for the length of `iterable`.
        description: Stands in front.
        unit: What is counted.
        show: Whether to show anything.

    Returns:
        A `tqdm.tqdm`: an iterable, and a context manager with `update(n=1)`.
    """
    options: dict[str, Any] = {} if show else {"disable": True}
    if not is_redrawn():
        # tqdm has no mode for files: it redraws its bar there too, with thousands of carriage
        # returns. Its clock and its text are used; where it redraws, a line is printed.
        options |= {"file": _Lines(sys.stderr), "mininterval": SECONDS, "delay": SECONDS}
        options |= {"miniters": 1, "ncols": 0, "position": 0}
    return tqdm(iterable, total=total, desc=description or None, unit=unit, **options)


def is_redrawn() -> bool:
    """Whether a bar is redrawn: on a terminal, and in a notebook."""
    return issubclass(tqdm, notebook_bar) or _is_terminal(sys.stderr)


def _is_terminal(stream) -> bool:
    return stream is not None and stream.isatty()


class _Lines:
    """A text file in which every redrawn bar becomes a line."""

    def __init__(self, stream):
        self.stream = stream

    def write(self, text: str):
        line = text.strip()
        if line and self.stream is not None:
            self.stream.write(f"{line}\n")
            self.stream.flush()

    def flush(self):
        """Nothing: every line is flushed."""
