"""Running the scripts of tests/support/scripts/ in processes of their own."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np

import keras_amid

SCRIPTS = Path(__file__).parent / "scripts"
# The very package that this process tests, and the helpers beside this file.
PYTHONPATH = os.pathsep.join(
    [str(Path(keras_amid.__file__).parents[1]), str(Path(__file__).parent)]
)


def run(script, *arguments, backend, **environment):
    """Runs `scripts/<script> out.npz <arguments>`; the first argument is the file to write.

    Returns:
        dict, the arrays that the script wrote.
    """
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / script), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": PYTHONPATH, "KERAS_BACKEND": backend, **environment},
        capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    with np.load(arguments[0]) as arrays:
        return {name.replace("|", "/"): arrays[name] for name in arrays.files}


def on_devices(out, ways, methods, backend):
    """Runs `train_on_devices.py`, in as many processes as its ways take.

    Args:
        out: File to write.
        ways: `WAY:N` each, see there; the ways of one call take one number of processes.
        methods: Names, see there.
        backend: Of Keras.

    Returns:
        dict, `WAY:N` -> method -> name -> array.
    """
    count, environment = _processes(ways, backend)
    words = [SCRIPTS / "train_on_devices.py", out, ",".join(ways), *methods]
    commands = [[sys.executable, *words]] * count
    if backend == "torch":
        first = ["--master-addr", "127.0.0.1", "--master-port", environment["MASTER_PORT"]]
        torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", count, *first]
        commands = [[sys.executable, *torchrun, *words]]
    _run_together(commands, environment)
    found: dict = {}
    with np.load(out) as arrays:
        for name in arrays.files:
            way, number, method, path = name.replace("|", "/").split(":", 3)
            found.setdefault(f"{way}:{number}", {}).setdefault(method, {})[path] = arrays[name]
    return found


def _processes(ways, backend):
    """How many processes the ways take, and their environment but for the rank."""
    counts = {way.partition(":")[0]: int(way.partition(":")[2]) for way in ways}
    count = max((counts.get(way, 1) for way in ("hosts", "fit", "ddp")), default=1)
    virtual = f"--xla_force_host_platform_device_count={1 if count > 1 else max(counts.values())}"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    return count, {
        **os.environ,
        "PYTHONPATH": PYTHONPATH,
        "KERAS_BACKEND": backend,
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {virtual}",
        "OMP_NUM_THREADS": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
    }


def _run_together(commands, environment):
    """Runs processes with their RANK until the first has ended, which must succeed."""
    processes = [
        subprocess.Popen(
            [str(word) for word in command],
            env={**environment, "RANK": str(rank)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if rank == 0 else subprocess.DEVNULL,
            text=True,
        )
        for rank, command in enumerate(commands)
    ]
    try:
        _, said = processes[0].communicate(timeout=500)
        assert processes[0].returncode == 0, said[-4000:]
    finally:
        for process in processes:
            process.kill()
            process.wait()
