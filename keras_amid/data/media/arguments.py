"""Checks of the readers' arguments: what is wrong with them is no file's fault."""

from __future__ import annotations

import math
import numbers
from typing import Any


def check_number(name: str, value: Any, whole: bool = False) -> None:
    """Raises `ValueError` unless a value is a positive number, with `whole` an integer."""
    kind: Any = numbers.Integral if whole else numbers.Real
    if not isinstance(value, kind) or isinstance(value, bool) or not 0 < value < math.inf:
        wanted = "a positive integer" if whole else "a positive number"
        raise ValueError(f"`{name}` must be {wanted}; received {value!r}.")


def check_sample_rate(sample_rate: Any) -> None:
    """Raises `ValueError` unless `sample_rate` is a positive integer."""
    check_number("sample_rate", sample_rate, whole=True)


def check_segments(segments: Any) -> None:
    """Raises `ValueError` unless `segments` is None or (start, end)s, rising and apart."""
    if segments is None:
        return
    latest = 0.0
    for segment in segments:
        if not _is_segment(segment) or not latest <= segment[0] <= _end(segment):
            raise ValueError(
                "`segments` must be (start, end) in seconds from 0 on, rising and apart (the last "
                f"end may be None, the file's), or None; received {segments!r}."
            )
        latest = _end(segment)


def check_segment(segment: Any) -> None:
    """Raises `ValueError` unless `segment` is None or (start, end), the end a number or None."""
    if segment is not None and not (_is_segment(segment) and 0 <= segment[0] <= _end(segment)):
        raise ValueError(
            "`segment` must be (start, end) in seconds from 0 on, the end a number or None, or "
            f"None; received {segment!r}."
        )


def _is_segment(segment: Any) -> bool:
    try:
        start, end = segment
    except (TypeError, ValueError):
        return False
    return _are_numbers((start, start if end is None else end), 2)


def _end(segment: Any) -> float:
    return math.inf if segment[1] is None else segment[1]


def check_crop(crop: Any) -> None:
    """Raises `ValueError` unless `crop` is None or a region within the picture."""
    if crop is None:
        return
    if not _are_numbers(crop, 4) or not (
        0 <= crop[0] < crop[2] <= 1 and 0 <= crop[1] < crop[3] <= 1
    ):
        raise ValueError(
            "`crop` must be (left, top, right, bottom) as fractions of the picture, or None; "
            f"received {crop!r}."
        )


def _are_numbers(values: Any, count: int) -> bool:
    try:
        values = tuple(values)
    except TypeError:
        return False
    numeric = all(isinstance(value, numbers.Real) for value in values)
    return len(values) == count and numeric and all(map(math.isfinite, values))
