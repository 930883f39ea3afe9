"""A perceptron over the mean log-mel spectrum of a sound."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers, ops

from keras_amid.extractors.layers.log_mel_spectrogram import LogMelSpectrogram
from keras_amid.extractors.layers.standardization import Standardization
from keras_amid.extractors.mlp import leaky_dense


def sound_mlp(
    samples: int = 8000,
    sample_rate: int = 16000,
    fft_length: int = 4096,
    hop_length: int = 1024,
    mel_bins: int = 128,
    min_freq: float = 150.0,
    max_freq: float = 7000.0,
    units: Sequence[int] = (96,),
    features: int = 32,
    negative_slope: float = 0.2,
    name: str = "sound_mlp",
) -> keras.Model:
    """Perceptron over a sound's mean log-mel spectrum: the ripple tank's audio extractor.

    Log-mel spectrogram, mean over time, standardised (layer `spectrum`), hidden layers with
    Leaky ReLU, a linear layer, standardised again (layer `standardized`). Both
    `Standardization` layers start as the identity: adapt the first to training sounds, train,
    then adapt the second, with `adapt_standardization(model, "spectrum", waveforms)`.

    Args:
        samples: int, length of a waveform; None where lengths differ between batches.
        sample_rate: int, samples a second.
        fft_length: int, samples in a window.
        hop_length: int, samples between two windows.
        mel_bins: int, number of mel filters.
        min_freq: float, lower edge of the lowest filter, Hz.
        max_freq: float, upper edge of the highest filter, Hz.
        units: sequence of int, sizes of the hidden layers.
        features: int, size of the output.
        negative_slope: float, slope of Leaky ReLU below 0.
        name: str, name of the model.

    Returns:
        A functional `keras.Model`: float32 (batch, samples) -> (batch, features).

    Raises:
        ValueError: as `LogMelSpectrogram`.
    """
    waveform = keras.Input((samples,), dtype="float32", name="waveform")
    x = LogMelSpectrogram(
        sample_rate, fft_length, hop_length, mel_bins, min_freq, max_freq, center=False,
        name="log_mel",
    )(waveform)  # fmt: skip
    # Decibels near -100 are standardised before half precision can round them.
    x = Standardization(dtype="float32", name="spectrum")(ops.mean(x, axis=1))
    x = leaky_dense(x, units, negative_slope)
    x = layers.Dense(features, name="features")(x)
    return keras.Model(waveform, Standardization(name="standardized")(x), name=name)
