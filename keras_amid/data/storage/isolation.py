"""Calls in worker processes: what crashes or hangs there ends neither this process nor its work.

By hand, for `concurrent.futures` gives up all its work when one worker dies, and pebble, which does
not, runs the user's script anew in every worker and imports all of Keras there.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle

from keras_amid.data.storage import worker

# One thread of its own for each worker's sums: there are as many workers as cores.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_START = 120.0  # seconds that a worker may take to import what the function needs


class LostWorker(Exception):
    """A worker process ended within a call: it crashed, or took too long and was ended.

    Attributes:
        reason: Which of these, in words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@contextlib.contextmanager
def isolated(function: Callable[[Any], Any], seconds: float) -> Iterator[Isolated]:
    """Makes calls of a function run in worker processes.

    Args:
        function: Of one argument. Where it cannot be pickled (a closure, something that holds an
            open file), calls run in this process.
        seconds: After which a call is given up.

    Yields:
        An `Isolated`, to be called as the function is. Its workers end with the block.
    """
    calls = Isolated(function, seconds)
    try:
        yield calls
    finally:
        calls.close()


class Isolated:
    """Calls a function in worker processes, of which there are as many as threads that call.

    They start when they are needed, and again after a crash.

    Args:
        function: See `isolated`.
        seconds: Likewise.
    """

    def __init__(self, function: Callable[[Any], Any], seconds: float) -> None:
        self._function, self._seconds = function, seconds
        self._lock = threading.Lock()
        self._pickled: Any = None  # what workers are given; False where calls run in this process
        self._idle, self._workers = [], set()
        self._closed = False

    def __call__(self, item: Any) -> Any:
        """Returns `function(item)`, or raises what it raises.

        Raises:
            LostWorker: The call ended its process, or took too long.
        """
        process = self._take()
        if process is None:
            return self._function(item)
        try:
            outcome, value = process.call(item)
        except LostWorker:
            self._drop(process)
            raise
        self._idle.append(process)
        if outcome == worker.RAISED:
            raise self._placed(value)
        if outcome == worker.UNSENDABLE:
            self._pickled = False
            return self._function(item)
        return value

    def close(self) -> None:
        """Ends all workers, and with them the calls that are running in other threads."""
        with self._lock:
            self._closed = True
            workers, self._workers = self._workers, set()
        for process in workers:
            process.end()

    def _take(self) -> _Worker | None:
        """A worker that is idle, or a new one; None where calls run in this process."""
        with self._lock:
            if self._closed:
                raise LostWorker("given up")
            if self._pickled is None:
                first = self._prepare()
                if first is not None:
                    return first
            if not self._pickled:
                return None
            while self._idle:
                process = self._idle.pop()
                if process.alive():
                    return process
        return self._start(self._pickled)

    def _placed(self, error: Exception) -> Exception:
        """The error with its file in the trace: a function that went by value has lost the name."""
        code = getattr(_innermost(self._function), "__code__", None)
        if code is not None and hasattr(error, "__notes__"):
            notes = [note.replace("<dynamic-code>", code.co_filename) for note in error.__notes__]
            error.__notes__ = notes
        return error

    def _prepare(self) -> _Worker | None:
        """Finds the form in which workers can be given the function; starts the first of them."""
        for pickled in _forms(self._function):
            process = _Worker(pickled, self._seconds)
            if process.refusal is None:
                self._pickled = pickled
                self._workers.add(process)
                return process
            process.end()
        self._pickled = False
        return None

    def _start(self, pickled: bytes) -> _Worker:
        process = _Worker(pickled, self._seconds)
        if process.refusal is not None:
            process.end()
            raise RuntimeError(f"A worker process did not start: {process.refusal}")
        with self._lock:
            if not self._closed:
                self._workers.add(process)
                return process
        process.end()
        raise LostWorker("given up")

    def _drop(self, process: _Worker) -> None:
        with self._lock:
            self._workers.discard(process)
        process.end()


class _Worker:
    """A worker process.

    Attributes:
        refusal: Why it cannot take the function (str); None where it can.
    """

    def __init__(self, pickled: bytes, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._call: object = None  # what is running
        self._overtime = False
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(worker.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**_ONE_THREAD, **os.environ},
        )
        setup = {"path": sys.path, "function": pickled, "seconds": seconds}
        timer = threading.Timer(max(seconds, _START), self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            worker.send(self._process.stdin, setup)
            self.refusal = worker.receive(self._process.stdout)
        except (OSError, EOFError):
            self.refusal = self._reason()
        finally:
            timer.cancel()

    def alive(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    def call(self, item: Any) -> tuple[str, Any]:
        """Returns what came of the call, in a word, and the value or the error."""
        call = self._call = object()
        timer = threading.Timer(self._seconds, self._end_call, (call,))
        timer.daemon = True
        timer.start()
        try:
            worker.send(self._process.stdin, item)
            return worker.receive(self._process.stdout)
        except (OSError, EOFError, ValueError) as error:  # ValueError: its files are closed
            late = f"not read within {self._seconds:g} s"
            reason = late if self._overtime else self._reason()
            raise LostWorker(reason) from error
        finally:
            with self._lock:
                self._call = None
            timer.cancel()

    def end(self) -> None:
        """Ends the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        files: Any = (self._process.stdin, self._process.stdout)
        for file in files:
            # What was not sent yet is lost with the process.
            with contextlib.suppress(OSError):
                file.close()

    def _end_call(self, call: object) -> None:
        with self._lock:
            if self._call is call:  # and not over by now
                self._overtime = True
                self._process.kill()

    def _reason(self) -> str:
        code = self._process.wait()
        if code >= 0:
            return f"the decoder ended its process (exit code {code})"
        name = {s.value: s.name for s in signal.Signals}.get(-code, f"signal {-code}")
        return f"the decoder crashed ({name})"


def _forms(function: Callable[[Any], Any]) -> Iterator[bytes]:
    """Yields pickles of a function, of which a worker may be able to load one.

    Functions of the user's own modules go by value at first: the script is not run by a worker,
    and what else a module imports (Keras, say) need not be imported there.
    """
    if not sys.executable:  # Python within another program
        return
    module = sys.modules.get(getattr(_innermost(function), "__module__", ""))
    own = module is not None and module.__name__.partition(".")[0] == __name__.partition(".")[0]
    unpicklable = (pickle.PicklingError, TypeError, AttributeError, ValueError, RecursionError)
    try:
        pickle.dumps(function)
        if module is not None and not own:
            with contextlib.suppress(*unpicklable):
                yield _by_value(function, module)
        yield cloudpickle.dumps(function)
    except unpicklable:
        return


def _by_value(function: Callable[[Any], Any], module: types.ModuleType) -> bytes:
    if module.__name__ == "__main__":  # by value as it is
        return cloudpickle.dumps(function)
    cloudpickle.register_pickle_by_value(module)
    try:
        return cloudpickle.dumps(function)
    finally:
        cloudpickle.unregister_pickle_by_value(module)


def _innermost(function: Any) -> Any:
    """The function that `functools.partial`s are made of; of several, the last that is one."""
    while isinstance(function, functools.partial):
        callables = [argument for argument in function.args if callable(argument)]
        function = callables[-1] if callables else function.func
    return function
