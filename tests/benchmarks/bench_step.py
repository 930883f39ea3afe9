"""Time of an AMID training step over that of cross-entropy steps of the same networks.

    KERAS_BACKEND=jax python tests/benchmarks/bench_step.py    (or all three: `make bench`)

Two sizes: a small R(2+1)D on clips, where the extractors dominate, and tiny perceptrons, where the
overhead of the method shows. Two yardsticks: `student`, the student alone, and `both`, student and
teacher with their cross-entropies only. The three models take turns within one run; what is
printed is the median over the rounds of the ratios within a round. Nothing passes or fails here.
"""

import argparse
import time

import keras
import numpy as np

import keras_amid as ka

BATCH, CLASSES = 16, 40


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


def video_extractor(size):
    """The target extractor of a size."""
    if size == "mlp":
        return ka.extractors.mlp(256, units=(96, 48))
    return ka.extractors.R2Plus1D(depth=10, width=0.25, input_shape=(8, 56, 56, 3))


def data(size, steps):
    """Random inputs for `steps` batches, and labels."""
    rng = np.random.default_rng(0)
    n = steps * BATCH
    if size == "mlp":
        video = rng.normal(size=(n, 256)).astype("float32")
    else:
        video = rng.integers(0, 256, (n, 8, 56, 56, 3), dtype="uint8")
    audio = rng.normal(size=(n, 32)).astype("float32")
    return {"video": video, "audio": audio}, rng.integers(0, CLASSES, n)


def models(size, dim):
    """The three models, compiled, each with networks of its own."""
    adam = keras.optimizers.Adam
    made = {}
    for name, method in (
        ("student", ka.StudentOnly),
        ("both", CrossEntropyOnly),
        ("AMID", ka.AMID),
    ):
        model = method(
            {"video": video_extractor(size)},
            {"audio": ka.extractors.mlp(32, units=(96, 32))},
            num_classes=CLASSES,
            representation_dim=dim,
        )
        amid = name == "AMID"
        model.compile(optimizer=ka.amid_optimizer(adam(), adam(), adam()) if amid else adam())
        made[name] = model
    return made


def measure(size, dim, steps, rounds):
    """Milliseconds a step, dict name -> array (rounds,)."""
    x, y = data(size, steps)
    made = models(size, dim)
    clock = EpochTime()
    times = {name: [] for name in made}
    for i in range(rounds + 1):
        for name, model in made.items():
            model.fit(x, y, batch_size=BATCH, epochs=1, shuffle=False, verbose=0, callbacks=[clock])
            if i:  # the first round compiles
                times[name].append(1000 * clock.seconds / steps)
    return {name: np.array(values) for name, values in times.items()}


def main():
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="rounds after the warm-up")
    options = parser.parse_args()
    print(f"backend {keras.backend.backend()}, batch {BATCH}, median of {options.rounds} rounds")
    for size, dim, steps in (("r2plus1d", 128, 10), ("mlp", 48, 100)):
        times = measure(size, dim, steps, options.rounds)
        shown = ", ".join(f"{name} {np.median(t):.2f} ms" for name, t in times.items())
        ratios = ", ".join(
            f"AMID / {name} {np.median(times['AMID'] / times[name]):.2f}"
            for name in ("student", "both")
        )
        print(f"{size}: {shown}; {ratios}", flush=True)


if __name__ == "__main__":
    main()
