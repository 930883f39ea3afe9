"""The options of a data set: fields of its dataclass, each with its meaning and its check."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from typing import Any

from keras_amid.validation.scalars import (
    check_choice,
    check_int,
    check_number,
    check_positive_int,
)

_RATES = (1000, 384000)  # Hz, what FFmpeg's resampler is known to take
_FASTEST = 1000.0  # frames a second


def option(
    default: Any,
    help: str,
    check: Callable[[str, Any], Any],
    *,
    none: str | None = None,
    setting: bool = True,
    compare: bool = True,
) -> Any:
    """Returns a dataclass field that is an option of a data set.

    Args:
        default: Its value where none is given.
        help: What it means, for the command line and the documentation.
        check: Function of (name, value) that returns the value, or raises `ValueError`.
        none: What stands for None on the command line, where the option may be None.
        setting: Whether data made with another value are other data.
        compare: Whether two values can be compared; of those that cannot, none is shown either.
    """
    metadata = {"help": help, "check": check, "none": none, "setting": setting}
    return dataclasses.field(default=default, metadata=metadata, compare=compare, repr=compare)


def sample_rate(default: int) -> Any:
    """The option of that name."""
    return option(default, "samples a second of the sound (Hz)", _check_sample_rate)


def short_side(default: int = 128) -> Any:
    """The option of that name."""
    return option(default, "pixels of the pictures' shorter side", check_positive_int)


def fps(default: float | None) -> Any:
    """The option of that name."""
    return option(default, "frames a second to take; None for every frame", _check_fps, none="0")


def choice(default: Any, help: str, values: tuple) -> Any:
    """An option that is one of `values`."""
    return option(default, help, lambda name, value: check_choice(name, value, values))


def missing(default: str) -> Any:
    """What becomes of rows that lack a modality."""
    return choice(
        default,
        "videos without sound: left out, or kept, their sound masked (leave-out, mask)",
        ("leave-out", "mask"),
    )


def count(default: int, help: str) -> Any:
    """An option that is an integer of at least 0."""
    return option(default, help, lambda name, value: check_int(name, value, 0))


def file_name(default: str | None, help: str) -> Any:
    """An option that is a name, or None."""
    return option(default, help, _check_file_name, none="none")


def path(help: str) -> Any:
    """An option that is a path, or None; the same file may lie elsewhere the next time."""
    return option(None, help, _check_path, setting=False)


def _check_sample_rate(name, value):
    return check_int(name, value, *_RATES)


def _check_fps(name, value):
    return None if value is None else check_number(name, value, above=0, at_most=_FASTEST)


def _check_path(name, value):
    if not isinstance(value, str | os.PathLike | None):
        raise ValueError(f"`{name}` must be a path or None; received {value!r}.")
    return value


def _check_file_name(name, value):
    if not isinstance(value, str | None) or value == "":
        raise ValueError(f"`{name}` must be a name or None; received {value!r}.")
    return value
