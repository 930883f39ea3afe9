"""Which part of a sound is used: a random crop for training, the middle for testing."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from keras_amid.data._tensorflow import tensorflow
from keras_amid.data.pipeline.augmentation import fade_edges
from keras_amid.data.pipeline.decoder import Decoder, Field
from keras_amid.validation.arguments import check_int, check_positive_int

if TYPE_CHECKING:
    import tensorflow as tf

_WIDTHS = {"pcm16": 2, "float32": 4}  # bytes per sample


@dataclasses.dataclass(frozen=True)
class RandomCrop(Decoder):
    """A part of a sound from a random start; a sound that is shorter is padded with zeros.

    Attributes:
        samples: Length of the crop in samples (seconds times the sample rate).
        fade: Samples over which the crop fades in and out, linearly, so that it does not begin
            and end with a click (tensorflow-io); 0 for none.
    """

    samples: int
    fade: int = 0

    decodes = "sounds (samples,)"
    random = True

    def __post_init__(self):
        check_positive_int("samples", self.samples)
        if check_int("fade", self.fade, at_least=0) > self.samples // 2:
            raise ValueError(
                f"`fade` must be at most half of `samples` ({self.samples}); received {self.fade}."
            )

    def fits(self, encoding: str, shape: tuple[int | None, ...]) -> bool:
        return _is_sound(encoding, shape)

    def decode(self, field: Field) -> tf.Tensor:
        """Decodes a crop: float32 (samples,)."""
        tf = tensorflow()
        most = tf.maximum(field.shape[0] - self.samples, 0)
        start = tf.random.stateless_uniform((), field.seed, 0, most + 1, tf.int64)
        sound = _decode_part(field, start, self.samples)
        return fade_edges(sound, self.fade) if self.fade else sound


@dataclasses.dataclass(frozen=True)
class CenterCrop(Decoder):
    """The middle of a sound; a sound that is shorter is padded with zeros at its end.

    Attributes:
        samples: Length of the crop in samples (seconds times the sample rate).
    """

    samples: int

    decodes = "sounds (samples,)"

    def __post_init__(self):
        check_positive_int("samples", self.samples)

    def fits(self, encoding: str, shape: tuple[int | None, ...]) -> bool:
        return _is_sound(encoding, shape)

    def decode(self, field: Field) -> tf.Tensor:
        """Decodes the crop: float32 (samples,)."""
        start = tensorflow().maximum(field.shape[0] - self.samples, 0) // 2
        return _decode_part(field, start, self.samples)


def _is_sound(encoding, shape):
    return encoding in _WIDTHS and len(shape) == 1


def _decode_part(field, start, count):
    """Decodes `count` samples from `start` on, and no others."""
    tf = tensorflow()
    width = _WIDTHS[field.encoding]
    there = tf.minimum(field.shape[0] - start, count)
    part = tf.strings.substr(field.encoded, start * width, there * width)
    if field.encoding == "pcm16":
        sound = tf.cast(tf.io.decode_raw(part, tf.int16), tf.float32) / 32768.0
    else:
        sound = tf.io.decode_raw(part, tf.float32)
    return tf.ensure_shape(tf.pad(sound, [[0, count - there]]), (count,))
