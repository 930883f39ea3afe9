"""The table of docs/several-devices.md: several devices against one, after six SGD steps.

    PYTHONPATH=tests/support python tests/benchmarks/bench_devices.py tensorflow jax torch

Without names, the backend of KERAS_BACKEND, or all (`make bench`).

For every way and method the largest difference of a weight (banks, lambda and the other state
included) from that of one device, relative to the largest of its tensor. The devices are virtual
ones of this processor, or processes on it. Nothing passes or fails here.
"""

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import scripts_runner

METHODS = (
    "AMID", "AMID, partly", "DirectAMID", "CRD", "CRCD", "GMC", "CCL", "StudentContrast",
    "StudentOnly", "TeacherOnly",
)  # fmt: skip
#: Backend -> the ways of each run, which takes one number of processes.
RUNS = {
    "tensorflow": [["mirrored:2"], ["mirrored:4"]],
    "jax": [["data:2", "data:4", "model:2", "model:4"], ["hosts:2"]],
    "torch": [["fit:2", "ddp:2"], ["fit:4"]],
}
NAMES = {
    "mirrored": "TensorFlow, MirroredStrategy",
    "data": "JAX, DataParallel",
    "model": "JAX, ModelParallel",
    "hosts": "JAX, DataParallel over processes",
    "fit": "PyTorch, `fit` in processes",
    "ddp": "PyTorch, DistributedDataParallel",
}


def difference(several, one):
    """The largest of a method's weights."""
    paths = [path for path in several if not path.startswith("log:")]
    assert len(paths) > 3 and paths == [path for path in one if not path.startswith("log:")]
    scales = {path: max(np.abs(one[path]).max(), 1e-8) for path in paths}
    return max(np.abs(several[path] - one[path]).max() / scales[path] for path in paths)


def main(*backends):
    print(f"| way, devices | {' | '.join(METHODS)} |\n|---|{'---|' * len(METHODS)}")
    with tempfile.TemporaryDirectory() as folder:
        for backend in backends or os.environ.get("KERAS_BACKEND", " ".join(RUNS)).split():
            for ways in RUNS[backend]:
                found = scripts_runner.on_devices(
                    Path(folder, "out.npz"), ["one:1", *ways], METHODS, backend
                )
                for way in ways:
                    name, count = way.split(":")
                    cells = [f"{difference(found[way][m], found['one:1'][m]):.0e}" for m in METHODS]
                    print(f"| {NAMES[name]}, {count} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
