"""Time of an AMID training step, against the hand-written one and against cross-entropy steps.

    KERAS_BACKEND=jax python tests/benchmarks/bench_amid.py    (or all three: `make bench`)

`by hand` is AMID written in PyTorch the usual way (tests/support/torch_amid.py: a backward pass for
the networks and one for each discriminator, three optimizers), in a process of its own. `student`
is a cross-entropy step of the student alone, by hand and here; `both` one of student and teacher.
All take turns within one run on the same data, one batch of 16 after another from arrays in memory;
a ratio is the median over the rounds of the ratios within a round (below 1: faster than by hand).
Nothing passes or fails here.

The paper's size, for a GPU; clips a second and the share of the card's peak are printed too:

    KERAS_BACKEND=jax python tests/benchmarks/bench_amid.py --size paper \\
        --dtype float32 mixed_bfloat16
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
from flops import training_operations
from sizes import BATCH, SIZES, data

import keras_amid as ka

#: Dense operations a second of the tensor cores, by the datasheet (SXM): in TF32, in which cuDNN
#: convolves float32, and in bfloat16.
PEAKS = {
    "A100": {"float32": 156e12, "mixed_bfloat16": 312e12},
    "H100": {"float32": 494.7e12, "mixed_bfloat16": 989.4e12},
    "H200": {"float32": 494.7e12, "mixed_bfloat16": 989.4e12},
}


class CrossEntropyOnly(ka.Distiller):
    """Student and teacher of the same networks, L_cls only."""

    def distillation_loss(self, batch):
        """L_cls of Eq. 15: name -> (weight, values)."""
        return {"classification_loss": (1.0, batch.classification_loss())}


class EpochTime(keras.callbacks.Callback):
    """Seconds of the last epoch, from its first step to the state at its end."""

    def on_epoch_begin(self, epoch, logs=None):
        """Starts the clock."""
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        """Stops it."""
        self.seconds = time.perf_counter() - self.start


class ByHand:
    """The process with the hand-written step."""

    def __init__(self, size, dtype, steps):
        script, dtype = Path(__file__).with_name("by_hand.py"), dtype.removeprefix("mixed_")
        self.process = subprocess.Popen(
            [sys.executable, script, size, dtype, str(steps)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.about = json.loads(self.process.stdout.readline())

    def milliseconds(self, kind):
        """Those of a step, `amid` or `student`."""
        print(kind, file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def close(self):
        """Ends it."""
        self.process.stdin.close()
        self.process.wait()


class Here:
    """The steps of this package: models with networks of their own, and their data."""

    def __init__(self, size, steps, jit_compile, kinds=("student", "both", "amid")):
        self.x, self.y = data(size, steps)
        self.steps, self.clock = steps, EpochTime()
        methods = {"student": ka.StudentOnly, "both": CrossEntropyOnly, "amid": ka.AMID}
        self.models = {}
        for name in kinds:
            model = methods[name](
                {"video": video_extractor(size)},
                {"audio": audio_extractor(size)},
                num_classes=size.classes,
                representation_dim=size.dim,
            )
            adams = [keras.optimizers.Adam() for _ in range(3)]
            optimizer = ka.amid_optimizer(*adams) if name == "amid" else adams[0]
            model.compile(optimizer=optimizer, jit_compile=jit_compile)
            self.models[name] = model

    def milliseconds(self, kind):
        """Those of a step."""
        self.models[kind].fit(
            self.x, self.y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[self.clock]
        )
        return 1000 * self.clock.seconds / self.steps


def video_extractor(size):
    """The target extractor of a size."""
    if size.video_units:
        return ka.extractors.mlp(*size.video, units=size.video_units)
    return ka.extractors.R2Plus1D(size.depth, size.width, input_shape=size.video)


def audio_extractor(size):
    """The auxiliary extractor of a size, which is frozen."""
    if size.audio_units:
        return ka.extractors.mlp(size.audio, units=size.audio_units)
    return keras.Sequential([keras.Input((size.audio,)), keras.layers.Identity()])


def measure(by_hand, here, rounds):
    """Milliseconds a step, dict (side, kind) -> array (rounds,)."""
    turns = [(by_hand, k) for k in ("student", "amid")] + [(here, k) for k in here.models]
    times = {turn: [] for turn in turns}
    for i in range(rounds + 1):
        for (side, kind), values in times.items():
            time_of_step = side.milliseconds(kind)
            if i:  # the first round compiles
                values.append(time_of_step)
    return {turn: np.array(values) for turn, values in times.items()}


def share_of_peak(by_hand, here, times, size, dtype):
    """Prints clips a second and the operations a second behind them."""
    step = training_operations(video_extractor(size))
    card = by_hand.about["device"]
    peak = next((peaks[dtype] for name, peaks in PEAKS.items() if name in card), None)
    print(f"  a training step takes {step / 1e9:.1f} GFLOP a clip")
    for name, side in (("by hand", by_hand), (f"{keras.backend.backend()}", here)):
        clips = BATCH / (np.median(times[side, "amid"]) / 1000)
        shown = f"  {name}: {clips:.0f} clips a second, {clips * step / 1e12:.3g} TFLOP/s"
        if peak:
            shown += f", {clips * step / peak:.2f} of the {peak / 1e12:.0f} of {card}"
        print(shown, flush=True)


def compare(name, dtype, options):
    """Measures one size and prints its row."""
    keras.config.set_dtype_policy(dtype)
    size = SIZES[name]
    steps = options.steps or size.steps
    by_hand = ByHand(name, dtype, steps)
    here = Here(size, steps, options.jit or "auto")
    try:
        times = measure(by_hand, here, options.rounds)
    finally:
        by_hand.close()
    shown = [f"{np.median(times[side, 'amid']):.2f}" for side in (by_hand, here)]
    for a, b in (
        ((here, "amid"), (by_hand, "amid")),
        ((by_hand, "amid"), (by_hand, "student")),
        ((here, "amid"), (here, "student")),
        ((here, "amid"), (here, "both")),
    ):
        shown.append(f"{np.median(times[a] / times[b]):.2f}")
    print(f"| {size.name}, {dtype} | {' | '.join(shown)} |", flush=True)
    if not size.video_units:
        share_of_peak(by_hand, here, times, size, dtype)
    return by_hand.about


def main():
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--rounds", type=int, default=7, help="rounds after the warm-up")
    add("--steps", type=int, help="a round's, instead of the size's own number")
    add("--size", nargs="+", choices=SIZES, default=["small", "mlp"])
    add("--dtype", nargs="+", choices=list(PEAKS["H100"]), default=["float32"])
    add("--jit", action="store_true", help="jit_compile=True, which PyTorch leaves off")
    options = parser.parse_args()
    backend, rounds = keras.backend.backend(), options.rounds
    print(f"backend {backend}, batch {BATCH}, ms a step, median of {rounds} rounds")
    print("| networks | AMID by hand | here | here / by hand | AMID / student by hand | here |"
          " AMID / both here |\n|---|---|---|---|---|---|---|")  # fmt: skip
    for name in options.size:
        for dtype in options.dtype:
            about = compare(name, dtype, options)
    print(f"keras {keras.version()}, {versions()}; by hand {about}", flush=True)


def versions():
    """The backend's version."""
    name = keras.backend.backend()
    return f"{name} {__import__(name).__version__}"


if __name__ == "__main__":
    main()
