"""Checks of plain values: each names the argument, what was expected and what came.

Without Keras, so that processes that decode media need not import it.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Hashable, Iterable
from typing import Any


def check_int(
    name: str, value: Any, at_least: int | None = None, at_most: int | None = None
) -> int:
    """Returns `value` as int; raises ValueError for a bool, another type or one out of range."""
    good = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not (good and _within(value, at_least=at_least, at_most=at_most)):
        expected = f"an integer {_range(at_least=at_least, at_most=at_most)}".rstrip()
        raise ValueError(f"`{name}` must be {expected}; received {value!r}.")
    return int(value)


def check_positive_int(name: str, value: Any, at_least: int = 1) -> int:
    """`check_int` with the bound that most integers here have."""
    return check_int(name, value, at_least)


def check_block(value: Any) -> int | None:
    """Returns the argument `block` of losses and methods: None, or a positive int."""
    return None if value is None else check_positive_int("block", value)


def check_number(
    name: str,
    value: Any,
    above: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
) -> float:
    """Returns `value` as float; raises ValueError where it is not finite or out of range."""
    bounds = {"above": above, "at_least": at_least, "at_most": at_most}
    good = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
    if not (good and _within(value, **bounds)):
        expected = f"a finite number {_range(**bounds)}".rstrip()
        raise ValueError(f"`{name}` must be {expected}; received {value!r}.")
    return float(value)


def _within(value, above=None, at_least=None, at_most=None):
    return (
        (above is None or value > above)
        and (at_least is None or value >= at_least)
        and (at_most is None or value <= at_most)
    )


def _range(above=None, at_least=None, at_most=None):
    bounds = [("> ", above), (">= ", at_least), ("<= ", at_most)]
    return " and ".join(f"{sign}{bound}" for sign, bound in bounds if bound is not None)


def check_choice(name: str, value: Any, choices: Iterable) -> Any:
    """Returns the one of `choices` that equals `value`; raises ValueError where none does."""
    choices = list(choices)
    for choice in choices:
        same_kind = isinstance(value, bool) == isinstance(choice, bool)  # True equals 1
        if same_kind and isinstance(value, Hashable) and value == choice:
            return choice
    raise ValueError(f"`{name}` must be one of {choices}; received {value!r}.")
