"""How a modality reaches its network: decoded in training and in tests, and what that gives."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_amid.data import (
    Array,
    CenterCrop,
    Decoder,
    PreparedData,
    RandomClip,
    RandomCrop,
    Tokens,
    Vocabulary,
    Windows,
)
from keras_amid.experiments.own.config import OwnConfig

if TYPE_CHECKING:
    import tensorflow as tf

#: Of sizes that are found in the data.
MOST_SECONDS, MOST_STEPS = 10.0, 512


@dataclasses.dataclass(frozen=True)
class Input:
    """A modality as its network gets it.

    Attributes:
        name: of the modality.
        kind: "video", "audio", "text" or "array".
        shape: of one sample: (frames, size, size, channels), (samples,), (tokens,), or the
            array's; None in the first dimension of an array where lengths differ.
        sample_rate: samples a second of a sound, or None.
        tokenizer: of a text: `Vocabulary` or another, or None.
        flip: whether training clips are mirrored at random.
        stride: frames from a window of a video to the next, the same for all videos.
    """

    name: str
    kind: str
    shape: tuple[int | None, ...]
    sample_rate: int | None = None
    tokenizer: Any = None
    flip: bool = True
    stride: int = 1

    def decoder(self, training: bool, most: int | None = None) -> Decoder:
        """How it is decoded: random parts in training, else windows, or the middle.

        Args:
            training: whether for training.
            most: windows of a video at most; None: all.
        """
        if self.kind == "video":
            frames, size = self.shape[:2]
            if training:
                return RandomClip(frames, size, flip=self.flip)
            return Windows(frames, self.stride, size, most)
        if self.kind == "audio":
            return RandomCrop(self.shape[0]) if training else CenterCrop(self.shape[0])
        if self.kind == "text":
            return Tokens(self.tokenizer)
        return Array(self.shape[0] if len(self.shape) > 1 else None)

    def described(self) -> dict[str, Any]:
        """JSON values, by which `keras-amid predict` decodes as it was trained."""
        words = [self.tokenizer.words, self.tokenizer.length] if self.kind == "text" else None
        return {
            "kind": self.kind, "shape": list(self.shape), "sample_rate": self.sample_rate,
            "vocabulary": words,
        }  # fmt: skip


@dataclasses.dataclass(frozen=True)
class _Strings(Decoder):
    """Text as it is."""

    def decode(self, field) -> tf.Tensor:
        return field.value()


def found_sizes(config: OwnConfig, data: PreparedData) -> OwnConfig:
    """The configuration with `seconds` and `length` as the data have them where they are 0.

    The median of the training sounds, `MOST_SECONDS` at most; the longest array or text of the
    training samples, `MOST_STEPS` at most.
    """
    modalities = {name: data.modalities[name] for name in (*config.target, *config.auxiliary)}
    seconds, length = config.seconds, config.length
    for name, modality in modalities.items():
        if modality.kind == "audio" and not config.seconds:
            median = float(np.median(_lengths(data, name))) / modality.sample_rate
            seconds = max(seconds, round(min(median, MOST_SECONDS), 3))
        if modality.kind == "array" and len(modality.shape) > 1 and not config.length:
            longest = modality.shape[0] or int(max(_lengths(data, name)))
            length = max(length, min(longest, MOST_STEPS))
        if modality.kind == "text" and not config.length:
            longest = max((len(text.split()) for text in texts(data, name)), default=1)
            length = max(length, min(longest, MOST_STEPS), 1)
    return dataclasses.replace(config, seconds=seconds, length=length)


def find_input(config: OwnConfig, data: PreparedData, name: str, tokenizer: Any = None) -> Input:
    """The `Input` of a modality.

    Args:
        config: with the sizes found.
        data: prepared.
        name: of the modality.
        tokenizer: of a text, where it is not the words of the training texts.
    """
    modality = data.modalities[name]
    shape: tuple
    if modality.kind == "video":
        frames = 1 if modality.shape[0] == 1 else config.frames  # of pictures, one
        shape = (frames, config.size, config.size, modality.shape[-1])
    elif modality.kind == "audio":
        shape = (round(config.seconds * modality.sample_rate),)
    elif modality.kind == "text":
        if tokenizer is None:
            words = Vocabulary.of(texts(data, name)).words
            tokenizer = Vocabulary(words or ("",), config.length)
        shape = (tokenizer.length,)
    else:
        fixed = len(modality.shape) < 2 or modality.shape[0] == config.length
        shape = modality.shape if fixed else (config.length, *modality.shape[1:])
    return Input(
        name, modality.kind, tuple(shape), modality.sample_rate, tokenizer, config.flip,
        config.frames,
    )  # fmt: skip


def texts(data: PreparedData, name: str) -> list[str]:
    """The training texts of a modality."""
    batches = data.pipeline("train", 64, {name: _Strings()}, cache=False)
    return [text.decode() for x, _ in batches.as_numpy_iterator() for text in x[name].tolist()]


def _lengths(data, name):
    """The first dimension of a modality in the training samples that have it."""
    found = (sample["lengths"].get(name) for sample in data.samples("train"))
    return [length for length in found if length]
