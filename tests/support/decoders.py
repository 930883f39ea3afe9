"""What `write_records` reads with in tests: decoders that crash, hang, fail, or look around."""

import os
import signal
import sys
import time

import numpy as np

from keras_amid.data import MediaError
from keras_amid.data.media.limits import current_limits


def rows(count):
    return [{"id": f"clip-{i}", "label": i % 3, "file": f"clip-{i}.avi"} for i in range(count)]


def read(row):
    """The values of a row; the end of the process, or worse, where the row says so."""
    what = row.get("does")
    with open(row["log"], "a") if "log" in row else open(os.devnull, "w") as log:
        log.write(row["id"] + "\n")
    if what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "hang":
        time.sleep(3600)
    if what == "spin":
        while True:
            pass
    if what == "exit":
        os._exit(3)
    if what == "fail":
        raise KeyError("no such feature")
    if what == "refuse":
        raise MediaError(row["file"], "no sound")
    if what == "wait":
        time.sleep(0.2)
    number = int(row["id"].split("-")[1])
    rng = np.random.default_rng(number)
    return {
        "video": rng.integers(0, 256, (3, 8, 10, 3), dtype=np.uint8),
        "audio": rng.uniform(-1, 1, 50).astype("float32"),
        "notes": [f"note {number}"] if number % 4 == 1 else [],
    }


def look_around(row):
    """Where the function runs."""
    heavy = [name for name in ("keras", "tensorflow", "jax", "torch") if name in sys.modules]
    return {"process": os.getpid(), "heavy": heavy, "limits": current_limits()}


def unsendable(row):
    """A value that no other process can be sent."""
    return (number for number in range(3))


def use_package(row):
    """What a user's own function may do with the package."""
    import keras_amid as ka

    return [ka.data.Limits().pixels, ka.__version__, ka.AMID.__name__]
