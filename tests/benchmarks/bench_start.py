"""Start-up: imports, the time to the first training step, and on TensorFlow the demo.

    KERAS_BACKEND=jax python tests/benchmarks/bench_start.py    (or all three: `make bench`)

Each figure is of a fresh process, the median over the rounds. `import keras_amid` is compared with
`import keras`, in turn. `first step` counts from the start of Python to the figures of one AMID
step, `compiling` is its part above a later step. `demo` is the recipe that `make demo` runs once
everything is installed. Nothing passes or fails here.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sizes import BATCH, SIZES

RECIPE = Path(__file__).resolve().parents[2] / "recipes" / "ripple_tank.py"


def seconds_of(*command, **kwargs):
    """Seconds that a process takes, and of them the processor's."""
    before, start = os.times(), time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL, **kwargs)
    took, after = time.perf_counter() - start, os.times()
    processor = after.children_user + after.children_system
    return took, processor - before.children_user - before.children_system


def imports(rounds):
    """Prints the times of both imports and their ratio."""
    modules = ("keras", "keras_amid")
    rows = [[seconds_of("-c", f"import {module}") for module in modules] for _ in range(rounds)]
    times = np.array(rows)  # (rounds, modules, wall and processor)
    for column, unit in enumerate(("s", "s of processor time")):
        theirs, ours = np.median(times[:, :, column], axis=0)
        ratio = np.median(times[:, 1, column] / times[:, 0, column])
        print(f"import keras {theirs:.2f} {unit}, keras_amid {ours:.2f}, ratio {ratio:.2f}")


def first_step(name):
    """In a fresh process: prints the seconds since Python began, of the first and a later step."""
    from bench_amid import Here

    here = Here(SIZES[name], 1, "auto", ("amid",))
    steps = []
    for _ in range(4):
        start = time.perf_counter()
        here.milliseconds("amid")
        steps.append(time.perf_counter() - start)
    print(json.dumps({"first": steps[0], "later": min(steps[1:])}))


def first_steps(name, rounds):
    """Prints the median times of `rounds` fresh processes."""
    rows = []
    for _ in range(rounds):
        start = time.perf_counter()
        command = [sys.executable, __file__, "--first-step", name]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        took = json.loads(output.splitlines()[-1])
        rows.append((time.perf_counter() - start - 3 * took["later"], took["first"], took["later"]))
    whole, first, later = np.median(rows, axis=0)
    print(
        f"{SIZES[name].name}: first step after {whole:.1f} s, of which compiling "
        f"{first - later:.1f} s; a later step {1000 * later:.0f} ms",
        flush=True,
    )


def demo():
    """Prints the time of the demo, which leaves all in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        took, processor = seconds_of(RECIPE, "--out", "build/demo", cwd=folder)
    print(f"demo {took:.0f} s, {processor:.0f} s of processor time", flush=True)


def main():
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="fresh processes a figure")
    parser.add_argument("--first-step", metavar="SIZE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.first_step:
        return first_step(options.first_step)
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    print(f"backend {backend}, batch {BATCH}, median of {options.rounds} processes", flush=True)
    imports(options.rounds)
    for name in ("mlp", "small"):
        first_steps(name, options.rounds)
    if backend == "tensorflow":  # as `make demo`
        demo()


if __name__ == "__main__":
    main()
