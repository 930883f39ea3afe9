"""Features that `cache_features` kept, in the place of the modality that they were made from."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_amid.data.pipeline.arrays import Array
from keras_amid.data.pipeline.augmentation import MaskSpectrogram
from keras_amid.data.pipeline.decoder import Decoder, Field
from keras_amid.data.records.reading import RecordSet

if TYPE_CHECKING:
    import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Cached(Decoder):
    """Features that `cache_features` wrote from the records, found by the sample's id.

    Attributes:
        folder: The folder that `cache_features` wrote, or several of them.
        pad: As of `Array`, for features whose first dimension differs.
        augment: As of `Array`.
    """

    folder: str | Path | tuple[str | Path, ...]
    pad: int | str | None = None
    augment: MaskSpectrogram | None = None

    def __post_init__(self):
        if not isinstance(self.folder, (str, Path)):
            object.__setattr__(self, "folder", tuple(self.folder))
        Array(self.pad, self.augment)  # checks them

    @property
    def _array(self) -> Array:
        return Array(self.pad, self.augment)

    @property
    def decodes(self) -> str:
        return self._array.decodes

    @property
    def random(self) -> bool:
        return self._array.random

    @property
    def ragged(self) -> bool:
        return self._array.ragged

    @property
    def key(self) -> Any:
        """What the features are, wherever they lie."""
        return [RecordSet(self.folder, "folder").fingerprints(), self._array.key]

    def fits(self, encoding: str, shape: tuple[int | None, ...]) -> bool:
        return self._array.fits(encoding, shape)

    def source(self, records: RecordSet, name: str) -> tuple[RecordSet, np.ndarray]:
        """Finds each sample's features.

        Raises:
            ValueError: The features were made from other records, or lack a sample.
        """
        features = RecordSet(self.folder, "folder")
        made_from = {f for index in features.indexes for f in index["settings"].get("records", [])}
        for folder, fingerprint in zip(records.folders, records.fingerprints(), strict=True):
            if fingerprint not in made_from:
                raise ValueError(
                    f"`folder` must hold features of {name} made from the records in {folder} as "
                    f"they are now; received {[str(f) for f in features.folders]}, not made from "
                    "the records. Run `cache_features` on them, into another folder."
                )
        positions = {sample["id"]: i for i, sample in enumerate(features.samples)}
        missing = [s["id"] for s in records.samples if s["id"] not in positions]
        if missing or len(positions) < len(features):
            raise ValueError(
                f"`folder` must hold features of {name} once for each sample; received "
                f"{[str(f) for f in features.folders]}, which lack {len(missing)} samples, such "
                f"as {missing[:3]}, and have {len(features) - len(positions)} ids twice."
            )
        return features, np.array([positions[sample["id"]] for sample in records.samples])

    def decode(self, field: Field) -> tf.Tensor:
        """Decodes the features: float32, of the shape that the extractor gave."""
        return self._array.decode(field)
