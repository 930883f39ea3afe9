"""A parallel map whose result does not depend on the number of workers."""

import collections
import os
from concurrent.futures import ThreadPoolExecutor


def check_workers(workers):
    """Returns the number of threads to use: `workers`, or one a processor core where None."""
    if workers is None:
        return os.cpu_count() or 1
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ValueError(f"`workers` must be a positive integer or None; received {workers!r}.")
    return workers


def ordered_map(function, items, workers=None):
    """Maps in threads and yields the results in the order of `items`.

    Threads suffice: FFmpeg's encoders and decoders, NumPy and TensorFlow release the interpreter
    lock. At most four items a worker are in flight, so memory stays bounded, and what is not yet
    started is given up when the consumer stops or an item raises.

    Args:
        function: Callable of one item.
        items: Iterable.
        workers: Number of threads; None for one a processor core.

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
    except KeyboardInterrupt:
        wait = False  # a long film must not hold it up
        raise
    finally:
        executor.shutdown(wait=wait, cancel_futures=True)
