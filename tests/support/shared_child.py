"""Exports from JAX and PyTorch by children that share one import of TensorFlow.

`export_student` starts a new Python there, and importing TensorFlow takes it most of its time. In a
module whose tests export often,

    from shared_child import shared_child  # a fixture
    pytestmark = pytest.mark.usefixtures("shared_child")

forks the children from one process that has imported it (not that of `processes`, which has the
tests' own backend); a test of the real child calls `real_child`.
"""

import atexit
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

import keras
import pytest

from keras_amid.export import worker

REAL = worker.run_child
SERVER = []


@pytest.fixture
def shared_child(monkeypatch):
    if keras.backend.backend() != "tensorflow":
        monkeypatch.setattr(worker, "run_child", run)


def real_child(monkeypatch):
    """Puts the real child back for a test."""
    monkeypatch.setattr(worker, "run_child", REAL)


def run(request_file):
    """In the place of `worker.run_child`."""
    if not SERVER:
        atexit.register(stop)
        path = os.pathsep.join(entry for entry in sys.path if entry)
        SERVER.append(
            subprocess.Popen(
                [sys.executable, __file__],
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**worker.child_environment(), "PYTHONPATH": path},
            )  # fmt: skip
        )
    said = Path(request_file).with_name("said.txt")
    print(json.dumps([request_file, str(said), sys.path]), file=SERVER[0].stdin, flush=True)
    return int(SERVER[0].stdout.readline()), said.read_text(errors="replace")


def stop():
    SERVER[0].communicate()


def export(request_file, said, path):
    """What a forked child does; its exit status."""
    with open(said, "w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.path[:] = path
    try:
        worker.main(request_file)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def main():
    """The process that forks: a line of JSON in, an exit status out, until there are no more."""
    import tensorflow  # noqa: F401

    for line in sys.stdin:
        child = os.fork()
        if not child:
            status = export(*json.loads(line))
            sys.stderr.flush()
            os._exit(status)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
