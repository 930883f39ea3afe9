"""The networks of the ripple tank's pictures, sounds and captions, and their optimizer."""

from __future__ import annotations

import keras
import numpy as np

import keras_amid as ka
from keras_amid.data import RippleTank
from keras_amid.experiments.ripple_tank.config import RippleTankConfig


def video_extractor(config: RippleTankConfig) -> keras.Model:
    """A network from uint8 clips (batch, 8, 64, 64, 1) to 48 features."""
    if config.extractor == "mlp":
        return ka.extractors.clip_mlp()
    return ka.extractors.R2Plus1D(
        depth=config.depth,
        width=config.width,
        negative_slope=config.negative_slope,
        input_shape=(8, 64, 64, 1),
        mean=config.gray_mean / 255,
        standard_deviation=config.gray_deviation / 255,
    )


def auxiliary_extractors(
    config: RippleTankConfig, tank: RippleTank, names: tuple[str, ...]
) -> dict[str, keras.Model]:
    """Modality -> extractor: the sound's is pre-trained, the caption's is not."""
    extractors = {}
    if "audio" in names:
        extractors["audio"] = sound_extractor(config, tank)
    if "text" in names:
        extractors["text"] = ka.extractors.text_mlp(tank.vocabulary.size, tank.vocabulary.length)
    return extractors


def sound_extractor(config: RippleTankConfig, tank: RippleTank) -> keras.Model:
    """The sound network, pre-trained on sounds of their own, as AudioSet stands behind CNN14."""
    batches = tank.pipeline("sounds", 256, modalities=("audio",)).as_numpy_iterator()
    waveforms, labels = (
        np.concatenate(part) for part in zip(*((x["audio"], y) for x, y in batches), strict=True)
    )
    extractor = ka.extractors.sound_mlp()
    ka.extractors.adapt_standardization(extractor, "spectrum", waveforms)
    # The spectra are computed once; what is trained starts from them.
    spectrum = extractor.get_layer("spectrum").output
    spectra = keras.Model(extractor.inputs, spectrum).predict(waveforms, 256, verbose=0)
    head = keras.layers.Dense(len(tank.fine_class_names))
    classifier = keras.Sequential([keras.Model(spectrum, extractor.outputs[0]), head])
    steps = config.sound_epochs * -(-len(labels) // config.sound_batch)
    rate = keras.optimizers.schedules.CosineDecay(config.sound_rate, steps)
    classifier.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    classifier.fit(
        spectra, labels, batch_size=config.sound_batch, epochs=config.sound_epochs, verbose=0
    )
    ka.extractors.adapt_standardization(extractor, "standardized", waveforms)
    return extractor


def adamw(rate: float, decay: float, steps: int) -> keras.optimizers.Optimizer:
    """AdamW, the rate going to 0 by a cosine; weight decay on kernels only."""
    schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
