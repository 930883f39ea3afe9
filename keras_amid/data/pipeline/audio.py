"""Which part of a sound is heard: a random crop for training, the middle for testing."""

import dataclasses

from keras_amid.data._tensorflow import tensorflow
from keras_amid.data.pipeline.augmentation import fade_edges

_WIDTHS = {"pcm16": 2, "float32": 4}  # bytes a sample


@dataclasses.dataclass(frozen=True)
class RandomCrop:
    """`samples` of a sound from a random start; a shorter one is followed by zeros.

    Attributes:
        samples: Samples kept (seconds times the sample rate).
        fade: Samples over which the crop fades in and out, linearly, so that it does not begin
            and end with a click (tensorflow-io); 0 for none.
    """

    samples: int
    fade: int = 0

    def __post_init__(self):
        _check_samples(self.samples)
        if not isinstance(self.fade, int) or not 0 <= 2 * self.fade <= self.samples:
            raise ValueError(
                f"`fade` must be an integer from 0 to half of `samples` ({self.samples}), "
                f"received {self.fade!r}."
            )

    def decode(self, encoded, shape, form, seed):
        """Decodes a crop.

        Args:
            encoded: String tensor () of the sound, as `fields_parser` gives it.
            shape: int64 tensor (1,), its samples.
            form: {"encoding", "shape"} of the modality.
            seed: Integer tensor (2,): the start is a function of it.

        Returns:
            float32 tensor (samples,).
        """
        tf = tensorflow()
        most = tf.maximum(shape[0] - self.samples, 0)
        start = tf.random.stateless_uniform((), seed, 0, most + 1, tf.int64)
        sound = _decode_part(encoded, shape, form, start, self.samples)
        return fade_edges(sound, self.fade) if self.fade else sound


@dataclasses.dataclass(frozen=True)
class CenterCrop:
    """The middle `samples` of a sound; a shorter one is followed by zeros.

    Attributes:
        samples: Samples kept (seconds times the sample rate).
    """

    samples: int

    def __post_init__(self):
        _check_samples(self.samples)

    def decode(self, encoded, shape, form, seed=None):
        """Decodes the crop; as `RandomCrop.decode`, but `seed` plays no part."""
        tf = tensorflow()
        start = tf.maximum(shape[0] - self.samples, 0) // 2
        return _decode_part(encoded, shape, form, start, self.samples)


def _decode_part(encoded, shape, form, start, count):
    """Decodes `count` samples from `start` on, and no others."""
    tf = tensorflow()
    width = _WIDTHS[form["encoding"]]
    there = tf.minimum(shape[0] - start, count)
    part = tf.strings.substr(encoded, start * width, there * width)
    if form["encoding"] == "pcm16":
        sound = tf.cast(tf.io.decode_raw(part, tf.int16), tf.float32) / 32768.0
    else:
        sound = tf.io.decode_raw(part, tf.float32)
    return tf.ensure_shape(tf.pad(sound, [[0, count - there]]), (count,))


def _check_samples(samples):
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
        raise ValueError(f"`samples` must be a positive integer, received {samples!r}.")
