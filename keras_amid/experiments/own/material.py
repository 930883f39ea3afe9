"""What all seeds and rows share: prepared data, how each modality is decoded, its network."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_amid.data import Array, Cached, Decoder, PreparedData, cache_features
from keras_amid.data.datasets.modality import Modality
from keras_amid.experiments.own.config import OwnConfig
from keras_amid.experiments.own.inputs import Input, find_input, found_sizes
from keras_amid.experiments.own.networks import (
    Network,
    default_name,
    find_network,
    make_network,
)
from keras_amid.extractors import Standardization


class Material:
    """Prepared data with their networks. It reads the data's lists, and no samples but texts.

    Args:
        config: its numbers.
        data: prepared.
        folder: where features of frozen networks go.

    Attributes:
        config: with the sizes found in the data.
        inputs: dict, modality -> `Input`.
        names: dict, modality -> name of its network.
        frozen: dict, auxiliary modality whose network stays as it is -> size of its features.
        learning: whether an auxiliary network has something to learn.

    Raises:
        ValueError: a network is unknown or does not fit, or a checkpoint is of another network.
    """

    def __init__(self, config: OwnConfig, data: PreparedData, folder: Path):
        self.config, self.data, self.folder = found_sizes(config, data), data, Path(folder)
        self._networks: dict[str, Network] = {}
        self.names: dict[str, str] = {}
        self.inputs: dict[str, Input] = {}
        self.frozen: dict[str, int] = {}
        self._statistics: dict[tuple[str, int], Any] = {}
        names = (*config.target, *config.auxiliary)
        for name in names:
            self._find(name)
        for name in names:
            model = self.network(name)
            learns = bool(model.trainable_weights) and not self._is_given(name)
            if name in config.auxiliary and not learns:
                self.frozen[name] = model.outputs[0].shape[-1]
        self.learning = set(config.auxiliary) != set(self.frozen)

    def _find(self, name):
        modality, config = self.data.modalities[name], self.config
        chosen = config.extractor.get(name)
        self.names[name] = chosen or default_name(modality.kind, modality.shape)
        network = find_network(self.names[name], modality.kind, name)
        self._networks[name] = network
        checkpoint, tokenizer = config.checkpoint.get(name), None
        if checkpoint is not None and network.tokenizer is not None:
            tokenizer = network.tokenizer(checkpoint, max(config.length, 3))
        self.inputs[name] = find_input(config, self.data, name, tokenizer)

    def _is_given(self, name):
        """Whether its weights come from a checkpoint, to be left as they are."""
        return name in self.config.checkpoint and not self.config.train_auxiliary

    def network(self, name: str) -> keras.Model:
        """A fresh network of a modality, not yet standardised."""
        checkpoint = self.config.checkpoint.get(name)
        slope = self.config.negative_slope
        return make_network(self._networks[name], self.inputs[name], checkpoint, slope)

    def extractor(self, name: str) -> keras.Model:
        """A fresh extractor, standardised by the training samples.

        Of a frozen network it takes the features that `fill` wrote. A target's network that has
        nothing to learn gets a layer that does.
        """
        if name in self.frozen:
            inputs = keras.Input((self.frozen[name],), name="features")
            model = keras.Model(inputs, Standardization(dtype="float32")(inputs))
        else:
            model = self.network(name)
        self._adapt(name, model)
        if name in self.config.target and not model.trainable_weights:
            x = keras.layers.Dense(self.config.representation_dim, name="dense")(model.output)
            x = keras.layers.LeakyReLU(self.config.negative_slope, name="activation")(x)
            model = keras.Model(model.input, x)
        return model

    def fill(self) -> None:
        """Runs the frozen networks over all samples, once."""
        for name in self.frozen:
            keras.utils.set_random_seed(0)
            network = self.network(name)
            network.trainable = False
            decode = self.inputs[name].decoder(training=False, most=1)
            for split in self.splits:
                if self._is_somewhere(name, split):
                    cache_features(
                        network, self.data.records(split), self._features(name, split), name, decode
                    )

    @property
    def splits(self) -> list[str]:
        """Those of train, validation and test that have samples."""
        return [s for s in ("train", "validation", "test") if self.data.counts.get(s)]

    def batches(
        self,
        split: str,
        batch_size: int,
        names: Sequence[str],
        training: bool,
        most: int | None = None,
        **options: Any,
    ) -> Any:
        """Batches of a split, of the samples that are used; see `PreparedData.pipeline`.

        Args:
            split: name.
            batch_size: samples a batch.
            names: of the modalities.
            training: random clips and crops; else windows, or the middle.
            most: windows of a video at most; None: all.
            **options: of `keras_amid.data.batches`; "subset" where it is not all that is used.
        """
        decoders: dict[str, Decoder] = {}
        absent = {}  # features of what no sample of the split has: zeros
        for name in names:
            if name not in self.frozen:
                decoders[name] = self.inputs[name].decoder(training, most)
            elif self._is_somewhere(name, split):
                decoders[name] = Cached(self._features(name, split))
            else:
                decoders[name] = Array()
                absent[name] = Modality("array", (self.frozen[name],), may_lack=True)
        data = dataclasses.replace(self.data, modalities={**self.data.modalities, **absent})
        options = {"subset": self.places(split), **options}
        return data.pipeline(split, batch_size, decoders, **options)

    def places(self, split: str) -> np.ndarray:
        """The samples of a split that are used, in the order of the records."""
        count, limit = self.data.counts[split], self.config.limit
        if not limit or count <= limit:
            return np.arange(count)
        return np.sort(np.random.default_rng(0).permutation(count)[:limit])

    def _is_somewhere(self, name, split):
        """Whether any sample of a split has a modality."""
        return any(name not in row.get("missing", ()) for row in self.data.samples(split))

    def _features(self, name, split):
        return self.folder / "features" / name / split

    def _adapt(self, name, model):
        """Sets what standardises; found over the training samples on the first call."""
        layers = [layer for layer in model.layers if isinstance(layer, Standardization)]
        for number, layer in enumerate(layers):
            key = (name, number)
            if key not in self._statistics:
                layer.adapt(self._reaching(name, keras.Model(model.input, layer.input)))
                self._statistics[key] = layer.get_weights()
            layer.set_weights(self._statistics[key])

    def _reaching(self, name, upstream):
        """What reaches a layer of the training samples that have the modality; padding left out."""
        batches = self.batches("train", 64, (name,), training=False, cache=False)
        found = []
        for x, _ in batches.as_numpy_iterator():
            values = np.asarray(upstream.predict_on_batch(x[name]))
            values = values[x.get("present", {}).get(name, np.ones(len(values), bool))]
            found.append(values[values.any(axis=-1)] if values.ndim == 3 else values)
        return np.concatenate(found)
