"""Augmentation of audio in the pipeline.

What is deterministic comes from tensorflow-io: its functions written in TensorFlow alone, never
its native kernels. Its `freq_mask` and `time_mask` draw from TensorFlow's global generator, in
whatever order the pipeline's threads reach it: a resumed run could not see what the uninterrupted
one saw. So the masks are drawn here, from the same distribution, as a function of a seed.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import warnings
from types import ModuleType
from typing import TYPE_CHECKING

from keras_amid.data._tensorflow import tensorflow
from keras_amid.validation.arguments import check_int

if TYPE_CHECKING:
    import tensorflow as tf


@functools.cache
def tensorflow_io() -> ModuleType:
    """Imports tensorflow-io, without its warnings about native kernels that nothing here uses.

    Returns:
        The module `tensorflow_io`.

    Raises:
        ImportError: It is not installed; there is no wheel for Python 3.13.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module("tensorflow_io")
    except ImportError as error:
        raise ImportError(
            "Fading sound needs tensorflow-io: pip install 'keras_amid[audio]'. It has no wheel "
            "for Python 3.13 or Windows; there, use `fade=0`."
        ) from error


def fade_edges(sound: tf.Tensor, samples: int) -> tf.Tensor:
    """Fades a sound in and out, linearly.

    Args:
        sound: float32 tensor (length,).
        samples: Integer, the length of either fade; at most half of the sound's.

    Returns:
        float32 tensor (length,).

    Raises:
        ImportError: tensorflow-io is not installed.
    """
    return tensorflow_io().audio.fade(sound, fade_in=samples, fade_out=samples, mode="linear")


@dataclasses.dataclass(frozen=True)
class MaskSpectrogram:
    """SpecAugment's masks on a spectrogram in the records (Park et al., 2019): one of each kind.

    A mask is zeros. Its length is uniform over 0 .. its parameter - 1, its place uniform where it
    fits, as in tensorflow-io's `time_mask` and `freq_mask`.

    Attributes:
        time: One more than the most frames masked; 0 for no mask.
        frequency: One more than the most bands masked; 0 for no mask.
    """

    time: int
    frequency: int

    def __post_init__(self):
        for name in ("time", "frequency"):
            check_int(name, getattr(self, name), at_least=0)

    def apply(self, spectrogram: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Masks a spectrogram.

        Args:
            spectrogram: float32 tensor (frames, bands).
            seed: Integer tensor (2,): the masks are a function of it.

        Returns:
            float32 tensor (frames, bands).
        """
        tf = tensorflow()
        spectrogram = tf.ensure_shape(spectrogram, (None, None))
        draws = tf.random.stateless_uniform((2, 2), seed)
        for axis, parameter in enumerate((self.time, self.frequency)):
            if parameter:
                kept = _kept(draws[axis], tf.shape(spectrogram)[axis], parameter)
                spectrogram = tf.where(tf.expand_dims(kept, 1 - axis), spectrogram, 0.0)
        return spectrogram


def _kept(draws, size, parameter):
    """bool (size,): False on the mask."""
    tf = tensorflow()
    length = tf.cast(draws[0] * tf.cast(tf.minimum(parameter, size + 1), tf.float32), tf.int32)
    start = tf.cast(draws[1] * tf.cast(size - length + 1, tf.float32), tf.int32)
    places = tf.range(size)
    return (places < start) | (places >= start + length)
