"""Arrays of any kind, whole: padded to one length, and masked."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from keras_amid.data._tensorflow import tensorflow
from keras_amid.data.pipeline.augmentation import MaskSpectrogram
from keras_amid.data.pipeline.decoder import Decoder, Field
from keras_amid.data.records.examples import VIDEO_ENCODINGS

if TYPE_CHECKING:
    import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Array(Decoder):
    """A whole video, sound or other array: the plain way to decode all but text.

    Attributes:
        pad: For values whose first dimension differs. A length: zeros are added at the end, and
            what is longer is cut. "batch": zeros are added up to the longest value of the batch
            (JAX compiles anew for each length). None: the value is left as it is.
        augment: `MaskSpectrogram`, for a spectrogram (frames, bands); it makes the decoder random.
    """

    pad: int | str | None = None
    augment: MaskSpectrogram | None = None

    def __post_init__(self):
        whole = isinstance(self.pad, int) and not isinstance(self.pad, bool) and self.pad > 0
        if not whole and self.pad not in (None, "batch"):
            raise ValueError(
                f'`pad` must be a positive integer, "batch" or None; received {self.pad!r}.'
            )
        if not isinstance(self.augment, (MaskSpectrogram, type(None))):
            raise ValueError(
                f"`augment` must be a MaskSpectrogram or None; received {self.augment!r}."
            )

    @property
    def decodes(self) -> str:
        if self.augment is not None:
            return "spectrograms (frames, bands)"
        return "videos and arrays" if self.pad is None else "videos and arrays that have a length"

    @property
    def random(self) -> bool:
        return self.augment is not None

    @property
    def ragged(self) -> bool:
        return self.pad == "batch"

    def fits(self, encoding: str, shape: tuple[int | None, ...]) -> bool:
        if self.augment is not None:
            return encoding not in ("utf-8", *VIDEO_ENCODINGS) and len(shape) == 2
        return encoding != "utf-8" and (self.pad is None or len(shape) > 0)

    def decode(self, field: Field) -> tf.Tensor:
        """Decodes the value: uint8 of a video, otherwise float32, of the shape in the records."""
        value = field.value()
        if self.augment is not None:
            value = self.augment.apply(value, field.seed + 1)
        return _to_length(value, self.pad) if isinstance(self.pad, int) else value


def _to_length(value, length):
    """Cuts a tensor to `length` rows, or adds rows of zeros."""
    tf = tensorflow()
    value = value[:length]
    missing = [[0, length - tf.shape(value)[0]]] + [[0, 0]] * (value.shape.rank - 1)
    return tf.ensure_shape(tf.pad(value, missing), (length, *value.shape[1:]))
