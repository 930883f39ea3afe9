"""The sizes of the training step that the benchmarks time, and their data."""

import dataclasses

import numpy as np

BATCH = 16


@dataclasses.dataclass(frozen=True)
class Size:
    """Networks and data of one size.

    Attributes:
        name: str, for the table.
        video: shape of a sample: clips, or features for a perceptron of units `video_units`.
        depth, width: of R(2+1)D, for clips.
        audio: number of sound features; their perceptron has units `audio_units` (frozen), and
            without units they are used as they are: the cached features of a frozen network.
        dim: size D of the representations.
        steps: training steps in a round, unless asked otherwise.
    """

    name: str
    video: tuple
    audio: int
    dim: int
    steps: int
    classes: int = 40
    video_units: tuple = ()
    audio_units: tuple = ()
    depth: int = 10
    width: float = 1.0


SIZES = {
    "small": Size(
        "R(2+1)D-10 x 1/4, 8 x 56 x 56", (8, 56, 56, 3), 32, 128, 10, audio_units=(96, 32),
        width=0.25,
    ),
    "mlp": Size(
        "perceptrons", (256,), 32, 48, 100, video_units=(96, 48), audio_units=(96, 32)
    ),
    # The paper's: R(2+1)D-18 on 16 frames, and CNN14's 2048 features, cached.
    "paper": Size(
        "R(2+1)D-18, 16 x 112 x 112", (16, 112, 112, 3), 2048, 512, 10, classes=51, depth=18
    ),
}  # fmt: skip


def data(size, steps):
    """Random inputs for a round of steps, dict modality -> array, and labels."""
    rng = np.random.default_rng(0)
    n = steps * BATCH
    if size.video_units:
        video = rng.normal(size=(n, *size.video)).astype("float32")
    else:
        video = rng.integers(0, 256, (n, *size.video), dtype="uint8")
    audio = rng.normal(size=(n, size.audio)).astype("float32")
    return {"video": video, "audio": audio}, rng.integers(0, size.classes, n)
