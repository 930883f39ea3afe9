"""What a worker process of `isolation` runs: a script by itself, which imports nothing of its own.

Requests come on the standard input, replies leave on the standard output; what the function prints
goes to the standard error. When the process that started it is gone, however it ended, the input
ends, and the worker with it, whatever it is doing.
"""

import importlib.util
import math
import os
import pickle
import queue
import signal
import struct
import sys
import threading
import traceback
import types

RETURNED, RAISED, UNSENDABLE = "returned", "raised", "unsendable"
_PACKAGE = "keras_amid"
_GRACE = 5  # seconds; in time the starting process ends the worker


class _LightPackage(types.ModuleType):
    """The package without what its `__init__` imports: Keras and its backend.

    They take seconds and half a gigabyte, of which decoding needs nothing. Modules of the package
    import as ever; the first use of anything else of the package runs its `__init__` after all.
    """

    def __getattr__(self, name):
        if importlib.util.find_spec(f"{_PACKAGE}.{name}") is not None:
            return importlib.import_module(f"{_PACKAGE}.{name}")
        self.__class__ = types.ModuleType
        self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def _light_package():
    spec = importlib.util.find_spec(_PACKAGE)
    module = _LightPackage(_PACKAGE)
    module.__spec__, module.__file__ = spec, spec.origin
    module.__path__, module.__package__ = spec.submodule_search_locations, _PACKAGE
    return module


def send(file, value):
    """Writes a value: its pickle, with large arrays beside it, so that they are not copied."""
    buffers = []
    head = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    parts = [head, *(buffer.raw() for buffer in buffers)]
    file.write(struct.pack("<q", len(parts)))
    for part in parts:
        file.write(struct.pack("<q", len(part)))
        file.write(part)
    file.flush()


def receive(file):
    """Reads a value that `send` wrote; raises `EOFError` where there is no more."""
    (count,) = struct.unpack("<q", _exactly(file, 8))
    head, *buffers = [_exactly(file, *struct.unpack("<q", _exactly(file, 8))) for _ in range(count)]
    return pickle.loads(head, buffers=buffers)


def _exactly(file, count):
    data = bytearray(count)
    view, done = memoryview(data), 0
    while done < count:
        read = file.readinto(view[done:])
        if not read:
            raise EOFError("the other side is gone")
        done += read
    return data


def _take_over():
    """Returns the files of requests and replies; standard input and output are free after it."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return requests, replies


def _listen(requests, items):
    while True:
        try:
            items.put(receive(requests))
        except BaseException:
            os._exit(0)


def _reply(replies, function, item):
    """Sends what came of a call: (RETURNED, value), (RAISED, error) or (UNSENDABLE, None)."""
    try:
        outcome = (RETURNED, function(item))
    except Exception as error:
        error.add_note(f"In the worker process:\n{traceback.format_exc()}")
        outcome = (RAISED, error)
    try:
        send(replies, outcome)
    except (pickle.PicklingError, TypeError, AttributeError, ValueError):
        send(replies, (UNSENDABLE, None))


def main():
    """Serves one function until the requests end."""
    requests, replies = _take_over()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the starting process's affair
    setup = receive(requests)
    sys.path[:] = setup["path"]
    sys.modules.setdefault(_PACKAGE, _light_package())
    try:
        function = pickle.loads(setup["function"])
    except Exception as error:
        send(replies, f"{type(error).__name__}: {error}")
        return
    send(replies, None)
    items = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, items), daemon=True).start()
    while True:
        item = items.get()
        # Where code that hangs keeps even the listening thread from running, the system ends it.
        _alarm(math.ceil(setup["seconds"]) + _GRACE)
        _reply(replies, function, item)
        _alarm(0)


def _alarm(seconds):
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


if __name__ == "__main__":
    main()
