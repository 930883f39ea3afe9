"""Time of R(2+1)D-18 over that of the same network in PyTorch, on the same machine.

    PYTHONPATH=tests/support KERAS_BACKEND=jax python tests/benchmarks/bench_r2plus1d.py

or, on all three backends, `make bench`.

`forward` is inference on a batch of uint8 clips, `step` a training step: forward, backward and SGD.
The two networks take turns within one run; what is printed is the median over the rounds of the
ratios within a round (below 1: faster than PyTorch). Nothing passes or fails here.
"""

import argparse
import time

import keras
import numpy as np
import torch
from torch_r2plus1d import VideoResNet

import keras_amid as ka

SIZES = {"2 x 8 x 56 x 56": (2, 8, 56, 56, 3), "1 x 16 x 112 x 112": (1, 16, 112, 112, 3)}
MEAN = torch.tensor((0.43216, 0.394666, 0.37645)).reshape(3, 1, 1, 1)
DEVIATION = torch.tensor((0.22803, 0.22145, 0.216989)).reshape(3, 1, 1, 1)


def keras_runs(clips):
    """Name -> function that does it once, of the network of this package."""
    model = ka.extractors.R2Plus1D(18, negative_slope=0.0, input_shape=clips.shape[1:])
    model.compile(keras.optimizers.SGD(1e-3), lambda _, features: keras.ops.mean(features, -1))
    targets = np.zeros((len(clips), 1), "float32")
    return {
        "forward": lambda: model.predict_on_batch(clips),
        "step": lambda: model.train_on_batch(clips, targets),
    }


def torch_runs(clips):
    """The same of PyTorch's."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    net = VideoResNet(18).to(device)
    optimizer = torch.optim.SGD(net.parameters(), 1e-3)
    mean, deviation = MEAN.to(device), DEVIATION.to(device)

    def features():
        x = torch.from_numpy(clips).to(device).permute(0, 4, 1, 2, 3)
        return net((x / 255 - mean) / deviation)

    def forward():
        net.eval()
        with torch.inference_mode():
            return features().cpu().numpy()

    def step():
        net.train()
        optimizer.zero_grad()
        loss = features().mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    return {"forward": forward, "step": step}


def seconds(function):
    """Time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def measure(clips, rounds):
    """Seconds, dict run -> array (rounds, 2): this package's, PyTorch's."""
    ours, theirs = keras_runs(clips), torch_runs(clips)
    times = {}
    for run in ours:
        both = [[seconds(ours[run]), seconds(theirs[run])] for _ in range(rounds + 2)]
        times[run] = np.array(both[2:])  # the first rounds compile
    return times


def main():
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="rounds after the warm-up")
    options = parser.parse_args()
    print(f"backend {keras.backend.backend()}, R(2+1)D-18, median of {options.rounds} rounds")
    for size, shape in SIZES.items():
        clips = np.random.default_rng(0).integers(0, 256, shape, dtype="uint8")
        shown = []
        for run, times in measure(clips, options.rounds).items():
            ours, theirs = 1000 * np.median(times, axis=0)
            ratio = np.median(times[:, 0] / times[:, 1])
            shown.append(f"{run} {ours:.0f} ms, PyTorch {theirs:.0f} ms, ratio {ratio:.2f}")
        print(f"{size}: {'; '.join(shown)}", flush=True)


if __name__ == "__main__":
    main()
