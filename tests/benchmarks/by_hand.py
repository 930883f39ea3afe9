"""The other side of bench_amid.py: the hand-written PyTorch step, timed in a process of its own.

    python tests/benchmarks/by_hand.py mlp float32 100

Prints one line about itself; then, for each line read, `amid` or `student`, the milliseconds that a
step of that kind took in a round of 100 steps. Keras is not imported here.
"""

import json
import sys
import time

import torch
from sizes import BATCH, SIZES, data
from torch import nn
from torch_amid import ByHand, perceptron
from torch_r2plus1d import VideoResNet

MEAN, DEVIATION = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)


class Clips(nn.Module):
    """R(2+1)D of uint8 clips, channels last as the data sets have them."""

    def __init__(self, depth, width):
        super().__init__()
        self.net = VideoResNet(depth, width, slope=0.01)
        self.net.fc = nn.Identity()
        self.register_buffer("mean", torch.tensor(MEAN).reshape(3, 1, 1, 1))
        self.register_buffer("deviation", torch.tensor(DEVIATION).reshape(3, 1, 1, 1))

    def forward(self, clips):
        return self.net((clips.permute(0, 4, 1, 2, 3) / 255 - self.mean) / self.deviation)


def networks(size, device):
    """The model of a size, with Adam."""
    video, video_size = Clips(size.depth, size.width), round(512 * size.width)
    if size.video_units:
        video, video_size = perceptron([*size.video, *size.video_units], 0.2), size.video_units[-1]
    audio, audio_size = nn.Identity(), size.audio
    if size.audio_units:
        audio, audio_size = perceptron([size.audio, *size.audio_units], 0.2), size.audio_units[-1]
    sizes = (video_size, audio_size, size.classes, size.dim)
    return ByHand(video, audio, *sizes, torch.optim.Adam, device)


def one_round(step, x, y, dtype, device):
    """Milliseconds a step, from batches in the host's memory to the figures of all steps."""
    start = time.perf_counter()
    for i in range(0, len(y), BATCH):
        batch = [t[i : i + BATCH].to(device) for t in (x["video"], x["audio"], y)]
        step(*batch, dtype)
    if device == "cuda":
        torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - start) / (len(y) // BATCH)


def matrix_product_rate():
    """bfloat16 operations a second of a product of 8192 x 8192 matrices: what the card can do."""
    a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
    for repeats in (3, 20):
        events[0].record()
        for _ in range(repeats):
            a @ b
        events[1].record()
        torch.cuda.synchronize()
    return 2 * 8192**3 * 20 / (events[0].elapsed_time(events[1]) / 1000)


def main():
    """Serves rounds until the input ends."""
    size, dtype = SIZES[sys.argv[1]], getattr(torch, sys.argv[2])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    about = {"torch": torch.__version__, "threads": torch.get_num_threads(), "device": device}
    if device == "cuda":
        about |= {"device": torch.cuda.get_device_name(), "matrix_product": matrix_product_rate()}
    print(json.dumps(about), flush=True)
    x, y = data(size, int(sys.argv[3]))
    x, y = {name: torch.from_numpy(values) for name, values in x.items()}, torch.from_numpy(y)
    model = networks(size, device)
    steps = {"amid": model.amid_step, "student": model.student_step}
    for line in sys.stdin:
        print(json.dumps(one_round(steps[line.strip()], x, y, dtype, device)), flush=True)


if __name__ == "__main__":
    main()
