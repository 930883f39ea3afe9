"""The frozen network of the sound, and what it makes of every video's sound."""

from __future__ import annotations

from pathlib import Path

import keras

import keras_amid as ka
from keras_amid.data import CenterCrop, PreparedData, cache_features
from keras_amid.experiments.video.config import VideoConfig

# Sounds a call of the network; it changes nothing but the time.
_BATCH = 8


def sound_network(config: VideoConfig) -> keras.Model:
    """CNN14, frozen: of a checkpoint of PANNs, or without one small, the same weights every time.

    Its activations are ReLU, with which the checkpoint was trained, although the paper's networks
    have Leaky ReLU.
    """
    if config.sound_checkpoint is not None:
        network = ka.extractors.CNN14.from_checkpoint(config.sound_checkpoint)
    else:
        keras.utils.set_random_seed(0)
        network = ka.extractors.CNN14(features=32, width=config.sound_width)
    network.trainable = False
    return network


def features_folder(data: PreparedData, split: str) -> Path:
    """Where the features of a split's sound are kept."""
    return data.folder / "features" / split


def cache_sound(config: VideoConfig, data: PreparedData) -> None:
    """Runs the sound network over every video's sound, on the first call."""
    network = sound_network(config)
    crop = CenterCrop(round(config.sound_seconds * data.sample_rate))
    for split in (config.test_split, "train"):
        cache = cache_features(
            network, data.records(split), features_folder(data, split), "audio", crop,
            batch_size=_BATCH,
        )  # fmt: skip
    print(
        f"Sound features of {cache.count} training videos took {cache.seconds:.1f} s, once: over "
        f"{config.epochs} epochs that saves {cache.seconds_saved(config.epochs):.0f} s a run",
        flush=True,
    )
