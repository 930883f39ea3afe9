"""How much a media file may ask for: stated in one place, set by an argument or a context."""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import math
import numbers
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from keras_amid.data.media.errors import MediaError


@dataclasses.dataclass(frozen=True)
class Limits:
    """How much reading a media file may take. A file that asks for more raises `MediaError`.

    What a file says of itself is compared before anything is decoded.

    Attributes:
        pixels: Of one picture as it is stored, height times width. The default takes 8K films
            (8192 x 4320).
        duration: Seconds that a file may say it lasts, and that its sound may last.
        sample_rate: Samples a second of the sound as it is stored.
        lowest_sample_rate: Likewise, but fewer are refused: a damaged header would have a second of
            sound last for minutes.
        memory: Bytes of decoded pictures and samples that one call of a reader may return.
        seconds: Of wall-clock time that one call of a reader may take; in `write_records` also
            how long a worker process may take over one sample before it is ended.
    """

    pixels: int = 8192 * 4320
    duration: float = 24 * 3600.0
    sample_rate: int = 768_000
    lowest_sample_rate: int = 1000
    memory: int = 4 * 2**30
    seconds: float = 600.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            number = isinstance(value, numbers.Real) and not isinstance(value, bool)
            if not number or not 0 < value < math.inf:
                raise ValueError(f"`{field.name}` must be a positive number; received {value!r}.")


_DEFAULTS = Limits()
_current: contextvars.ContextVar[Limits] = contextvars.ContextVar("limits", default=_DEFAULTS)


@contextlib.contextmanager
def limit(**changes: float) -> Iterator[Limits]:
    """Sets limits for all reading within a `with` block, the preparing of data sets included.

        with keras_amid.data.limit(seconds=60):
            ucf51.prepare("UCF101", "data/ucf51")

    Args:
        **changes: Attributes of `Limits`; those not named stay as they are.

    Yields:
        The `Limits` that hold within.

    Raises:
        ValueError: A value is no positive number, or a name is no limit.
    """
    known = [field.name for field in dataclasses.fields(Limits)]
    for name in changes:
        if name not in known:
            raise ValueError(f"`limit` must be given names among {known}; received {name!r}.")
    limits = dataclasses.replace(_current.get(), **changes)  # type: ignore[arg-type]
    token = _current.set(limits)
    try:
        yield limits
    finally:
        _current.reset(token)


def current_limits(limits: Limits | None = None) -> Limits:
    """Returns the limits that hold: those given, else those of `limit`, else the defaults."""
    if limits is not None and not isinstance(limits, Limits):
        raise ValueError(f"`limits` must be a `Limits` or None; received {limits!r}.")
    return _current.get() if limits is None else limits


def within(limits: Limits, function: Callable[[Any], Any], item: Any) -> Any:
    """Returns `function(item)`, called under `limits`: in threads and worker processes too."""
    with limit(**dataclasses.asdict(limits)):
        return function(item)


def overtime(limits: Limits) -> str:
    """Returns the reason that a file took longer to read than the limits allow."""
    return f"not read within {limits.seconds:g} s (`seconds` of the limits)"


class Allowance:
    """What is left of the limits to one call of a reader.

    Args:
        path: The file.
        limits: A `Limits`; None for those that `limit` set, or the defaults.

    Attributes:
        path: As given.
        limits: The `Limits` that hold.
    """

    def __init__(self, path: str | os.PathLike, limits: Limits | None) -> None:
        self.path = path
        self.limits = current_limits(limits)
        self._memory = 0
        self._sound = 0.0
        self._started = time.monotonic()

    def check_duration(self, seconds: float) -> None:
        """Refuses a file that says that it lasts longer than the limit."""
        self._refuse(seconds, "duration", "s long")

    def check_picture(self, width: int, height: int) -> None:
        """Refuses pictures of more pixels than the limit."""
        self._refuse(width * height, "pixels", f"pixels in a picture of {width}x{height}")

    def check_rate(self, rate: int) -> None:
        """Refuses sound of more samples a second than the limit, or of fewer than the lowest."""
        self._refuse(rate, "sample_rate", "samples a second")
        lowest = self.limits.lowest_sample_rate
        if rate < lowest:
            reason = f"{rate} samples a second, fewer than {lowest}"
            raise MediaError(self.path, f"{reason} (`lowest_sample_rate` of the limits)")

    def take_memory(self, count: int) -> None:
        """Takes `count` bytes."""
        self._memory += count
        self._refuse(self._memory, "memory", "bytes of decoded pictures and sound")

    def take_sound(self, seconds: float) -> None:
        """Takes `seconds` of decoded sound."""
        self._sound += seconds
        self._refuse(self._sound, "duration", "s of sound")

    def check_time(self) -> None:
        """Refuses to go on after the time is over."""
        if time.monotonic() - self._started > self.limits.seconds:
            raise MediaError(self.path, overtime(self.limits))

    def _refuse(self, value: float, name: str, what: str) -> None:
        limit = getattr(self.limits, name)
        if value > limit:
            reason = f"{value:,.10g} {what}, more than {limit:,.10g} (`{name}` of the limits)"
            raise MediaError(self.path, reason)
