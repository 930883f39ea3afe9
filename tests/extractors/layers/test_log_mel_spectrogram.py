import math

import keras
import numpy as np
import pytest
import torch
from keras import ops
from torch_cnn14 import Cnn14

from keras_amid.extractors import LogMelSpectrogram, slaney_mel_filterbank

SMALL = {"sample_rate": 8000, "fft_length": 256, "hop_length": 100, "mel_bins": 20,
         "min_freq": 100.0, "max_freq": 3500.0}  # fmt: skip
WAVES = np.random.default_rng(0).uniform(-1, 1, (2, 1000)).astype("float32")


def hertz(mel):
    """Slaney's scale: 200/3 Hz a mel up to mel 15 = 1 kHz, then a factor 6.4 every 27 mels."""
    return mel * 200 / 3 if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27)


def mel_of(frequency):
    """The inverse of `hertz`, by bisection."""
    low, high = 0.0, 100.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if hertz(middle) < frequency else (low, middle)
    return low


def filter_weight(frequency, index, bins, min_freq, max_freq):
    first, last = mel_of(min_freq), mel_of(max_freq)
    left, peak, right = (hertz(first + (last - first) * (index + i) / (bins + 1)) for i in range(3))
    height = 2 / (right - left)
    if left <= frequency <= peak:
        return height * (frequency - left) / (peak - left)
    if peak < frequency <= right:
        return height * (right - frequency) / (right - peak)
    return 0.0


def test_filterbank_by_a_loop_over_frequencies():
    bank = slaney_mel_filterbank(8000, 256, 20, 100.0, 3500.0)
    expected = [
        [filter_weight(k * 8000 / 256, m, 20, 100.0, 3500.0) for m in range(20)] for k in range(129)
    ]
    np.testing.assert_allclose(bank, expected, atol=1e-12)


def test_filterbank_of_cnn14():
    """Unit area over Hz; the peaks where librosa.mel_frequencies(66, 50, 14000) puts them."""
    bank = slaney_mel_filterbank(32000, 2**17, 64, 50.0, 14000.0)
    step = 32000 / 2**17
    np.testing.assert_allclose(bank.sum(axis=0) * step, 1, rtol=1e-4)
    peaks = bank.argmax(axis=0) * step
    assert peaks[0] == pytest.approx(hertz(0.75 + (mel_of(14000) - 0.75) / 65), abs=step)
    assert np.all(np.diff(peaks) > 0) and peaks[-1] < 14000


def reference(wave, center):
    """Short-time spectra one frequency at a time, in float64."""
    n, hop = SMALL["fft_length"], SMALL["hop_length"]
    if center:
        wave = np.concatenate([wave[n // 2 : 0 : -1], wave, wave[-2 : -n // 2 - 2 : -1]])
    window = [0.5 - 0.5 * math.cos(2 * math.pi * i / n) for i in range(n)]
    frames = []
    for start in range(0, len(wave) - n + 1, hop):
        frame = wave[start : start + n] * window
        power = np.array(
            [abs(np.sum(frame * np.exp(-2j * np.pi * k * np.arange(n) / n))) ** 2
             for k in range(n // 2 + 1)]
        )  # fmt: skip
        frames.append(power)
    bank = [
        [filter_weight(k * 8000 / n, m, 20, 100.0, 3500.0) for m in range(20)]
        for k in range(n // 2 + 1)
    ]
    return 10 * np.log10(np.maximum(np.array(frames) @ np.array(bank), 1e-10))


@pytest.mark.parametrize("center", [True, False])
def test_equals_the_definition(center):
    layer = LogMelSpectrogram(**SMALL, center=center)
    out = ops.convert_to_numpy(layer(WAVES))
    expected = np.stack([reference(wave.astype("float64"), center) for wave in WAVES])
    assert out.shape == layer.compute_output_shape(WAVES.shape) == expected.shape
    np.testing.assert_allclose(out, expected, atol=2e-3)


@pytest.mark.parametrize("sample_rate", [32000, 16000])
def test_equals_the_front_ends_of_panns(sample_rate):
    """Its convolutions with stored windowed sinusoids, and PyTorch's own transform of them."""
    net = Cnn14(sample_rate, 1 / 64, 1)
    length, hop = net.spectrogram_extractor.stft.length, net.spectrogram_extractor.stft.hop
    waves = np.random.default_rng(1).uniform(-1, 1, (2, 4000)).astype("float32")
    with torch.no_grad():
        power = net.spectrogram_extractor(torch.tensor(waves))
        expected = net.logmel_extractor(power)[:, 0].numpy()
        spectrum = torch.stft(
            torch.tensor(waves), length, hop, window=torch.hann_window(length), return_complex=True
        )
    np.testing.assert_allclose(power[:, 0], spectrum.abs().transpose(1, 2) ** 2, atol=1e-2)
    layer = LogMelSpectrogram(
        sample_rate, length, hop, 64, 50.0, {32000: 14000.0, 16000: 8000.0}[sample_rate]
    )
    np.testing.assert_allclose(ops.convert_to_numpy(layer(waves)), expected, atol=2e-3)


def test_silence_is_at_the_floor():
    out = ops.convert_to_numpy(LogMelSpectrogram(**SMALL)(np.zeros((1, 500), "float32")))
    np.testing.assert_allclose(out, -100.0, atol=1e-4)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_float32_whatever_the_policy(policy):
    before = keras.config.dtype_policy()
    expected = ops.convert_to_numpy(LogMelSpectrogram(**SMALL)(WAVES))
    keras.config.set_dtype_policy(policy)
    try:
        out = LogMelSpectrogram(**SMALL)(WAVES)
    finally:
        keras.config.set_dtype_policy(before)
    assert keras.backend.standardize_dtype(out.dtype) == "float32"
    np.testing.assert_array_equal(ops.convert_to_numpy(out), expected)


@pytest.mark.parametrize("samples", [None, 1000])
def test_in_a_compiled_saved_model(tmp_path, samples):
    wave = keras.Input((samples,))
    model = keras.Model(wave, LogMelSpectrogram(**SMALL, center=False)(wave))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].get_config() == model.layers[-1].get_config()
    loaded.compile(jit_compile=keras.backend.backend() != "torch")
    expected = ops.convert_to_numpy(LogMelSpectrogram(**SMALL, center=False)(WAVES))
    np.testing.assert_allclose(loaded.predict(WAVES, verbose=0), expected, atol=2e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"min_freq": 4000.0}, "min_freq=4000"),
        ({"max_freq": 4001.0}, "max_freq=4001"),
        ({"min_freq": -1.0}, "min_freq=-1"),
        ({"mel_bins": 200}, "mel_bins=200, fft_length=256"),
    ],
)
def test_bad_arguments_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        LogMelSpectrogram(**SMALL | change)


@pytest.mark.parametrize(
    ("center", "shape"), [(True, (1, 128)), (False, (1, 255)), (True, (1, 500, 1))]
)
def test_bad_waveforms_are_refused(center, shape):
    with pytest.raises(ValueError, match="received .*1, "):
        LogMelSpectrogram(**SMALL, center=center)(np.zeros(shape, "float32"))
