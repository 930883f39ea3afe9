"""Prepared data of a few media files of one's own: two classes, video with sound."""

import dataclasses
import functools
from pathlib import Path

import numpy as np

from keras_amid.data import read_segments
from keras_amid.data.datasets import DataSet, Listing, options, prepare
from keras_amid.data.media import write_clip
from keras_amid.experiments.own.experiment import OwnExperiment

NAMES = ("low & <dark>", "high")
RATE = 8000


@dataclasses.dataclass(frozen=True)
class Own(DataSet):
    name, modalities = "Own <clips>", ("video", "audio")
    picture_encoding = "png"
    sample_rate: int = options.sample_rate(RATE)
    short_side: int = options.short_side(24)

    def read(self, root):
        splits = {"train": [], "validation": [], "test": []}
        for number, path in enumerate(sorted(Path(root).glob("*.mkv"))):
            split = ("train", "train", "train", "validation", "test")[number % 5]
            row = {"id": path.stem, "label": number % 2, "file": path.name}
            splits[split].append(row)
        return Listing(Path(root), NAMES, {k: rows for k, rows in splits.items() if rows}, [])

    def decode(self, row, source):
        found = read_segments(
            source / row["file"], short_side=self.short_side, sample_rate=self.sample_rate
        )
        return {"video": found.frames, "audio": found.audio}


def write_media(folder, count=20):
    """Clips of 12 frames and 0.6 s: dark ones sound low, bright ones high."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for number in range(count):
        label = number % 2
        frames = rng.integers(40 + 90 * label, 80 + 90 * label, (12, 24, 32, 3)).astype("uint8")
        seconds = np.arange(round(0.6 * RATE)) / RATE
        sound = 0.3 * np.sin(2 * np.pi * (300 + 900 * label) * seconds)
        path = folder / f"clip-{number:02d}.mkv"
        write_clip(path, frames, 20, sound.astype("float32"), RATE)
    return folder


def make(folder, count=20):
    """Media in `folder`/media, prepared in `folder`/data, which is returned."""
    media = write_media(folder / "media", count)
    prepare(Own(), media, folder / "data", workers=1, progress=False)
    return folder / "data"


def train_eagerly(patch):
    """Makes `keras-amid train` step eagerly: tracing takes longer than a few steps."""
    fit = OwnExperiment.fit

    @functools.wraps(fit)
    def quick(self, model, *given):
        model.run_eagerly = True
        return fit(self, model, *given)

    patch.setattr(OwnExperiment, "fit", quick)
