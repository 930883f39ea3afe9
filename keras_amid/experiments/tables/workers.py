"""Jobs in parallel processes that live long: imports and compiled steps serve many jobs."""

from __future__ import annotations

import multiprocessing
import os
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import as_completed
from pathlib import Path
from typing import Any

from pebble import ProcessExpired, ProcessPool

# One thread a process: the processes share the cores. JAX keeps compiled steps on disk.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
}


class Workers:
    """Processes that call one function; to be used in a `with` statement, which ends them.

    Args:
        function: picklable function of a job; what it returns is dropped.
        processes: how many; 1: no other process than this one.
        cache: folder for compiled steps.
    """

    def __init__(self, function: Callable[[Any], Any], processes: int, cache: Path):
        self.function, self.processes = function, processes
        self.pool: ProcessPool | None = None
        environment = {**_ENVIRONMENT, "JAX_COMPILATION_CACHE_DIR": str(cache)}
        # The user's own settings win.
        self.added = {name: v for name, v in environment.items() if name not in os.environ}

    def __enter__(self) -> Workers:
        if self.processes > 1:
            os.environ.update(self.added)  # processes inherit it, those too that replace dead ones
            context = multiprocessing.get_context("spawn")
            self.pool = ProcessPool(self.processes, initializer=_end_with_parent, context=context)
        return self

    def __exit__(self, *error: object) -> None:
        if self.pool is not None:
            self.pool.stop()
            self.pool.join()
            for name in self.added:
                del os.environ[name]

    def run(self, jobs: Iterable[Any]) -> Iterator[tuple[Any, str | None]]:
        """Calls the function with every job, begun in this order.

        Args:
            jobs: picklable objects.

        Yields:
            A finished job, and None or the error's text where it failed. A process that died (of
            lack of memory, say) is its job's error; another one takes its place.
        """
        if self.pool is None:
            for job in jobs:
                yield job, _attempt(self.function, job)
            return
        futures: dict[Any, Any] = {
            self.pool.schedule(_attempt, args=[self.function, job]): job for job in jobs
        }
        for future in as_completed(futures):
            try:
                error = future.result()
            except ProcessExpired as expired:
                error = f"its process ended with exit code {expired.exitcode}\n"
            yield futures[future], error


def _end_with_parent():
    """Ends a process whose parent was killed: it would wait for jobs for ever."""

    def wait():
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _attempt(function, job):
    """Calls the function; returns the error's text, or None."""
    try:
        function(job)
    except Exception:
        return traceback.format_exc()
    return None
