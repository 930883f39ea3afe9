"""R(2+1)D on random clips, with the frozen sound network or what it made of the sound.

The video network learns from scratch. A video's test figures are means over all its windows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import keras
import numpy as np

import keras_amid as ka
from keras_amid.data import (
    Cached,
    CenterCrop,
    EpochShuffle,
    PreparedData,
    RandomClip,
    RandomCrop,
    Windows,
    read_index,
    shuffled_pairs,
)
from keras_amid.experiments.experiment import Experiment
from keras_amid.experiments.video.config import VideoConfig
from keras_amid.experiments.video.sound import features_folder, sound_network


class VideoExperiment(Experiment):
    """One seed's networks and data; see `Experiment`.

    Args:
        config: its numbers.
        seed: of the training.
        data: videos with sound.
        held_out: places of training videos to leave out and validate on.
    """

    config: VideoConfig
    progress = True

    def __init__(
        self, config: VideoConfig, seed: int, data: PreparedData, held_out: Sequence[int] = ()
    ):
        super().__init__(config, seed)
        self.data, self.held_out = data, held_out
        self.kept = np.setdiff1d(np.arange(data.counts["train"]), held_out)
        self.num_classes, self.class_names = data.num_classes, data.class_names
        self.train_labels = [row["label"] for row in data.samples("train")]

    def extractors(self, with_auxiliary: bool = True) -> tuple[dict, dict]:
        """R(2+1)D from scratch, and the sound's network or its features as they are."""
        config = self.config
        video = ka.extractors.R2Plus1D(
            depth=config.depth,
            width=config.width,
            negative_slope=config.video_negative_slope,
            input_shape=(config.frames, config.size, config.size, 3),
        )
        if not with_auxiliary:
            return {"video": video}, {}
        if config.random_sound:
            return {"video": video}, {"audio": sound_network(config)}
        index = read_index(features_folder(self.data, "train"))
        size = index["modalities"]["audio"]["shape"][-1]
        features = keras.Sequential([keras.Input((size,)), keras.layers.Identity()])
        return {"video": video}, {"audio": features}

    @property
    def steps(self) -> int:
        """Training steps an epoch."""
        return len(self.kept) // self.config.batch

    def optimizer(self, rate: float, decay: float) -> keras.optimizers.Optimizer:
        """SGD with momentum; the rate is divided by 10 at the milestones."""
        milestones, momentum = self.config.milestones, self.config.momentum
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
            [epoch * self.steps for epoch in milestones],
            [rate / 10**i for i in range(len(milestones) + 1)],
        )
        # PyTorch, for which the decay is given, adds it to the gradient, so that the momentum
        # multiplies it too; Keras takes it from the weights.
        return keras.optimizers.SGD(schedule, momentum, weight_decay=decay / (1 - momentum))

    def partners(self) -> np.ndarray:
        """See `Experiment.partners`; what is held out takes no part."""
        return shuffled_pairs(self.data.counts["train"], self.seed, self.kept)

    def batches(
        self,
        split: str,
        modalities: Sequence[str],
        shuffle: EpochShuffle | None = None,
        partners: Mapping[str, np.ndarray] | None = None,
    ) -> Iterable:
        """Batches of random clips (with `shuffle`) or of all windows."""
        config = self.config
        name = config.test_split if split == "test" else "train"
        samples = round(config.sound_seconds * self.data.sample_rate)
        if shuffle is None:
            clip, sound = Windows(config.frames, config.stride, config.size), CenterCrop(samples)
        else:
            clip, sound = RandomClip(config.frames, config.size), RandomCrop(samples)
        if not config.random_sound:
            sound = Cached(features_folder(self.data, name))
        decoders = {"video": clip, "audio": sound}
        return self.data.pipeline(
            name,
            config.batch,
            {modality: decoders[modality] for modality in modalities},
            shuffle=shuffle,
            drop_remainder=shuffle is not None,
            with_index=True,
            partners=partners,
            subset={"train": self.kept, "validation": self.held_out, "test": None}[split],
        )
