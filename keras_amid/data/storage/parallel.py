"""A parallel map whose result does not depend on the number of workers."""

from __future__ import annotations

import collections
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from keras_amid.validation.scalars import check_int

Item = TypeVar("Item")
Result = TypeVar("Result")


def check_workers(workers: int | None) -> int:
    """Returns the number of workers to use: `workers`, or one a processor core where None."""
    return (os.cpu_count() or 1) if workers is None else check_int("workers", workers, 1)


def ordered_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int | None = None,
    give_up: Callable[[], None] | None = None,
) -> Iterator[Result]:
    """Maps in threads and yields the results in the order of `items`.

    Threads suffice: FFmpeg's encoders and decoders, NumPy and TensorFlow release the interpreter
    lock, and where `function` is `isolated` its threads wait for processes. At most four items a
    worker are in flight, so memory stays bounded, and what is not yet started is given up when the
    consumer stops or an item raises.

    Args:
        function: Callable of one item.
        items: Iterable.
        workers: Number of threads; None for one a processor core.
        give_up: Called when the consumer stops early or an item raises: ends what is running.

    Yields:
        `function(item)` for each item.
    """
    workers = check_workers(workers)
    executor = ThreadPoolExecutor(workers)
    pending = collections.deque()
    wait = True
    try:
        for item in items:
            pending.append(executor.submit(function, item))
            if len(pending) >= 4 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    except BaseException as error:
        executor.shutdown(wait=False, cancel_futures=True)
        if give_up is not None:
            give_up()
        wait = not isinstance(error, KeyboardInterrupt)  # a long film must not hold it up
        raise
    finally:
        executor.shutdown(wait=wait, cancel_futures=True)
