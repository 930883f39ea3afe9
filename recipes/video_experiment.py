"""R(2+1)D on random clips, with the frozen sound network's features: UCF51 and ActivityNet.

The video network learns from scratch; the sound network, pre-trained and frozen, is run once over
each video's sound. A video's test figures are means over all its windows.
"""

import dataclasses
from collections.abc import Callable
from types import ModuleType

import keras
import numpy as np

import keras_amid as ka
from keras_amid.data import (
    Cached,
    CenterCrop,
    EpochShuffle,
    RandomClip,
    RandomCrop,
    Windows,
    cache_features,
    read_index,
)
from keras_amid.experiments import rows as methods
from keras_amid.experiments import training as comparison
from keras_amid.experiments.task import Experiment

DISCRIMINATOR_RATE = 3e-4
MOMENTUM = 0.9
SOUND_BATCH = 8


@dataclasses.dataclass(frozen=True)
class Sizes:
    """What a full run and a smoke run differ in.

    Attributes:
        frames, stride, size: of clips and windows: frames, frames, pixels.
        depth, width: of `ka.extractors.R2Plus1D`.
        sound_width: of `ka.extractors.CNN14`.
        sound_seconds: of a video's sound, cut from its middle, padded where shorter.
        batch, epochs, warmup_epochs: samples, epochs, epochs.
        milestones: epochs after which the learning rate is divided by 10.
        representation_dim: D.
        rate, decay: learning rate and weight decay.
    """

    frames: int = 16
    stride: int = 16
    size: int = 112
    depth: int = 18
    width: float = 1.0
    sound_width: float = 1.0
    sound_seconds: float = 10.0
    batch: int = 16
    epochs: int = 300
    warmup_epochs: int = 20
    milestones: tuple = (150, 225)
    representation_dim: int = 512
    rate: float = 1e-3
    decay: float = 5e-4


SMOKE = Sizes(8, 8, 32, 10, 1 / 16, 1 / 32, 1.0, 4, 8, 2, (6,), 32, 2e-2)


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """A data set and the rows it aims at.

    Attributes:
        name: str, of files and folders.
        data: module of `keras_amid.data` with `prepare`.
        miniature: module with `write`, which imitates the data set on disk.
        test: str, the split that is tested on.
        paper: dict, row -> dict, name of a figure -> percent.
        take: function, a video's id -> what it was cut from: videos of one take are held out
            together.
    """

    name: str
    data: ModuleType
    miniature: ModuleType
    test: str
    paper: dict
    take: Callable = str


def sound_network(checkpoint, sizes):
    """CNN14, frozen: of a checkpoint of PANNs, or (None) small, the same weights every time."""
    if checkpoint is not None:
        network = ka.extractors.CNN14.from_checkpoint(checkpoint)
    else:
        keras.utils.set_random_seed(0)
        network = ka.extractors.CNN14(features=32, width=sizes.sound_width)
    network.trainable = False
    return network


def features_folder(data, split):
    """Where the sound's features of a split are kept."""
    return data.folder / "features" / split


def cache_sound(network, data, benchmark, sizes, epochs):
    """Runs the sound network over every video's sound, on the first call."""
    for split in (benchmark.test, "train"):
        cache = cache_features(
            network, data.records(split), features_folder(data, split), "audio",
            CenterCrop(round(sizes.sound_seconds * data.sample_rate)), batch_size=SOUND_BATCH,
        )  # fmt: skip
    print(
        f"Sound features of {cache.count} training videos took {cache.seconds:.1f} s, once: over "
        f"{epochs} epochs that saves {cache.seconds_saved(epochs):.0f} s a run",
        flush=True,
    )


def held_out(data, seed, take):
    """Places of a tenth of the training videos, whole takes of them, drawn by the seed."""
    takes = np.array([take(row["id"]) for row in data.samples("train")])
    names = np.unique(takes)
    count = max(1, len(names) // 10)
    return np.flatnonzero(np.isin(takes, np.random.default_rng(seed).permutation(names)[:count]))


class VideoExperiment(Experiment):
    """One seed's networks and data; see `task.Experiment`.

    Args:
        data: `keras_amid.data.PreparedData`.
        benchmark: `Benchmark`.
        sizes: `Sizes`.
        epochs: int.
        seed: int.
        sound: None: the features that `cache_sound` kept; or a function that makes the frozen
            network, which then runs on random crops of the sound in every step.
        held_out: None, or places of training videos to leave out and validate on.
        tensorboard: bool, write logs for TensorBoard.
    """

    discriminator_rate = DISCRIMINATOR_RATE

    def __init__(
        self, data, benchmark, sizes, epochs, seed, sound=None, held_out=None, tensorboard=False
    ):
        self.data, self.test_split, self.sizes, self.epochs = data, benchmark.test, sizes, epochs
        self.seed, self.sound, self.tensorboard = seed, sound, tensorboard
        self.held_out = held_out
        everyone = np.arange(data.counts["train"])
        self.kept = everyone if held_out is None else np.setdiff1d(everyone, held_out)

    def extractors(self):
        """R(2+1)D from scratch, and the sound's network or what was kept of it."""
        sizes = self.sizes
        video = ka.extractors.R2Plus1D(
            depth=sizes.depth,
            width=sizes.width,
            input_shape=(sizes.frames, sizes.size, sizes.size, 3),
        )
        if self.sound is not None:
            return {"video": video}, {"audio": self.sound()}
        index = read_index(features_folder(self.data, "train"))
        size = index["modalities"]["audio"]["shape"][-1]
        features = keras.Sequential([keras.Input((size,)), keras.layers.Identity()])
        return {"video": video}, {"audio": features}

    def settings(self):
        """The paper's hyperparameters."""
        return methods.Settings(
            num_classes=self.data.num_classes,
            representation_dim=self.sizes.representation_dim,
            warmup_epochs=min(self.sizes.warmup_epochs, self.epochs // 4),
            train_labels=[row["label"] for row in self.data.samples("train")],
        )

    def optimizer(self, rate, decay):
        """SGD with momentum; the rate is divided by 10 at the milestones."""
        steps = len(self.kept) // self.sizes.batch
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay(
            [epoch * steps for epoch in self.sizes.milestones],
            [rate / 10**i for i in range(len(self.sizes.milestones) + 1)],
        )
        # PyTorch, for which the decay is given, adds it to the gradient, so that the momentum
        # multiplies it too; Keras takes it from the weights.
        return keras.optimizers.SGD(schedule, MOMENTUM, weight_decay=decay / (1 - MOMENTUM))

    def batches(self, split, modalities, shuffle=None, subset=None):
        """Batches of random clips (with `shuffle`) or windows, with x["index"]."""
        sizes = self.sizes
        samples = round(sizes.sound_seconds * self.data.sample_rate)
        if shuffle is None:
            clip, sound = Windows(sizes.frames, sizes.stride, sizes.size), CenterCrop(samples)
        else:
            clip, sound = RandomClip(sizes.frames, sizes.size), RandomCrop(samples)
        if self.sound is None:
            sound = Cached(features_folder(self.data, split))
        decoders = {"video": clip, "audio": sound}
        return self.data.pipeline(
            split, sizes.batch, {name: decoders[name] for name in modalities},
            shuffle=shuffle, with_index=True, subset=subset,
            # Whole batches only: the contrastive terms see as many samples, and one shape compiles.
            drop_remainder=shuffle is not None,
        )  # fmt: skip

    def fit(self, model, callbacks, folder):
        """Trains to the last epoch: none is chosen by any figures."""
        shuffle = EpochShuffle(self.seed)
        train = self.batches("train", methods.modalities(model), shuffle, self.kept)
        if self.tensorboard:
            callbacks = [*callbacks, keras.callbacks.TensorBoard(str(folder / "tensorboard"))]
        return comparison.fit(model, train, None, self.epochs, [shuffle, *callbacks], folder)

    def validate(self, model):
        """Top-1 by video on the training videos that were held out."""
        modalities = methods.modalities(model)
        return _top_1(
            ka.predict_videos(model, self.batches("train", modalities, None, self.held_out))
        )

    def measure(self, model):
        """Top-1, R@1 and R@5 by video; the gallery is the training split."""
        modalities = methods.modalities(model)
        test = ka.predict_videos(model, self.batches(self.test_split, modalities), progress=True)
        figures = _top_1(test)
        gallery = ka.predict_videos(model, self.batches("train", ("video",)), progress=True)
        recall = ka.recall_at_k(
            test.representations, test.labels, gallery.representations, gallery.labels, k=(1, 5)
        )
        figures |= {f"student R@{k}": 100 * value for k, value in recall.items()}
        classes = self.data.num_classes
        per_class = 100 * ka.per_class_accuracy(test.labels, test.probabilities, classes)
        return figures | {"per class": [None if v != v else v for v in per_class.tolist()]}


def _top_1(videos):
    figures = {"student top-1": 100 * videos.top_1()}
    if videos.teacher_top_1() is not None:
        figures["teacher top-1"] = 100 * videos.teacher_top_1()
    return figures
