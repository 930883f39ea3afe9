"""A prepared ripple tank: ready for `fit`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras_amid.data.datasets.prepared import PreparedData
from keras_amid.data.datasets.ripple_tank import world as rw
from keras_amid.data.pipeline.decoding import named_decoders
from keras_amid.data.pipeline.text import Tokens, Vocabulary


class RippleTank(PreparedData):
    """A prepared ripple tank: a `PreparedData`, and what all worlds share.

    Splits are "train", "validation", "test" (video, audio, text; labels of 40 classes) and
    "sounds" (audio alone: pass `modalities=("audio",)`; labels of 100 fine classes).

    Attributes:
        class_names: Tuple of the 40 names of the labels.
        fine_class_names: Tuple of the 100 names of the labels of "sounds"; also the captions.
        vocabulary: `Vocabulary` of the captions, by which `pipeline` turns them into tokens.
        sample_rate: Of the sound, samples a second.
    """

    class_names = tuple(rw.class_names())
    fine_class_names = tuple(rw.fine_class_names())
    vocabulary = Vocabulary.of(rw.fine_class_names())
    sample_rate = rw.SAMPLE_RATE

    @property
    def seed(self) -> int:
        """Of the world."""
        return self.settings["seed"]

    def pipeline(
        self,
        split: str | Sequence[str],
        batch_size: int,
        modalities: Any = ("video", "audio"),
        **options,
    ) -> Any:
        """See `PreparedData.pipeline`; the plain way of the text are the caption's tokens."""
        modalities = named_decoders(modalities)
        if "text" in modalities and modalities["text"] is None:
            modalities["text"] = Tokens(self.vocabulary)
        return super().pipeline(split, batch_size, modalities, **options)
