"""What is wrong with rows of a table: collected, and said all at once before any work."""

from __future__ import annotations

from collections.abc import Iterable

_NAMED = 6  # faults in a message


class Faults:
    """Collects what is wrong with rows.

    Args:
        name: Of the table, for messages.

    Attributes:
        found: Dict number of a row -> list of reasons.
    """

    def __init__(self, name: str):
        self._name = name
        self.found: dict[int, list[str]] = {}

    def add(self, number: int, column: str, reason: str) -> None:
        """Adds what is wrong with a cell, once."""
        reasons = self.found.setdefault(number, [])
        text = f"column `{column}`: {reason}"
        reasons += [] if text in reasons else [text]

    def refuse(self) -> None:
        """Raises `ValueError` where there is anything: the rows, their columns, and the reasons."""
        if not self.found:
            return
        listed = [
            f"row {number}, {reason}"
            for number, reasons in self.found.items()
            for reason in reasons
        ]
        raise ValueError(
            f"`table` must have rows that can be used; received {self._name}: {some(listed)}. Mend "
            'the table, or leave such rows out: bad_rows="leave-out" (--bad-rows leave-out).'
        )


def some(items: Iterable[str], named: int = _NAMED) -> str:
    """Returns the first of some texts, and how many more there are."""
    listed = list(items)
    more = len(listed) - named
    return "; ".join(listed[:named] + [f"and {more} more"] * (more > 0))
