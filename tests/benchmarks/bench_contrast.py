"""Memory of Eq. 8 (or of CCL's or GMC's contrast) with its gradient, plain and in blocks.

    KERAS_BACKEND=jax python tests/benchmarks/bench_contrast.py --batch 8192 --block 512
    KERAS_BACKEND=jax python tests/benchmarks/bench_contrast.py --batch 32768 --block 512 --no-plain
    KERAS_BACKEND=jax python tests/benchmarks/bench_contrast.py --loss gmc

It says how far the two are apart, too. Each figure is of a process of its own: what it held at most
beyond what it held before, of a GPU's memory where the backend runs on one. An array is one of
batch x batch float32 numbers; GMC compares twice the batch, so its plain form has arrays of four.
Nothing passes or fails here.
"""

import argparse
import multiprocessing
import re
import time
from pathlib import Path

import keras
import numpy as np

from keras_amid import losses

BACKEND = keras.backend.backend()
CLASSES = 51
LOSSES = {
    "amid": losses.mutual_information_loss,
    "ccl": losses.symmetric_noise_contrastive_loss,
    "gmc": lambda m, s, labels, temperature, block: losses.geometric_multimodal_contrastive_loss(
        m, s, temperature, block=block
    ),
}


def step(name, labels, block):
    """A function of M and S -> the loss and both gradients, as the backend runs training steps."""

    def loss(m, s):
        return keras.ops.mean(LOSSES[name](m, s, labels, 0.5, block=block))

    if BACKEND == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "highest")
        return jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))
    if BACKEND == "tensorflow":
        import tensorflow as tf

        @tf.function
        def both(m, s):
            with tf.GradientTape() as tape:
                tape.watch([m, s])
                value = loss(m, s)
            return value, tape.gradient(value, [m, s])

        return both

    def both(m, s):
        m.requires_grad_(True), s.requires_grad_(True)
        value = loss(m, s)
        value.backward()
        return value, [m.grad, s.grad]

    return both


def gpu_bytes():
    """Most bytes of a GPU's memory in use so far; None without a GPU."""
    if BACKEND == "jax":
        import jax

        return (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
    if BACKEND == "torch":
        import torch

        return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None
    return None


def resident(name):
    """`VmRSS` or `VmHWM` of this process, in bytes."""
    return 1024 * int(re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())[1])


def measure(name, batch, dim, block, connection):
    """Sends (bytes, seconds, loss, gradients)."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, batch).astype("int32")
    m, s = rng.normal(size=(2, batch, dim)).astype("float32")
    s += m / 2
    step(name, labels[:64], block and 16)(*map(keras.ops.convert_to_tensor, (m[:64], s[:64])))
    function = step(name, labels, block)
    m, s = keras.ops.convert_to_tensor(m), keras.ops.convert_to_tensor(s)
    on_gpu = gpu_bytes() is not None
    before = gpu_bytes() if on_gpu else resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the most that was resident, from now on
    start = time.perf_counter()
    value, gradients = function(m, s)
    arrays = [keras.ops.convert_to_numpy(a) for a in (value, *gradients)]
    seconds = time.perf_counter() - start
    most = gpu_bytes() if on_gpu else resident("VmHWM")
    connection.send((most - before, seconds, *arrays))


def measured(name, batch, dim, block):
    """What `measure` sends, from a process of its own."""
    context = multiprocessing.get_context("spawn")  # a GPU is not for forked processes
    ours, theirs = context.Pipe()
    process = context.Process(target=measure, args=(name, batch, dim, block, theirs))
    process.start()
    theirs.close()
    sent = ours.recv()
    process.join()
    return sent


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loss", choices=LOSSES, default="amid")
    parser.add_argument("--batch", type=int, default=8192)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--block", type=int, default=512)
    parser.add_argument("--no-plain", action="store_true", help="where the plain form does not fit")
    given = parser.parse_args()
    results = {}
    for block in [given.block] if given.no_plain else [None, given.block]:
        most, seconds, *results[block] = measured(given.loss, given.batch, given.dim, block)
        arrays = most / (4 * given.batch**2)
        form = f"in blocks of {block}" if block else "plain"
        print(
            f"{BACKEND}, {given.loss}, batch {given.batch}, D {given.dim}, {form}: "
            f"{most / 2**20:.0f} MiB ({arrays:.2f} arrays), {seconds:.1f} s with compiling",
            flush=True,
        )
    if len(results) == 2:
        apart = [
            np.abs(plain - blocked).max() / np.abs(plain).max()
            for plain, blocked in zip(*results.values(), strict=True)
        ]
        names = ("loss", "gradient by M", "gradient by S")
        print(", ".join(f"{name} {a:.0e}" for name, a in zip(names, apart, strict=True)), "apart")


if __name__ == "__main__":
    main()
