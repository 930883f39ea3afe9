"""An LSTM over the face's features, with features of sound and words: one fold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
from keras import ops

import keras_amid as ka
from keras_amid.data import Array, Cached, EpochShuffle, PreparedData, read_index
from keras_amid.experiments.emotion.config import NAMES, EmotionConfig
from keras_amid.experiments.experiment import Experiment
from keras_amid.extractors import Standardization, adapt_standardization


class EmotionExperiment(Experiment):
    """One fold's data and networks; see `Experiment`. It has no validation split.

    Args:
        config: its numbers.
        data: of `keras_amid.data.iemocap` or `mmin`.
        features: modality -> folders by session, or None where the records hold the features.
        auxiliary: names among "audio" and "text".
        session: 1 to 5, the one left out.
    """

    config: EmotionConfig
    retrieval = False

    def __init__(
        self,
        config: EmotionConfig,
        data: PreparedData,
        features: Mapping[str, Sequence[Path]] | None,
        auxiliary: Sequence[str],
        session: int,
    ):
        super().__init__(config, config.seed)
        self.data, self.features = data, features
        names = NAMES[config.features]
        self.face, self.auxiliary = names["face"], [names[name] for name in auxiliary]
        train, test = data.fold(session)
        self.splits = {"train": train, "test": [test]}
        self.num_classes, self.class_names = data.num_classes, data.class_names
        self.train_labels = np.array([row["label"] for s in train for row in data.samples(s)])

    def batches(
        self,
        split: str,
        modalities: Sequence[str],
        shuffle: EpochShuffle | None = None,
        partners: Mapping[str, np.ndarray] | None = None,
    ) -> Iterable:
        """Batches of features: of the face (batch, frames, features), of others likewise or
        (batch, features)."""
        sessions, decoders = self.splits[split], {}
        for name in modalities:
            pad = self.config.frames if len(self._shape(name)) == 2 else None
            if self.features is None:
                decoders[name] = Array(pad)
            else:
                places = [list(self.data.counts).index(session) for session in sessions]
                decoders[name] = Cached([self.features[name][place] for place in places], pad)
        return self.data.pipeline(
            sessions,
            self.config.batch,
            decoders,
            shuffle=shuffle,
            drop_remainder=shuffle is not None,
            with_index=True,
            partners=partners,
        )

    def _shape(self, name):
        """Shape of a modality's features; None in a dimension in which utterances differ."""
        folder = self.data.records("session-1")
        if self.features is not None:
            folder = self.features[name][0]
        return read_index(folder)["modalities"][name]["shape"]

    def extractors(self, with_auxiliary: bool = True) -> tuple[dict, dict]:
        """An LSTM over the face's frames; of the auxiliary features, the mean over time."""
        size, units = self._shape(self.face)[-1], self.config.representation_dim
        student = {self.face: ka.extractors.RecurrentEncoder(size, units=units)}
        return student, {n: self._pooled(n) for n in self.auxiliary} if with_auxiliary else {}

    def _pooled(self, name):
        """Features as they are, or their mean over time, standardized on the training sessions."""
        batches = self.batches("train", (name,)).as_numpy_iterator()
        values = np.concatenate([x[name] for x, _ in batches])
        inputs = x = keras.Input(values.shape[1:])
        if values.ndim == 3:  # frames of zeros are padding
            seen = ops.cast(ops.any(ops.not_equal(x, 0), axis=-1, keepdims=True), "float32")
            x = ops.sum(x, axis=1) / ops.maximum(ops.sum(seen, axis=1), 1.0)
        pooled = keras.Model(inputs, Standardization(name="standardized")(x))
        adapt_standardization(pooled, "standardized", values)
        return pooled
