"""The networks of the ripple tank's pictures, sounds and captions."""

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


def array_extractors(
    names: tuple[str, ...], sound_size: int, with_auxiliary: bool
) -> tuple[dict[str, keras.Model], dict[str, keras.Model]]:
    """The extractors of what `arrays.write_arrays` wrote, from where it stopped: the clip's from
    its cells on, the sound's whole.

    Args:
        names: of the auxiliary modalities.
        sound_size: features of a sound.
        with_auxiliary: see `Experiment.extractors`.
    """
    clip = ka.extractors.clip_mlp()
    target = {"video": keras.Model(clip.get_layer("cells").output, clip.outputs[0])}
    auxiliary = {}
    if with_auxiliary and "audio" in names:
        auxiliary["audio"] = keras.Sequential([keras.Input((sound_size,)), keras.layers.Identity()])
    if with_auxiliary and "text" in names:
        words = RippleTank.vocabulary
        auxiliary["text"] = ka.extractors.text_mlp(words.size, words.length)
    return target, auxiliary


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
