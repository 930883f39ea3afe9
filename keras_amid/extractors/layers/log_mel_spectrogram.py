"""Waveform -> log-mel spectrogram, in the graph."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="keras_amid")
class LogMelSpectrogram(keras.layers.Layer):
    """Log-mel spectrogram on the Slaney scale, as librosa and PANNs compute it.

    Periodic Hann window of `fft_length` samples, power spectrum, Slaney mel filters, then
    decibels: 10 log10(max(power, 1e-10)). The defaults are those of CNN14 (Kong et al.,
    "PANNs", 2020). Computed in float32 whatever the precision policy; the result is float32
    too, unless a `dtype` is given.

    Args:
        sample_rate: int, samples a second.
        fft_length: int, samples in a window.
        hop_length: int, samples between two windows.
        mel_bins: int, number of mel filters.
        min_freq: float, lower edge of the lowest filter, Hz.
        max_freq: float, upper edge of the highest filter, Hz.
        center: bool. True: frame i is centred on sample i * hop_length of the waveform, which
            is reflected at its ends. False: only windows that lie within the waveform.

    Call arguments:
        inputs: float tensor (batch, samples).

    Returns:
        Float tensor (batch, frames, mel_bins), decibels; frames is 1 + samples // hop_length
        with `center`, else 1 + (samples - fft_length) // hop_length.

    Raises:
        ValueError: frequencies out of order or above sample_rate / 2; so many filters that one
            of them holds no frequency of the FFT; a waveform too short for one window.
    """

    def __init__(
        self,
        sample_rate: int = 32000,
        fft_length: int = 1024,
        hop_length: int = 320,
        mel_bins: int = 64,
        min_freq: float = 50.0,
        max_freq: float = 14000.0,
        center: bool = True,
        **kwargs,
    ):
        kwargs.setdefault("dtype", "float32")
        super().__init__(autocast=False, **kwargs)
        self.sample_rate = sample_rate
        self.fft_length = fft_length
        self.hop_length = hop_length
        self.mel_bins = mel_bins
        self.min_freq = min_freq
        self.max_freq = max_freq
        self.center = center
        self.filterbank = slaney_mel_filterbank(
            sample_rate, fft_length, mel_bins, min_freq, max_freq
        ).astype("float32")

    def build(self, input_shape: Any) -> None:
        if len(input_shape) != 2:
            raise ValueError(f"Expected waveforms (batch, samples); received {input_shape}.")
        # Reflection needs one sample more than it adds on each side.
        least = self.fft_length // 2 + 1 if self.center else self.fft_length
        if input_shape[1] is not None and input_shape[1] < least:
            raise ValueError(
                f"Waveforms need at least {least} samples for fft_length={self.fft_length}, "
                f"center={self.center}; received shape={input_shape}."
            )

    def call(self, inputs: Any) -> Any:
        real, imaginary = ops.stft(
            ops.cast(inputs, "float32"),
            sequence_length=self.fft_length,
            sequence_stride=self.hop_length,
            fft_length=self.fft_length,
            window="hann",
            center=self.center,
        )
        power = ops.matmul(ops.square(real) + ops.square(imaginary), self.filterbank)
        decibels = 10.0 * ops.log10(ops.maximum(power, 1e-10))
        return ops.cast(decibels, self.compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        batch, samples = input_shape
        if samples is None:
            return (batch, None, self.mel_bins)
        window = 0 if self.center else self.fft_length
        return (batch, 1 + (samples - window) // self.hop_length, self.mel_bins)

    def get_config(self) -> dict:
        return super().get_config() | {
            "sample_rate": self.sample_rate,
            "fft_length": self.fft_length,
            "hop_length": self.hop_length,
            "mel_bins": self.mel_bins,
            "min_freq": self.min_freq,
            "max_freq": self.max_freq,
            "center": self.center,
        }


def slaney_mel_filterbank(
    sample_rate: int, fft_length: Any, mel_bins: Any, min_freq: Any, max_freq: Any
) -> np.ndarray:
    """Triangular mel filters, Slaney scale and norm (each filter has unit area over Hz).

    Slaney, "Auditory Toolbox" (1998): 3 mels for every 200 Hz up to 1 kHz, above it 27 mels
    for every factor of 6.4.

    Args:
        sample_rate: int, samples a second.
        fft_length: int, samples in a window.
        mel_bins: int, number of filters.
        min_freq: float, lower edge of the lowest filter, Hz.
        max_freq: float, upper edge of the highest filter, Hz.

    Returns:
        float64 array (fft_length // 2 + 1, mel_bins).

    Raises:
        ValueError: as `LogMelSpectrogram`.
    """
    if not 0 <= min_freq < max_freq <= sample_rate / 2:
        raise ValueError(
            "Frequencies must satisfy 0 <= min_freq < max_freq <= sample_rate / 2; received "
            f"min_freq={min_freq}, max_freq={max_freq}, sample_rate={sample_rate}"
        )
    edges = _mel_to_hertz(
        np.linspace(_hertz_to_mel(min_freq), _hertz_to_mel(max_freq), mel_bins + 2)
    )
    frequencies = np.fft.rfftfreq(fft_length, 1 / sample_rate)[:, None]
    lower, peak, upper = edges[:-2], edges[1:-1], edges[2:]
    rising = (frequencies - lower) / (peak - lower)
    falling = (upper - frequencies) / (upper - peak)
    triangles = np.maximum(0, np.minimum(rising, falling))
    empty = np.flatnonzero(triangles.sum(axis=0) == 0)
    if empty.size:
        raise ValueError(
            f"`mel_bins` must be fewer, or `fft_length` longer: {empty.size} filters lie between "
            f"two frequencies of the FFT; received mel_bins={mel_bins}, fft_length={fft_length}."
        )
    return triangles * 2 / (upper - lower)


_BREAK_HERTZ, _BREAK_MEL, _LOG_STEP = 1000.0, 15.0, np.log(6.4) / 27


def _hertz_to_mel(hertz):
    if hertz < _BREAK_HERTZ:
        return hertz * 3 / 200
    return _BREAK_MEL + np.log(hertz / _BREAK_HERTZ) / _LOG_STEP


def _mel_to_hertz(mels):
    above = np.maximum(mels - _BREAK_MEL, 0)  # 0 keeps the exponential from overflowing
    return np.where(mels < _BREAK_MEL, mels * 200 / 3, _BREAK_HERTZ * np.exp(_LOG_STEP * above))
