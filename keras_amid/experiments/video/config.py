"""The numbers of an experiment on videos."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from keras_amid.data.datasets import DataSet
from keras_amid.experiments.config import Config, entry


@dataclasses.dataclass(frozen=True, kw_only=True)
class VideoConfig(Config):
    """What CONFIG holds beside the entries of `Config`.

    Attributes:
        root: folder of the original files, or several where the data set may have several.
        dataset: a `keras_amid.data.datasets.DataSet` of videos with sound, with its options.
        miniature: function of a folder that imitates the data set in it, in place of `root`.
        test_split: the split that is tested on; "train" is trained on.
        take: function of a video's id: what the video was cut from. A tenth of the training
            videos, whole takes of them, is held out to tune on.
        sound_seconds: of a video's sound, cut from its middle, padded with zeros where shorter.
        random_sound: random crops of the sound in training: its network runs in every step. Else
            it runs once over every video's sound.
        sound_checkpoint: PANNs' CNN14; None: random weights, the same ones every time.
        sound_width: of `keras_amid.extractors.CNN14` without a checkpoint.
        frames, stride, size: of clips and windows: frames, frames, pixels.
        depth, width, video_negative_slope: of `keras_amid.extractors.R2Plus1D`.
        momentum: of SGD.
        milestones: epochs after which the learning rate is divided by 10.
    """

    data_entries = ("dataset", "sound_seconds", "sound_width")

    root: tuple[Path, ...] | None = entry(
        None, "folder, or folders, of the data set", free=True, type=Path, nargs="+"
    )
    dataset: DataSet = entry()
    miniature: Callable | None = entry(None, free=True)
    test_split: str = entry()
    take: Callable = entry(str, free=True)
    sound_seconds: float = entry()
    random_sound: bool = entry(
        False,
        "random crops of the sound: the sound network runs in every step",
        action="store_true",
    )
    sound_checkpoint: Path | None = entry(
        None, "PANNs' Cnn14_mAP=0.431.pth, pre-trained on AudioSet", free=True, type=Path
    )
    sound_width: float = entry(1.0)
    frames: int = entry()
    stride: int = entry()
    size: int = entry()
    depth: int = entry(
        help="of R(2+1)D; 10 is what CCL's code calls 18", type=int, choices=(10, 18, 34)
    )
    width: float = entry(1.0)
    video_negative_slope: float = entry(0.01)
    momentum: float = entry()
    milestones: tuple = entry()
