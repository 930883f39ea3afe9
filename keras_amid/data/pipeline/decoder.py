"""The protocol of decoders: one object for each way of decoding a modality.

A decoder of your own is a subclass of `Decoder` with a method `decode`:

    @dataclasses.dataclass(frozen=True)
    class Louder(Decoder):
        \"\"\"A sound, multiplied by a factor that is drawn anew in each epoch.\"\"\"

        least: float
        random = True

        def decode(self, field):
            factor = tf.random.stateless_uniform((), field.seed, self.least, 1.0)
            return factor * field.value()

    train = batches(folder, 16, {"audio": Louder(0.5)}, shuffle=EpochShuffle(0))
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from keras_amid.data.pipeline.frames import decode_video
from keras_amid.data.records.examples import VIDEO_ENCODINGS, decode_field

if TYPE_CHECKING:
    import tensorflow as tf

    from keras_amid.data.records.reading import RecordSet


@dataclasses.dataclass(frozen=True)
class Field:
    """One modality of one sample as it lies in the records: what a decoder is given.

    Attributes:
        encoding: How it is kept; see `keras_amid.data.records.examples`.
        static_shape: The shape that all samples share, None in dimensions in which they differ.
        encoded: String tensor (); empty for a video.
        shape: int64 tensor (dimensions,), the shape of this sample.
        frames: Function: first and last frame, int64 () -> the encoded frames of a video, string
            (frames,). Only these are read.
        seed: int64 tensor (2,) for stateless operations, a function of the seed of `shuffle`, the
            epoch, the sample and the modality; None where no modality is random.
        start: int64 tensor (), where the window begins; None where no modality is windowed.
    """

    encoding: str
    static_shape: tuple[int | None, ...]
    encoded: tf.Tensor
    shape: tf.Tensor
    frames: Any = None
    seed: Any = None
    start: Any = None

    def value(self) -> tf.Tensor:
        """Decodes all of it: uint8 video, float32 sound or array, or a string."""
        if self.encoding in VIDEO_ENCODINGS:
            return decode_video(self)
        return decode_field(self.encoded, self.shape, self.encoding, self.static_shape)


class Decoder:
    """How one modality is decoded.

    The decoders of this package are frozen dataclasses. One of your own needs a `decode`, and any
    of the rest where it differs from what is said here (see the example in
    `keras_amid.data.pipeline.decoder`). It is traced as it stands: a branch on a tensor wants
    `tf.cond`, or `@tf.function` on the method.

    Attributes:
        decodes: What it decodes, in words, for messages.
        random: Whether `decode` uses `field.seed`; `batches` then needs `shuffle`.
        ragged: Whether the first dimension of the decoded values differs from sample to sample and
            is to be padded with zeros to that of the longest sample of the batch.
        windowed: Whether a sample becomes several elements. Such a decoder also has
            `count(length)`, the number of elements of a sample whose first dimension is `length`,
            and `starts(shape)`, int64 (elements,): the `field.start` of each.
        cache: Whether `batches(cache=None)` keeps in memory what is the same in every epoch.
    """

    decodes: str = "any value"
    random: bool = False
    ragged: bool = False
    windowed: bool = False
    cache: bool = True

    @property
    def key(self) -> Any:
        """JSON value of all that `decode` depends on: data kept on the disk are named after it.

        Raises:
            ValueError: The decoder is no dataclass and has no `key` of its own.
        """
        if type(self).__repr__ is object.__repr__:
            raise ValueError(
                f"`{type(self).__name__}` must be a dataclass, or have a `key` that tells it from "
                f"others, where what it decodes is kept on the disk; received {self!r}."
            )
        return repr(self)

    def fits(self, encoding: str, shape: tuple[int | None, ...]) -> bool:
        """Says whether it can decode values of this encoding and static shape."""
        return True

    def source(self, records: RecordSet, name: str) -> tuple[RecordSet, Any] | None:
        """Says where the values of a modality lie.

        Args:
            records: The records that `batches` was given.
            name: The modality.

        Returns:
            None where they lie in `records`. Otherwise other records, and an int64 array
            (samples,): the position in them of each sample of `records`.

        Raises:
            ValueError: The other records do not fit these.
        """
        return None

    def decode(self, field: Field) -> tf.Tensor | dict[str, tf.Tensor]:
        """Decodes one sample, with TensorFlow operations.

        Args:
            field: The sample's modality, encoded.

        Returns:
            Tensor of a static shape, or dict of such tensors, without the batch.
        """
        raise NotImplementedError(f"{type(self).__name__} must have a method `decode`.")
