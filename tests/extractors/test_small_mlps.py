import keras
import numpy as np
import pytest
from keras import ops

from keras_amid.extractors import adapt_standardization, clip_mlp, mlp, sound_mlp, text_mlp

RNG = np.random.default_rng(0)


def upstream(model, layer_name, x):
    layer = model.get_layer(layer_name)
    return ops.convert_to_numpy(keras.Model(model.input, layer.output)(x))


def test_layers_of_a_perceptron():
    model = mlp(4, (3, 2), negative_slope=0.2)
    x = RNG.normal(size=(5, 4)).astype("float32")
    expected = x
    for kernel, bias in zip(*[iter(model.get_weights())] * 2, strict=True):
        expected = expected @ kernel + bias
        expected = np.where(expected > 0, expected, 0.2 * expected)
    np.testing.assert_allclose(ops.convert_to_numpy(model(x)), expected, atol=1e-5)


def test_cells_of_a_clip_are_its_values():
    """A clip drawn from 4 x 8 x 8 x 2 values gives them back, in that order."""
    values = RNG.integers(-3, 4, (2, 4, 8, 8, 2))
    gray = 128 + 9 * values
    clip = gray.repeat(3, 1).repeat(2, 2).repeat(4, 3)  # 12 frames of 16 x 32
    noise = np.tile([-5, 5], 16).reshape(32, 1)  # averages out within a cell
    model = clip_mlp(input_shape=(12, 16, 32, 2), cells=(4, 8, 8))
    cells = upstream(model, "cells", (clip + noise).astype("uint8"))
    np.testing.assert_allclose(cells, values.reshape(2, -1), atol=1e-5)


def test_cells_must_divide_the_clip():
    with pytest.raises(ValueError, match=r"`cells`.*\(3, 8, 8\).*\(8, 64, 64, 1\)"):
        clip_mlp(cells=(3, 8, 8))


def test_recipe_extractors_have_the_sizes_of_the_reference():
    assert [w.shape for w in clip_mlp().weights] == [(256, 96), (96,), (96, 48), (48,)]
    assert [w.shape for w in sound_mlp().trainable_weights] == [(128, 96), (96,), (96, 32), (32,)]


def chords(amplitudes):
    """32 sine tones, log-spaced from 200 Hz to 6 kHz, half a second at 16 kHz."""
    time = np.arange(8000) / 16000
    frequencies = np.geomspace(200, 6000, 32)[:, None]
    tones = np.sin(2 * np.pi * frequencies * time + np.arange(32)[:, None])
    noise = 1e-4 * RNG.normal(size=(len(amplitudes), 8000))
    return (0.01 * amplitudes @ tones + noise).astype("float32")


def test_spectrum_holds_the_amplitudes_of_a_chord_linearly():
    latents = np.tanh(RNG.normal(size=(500, 6)) @ RNG.normal(0, 6**-0.5, (6, 32)))
    log_amplitudes = latents @ RNG.normal(0, 32**-0.5, (32, 32)) + 0.1 * RNG.normal(size=(500, 32))
    waves = chords(10 ** (0.35 * log_amplitudes))
    model = sound_mlp()
    adapt_standardization(model, "spectrum", waves[:400])
    x = upstream(model, "spectrum", waves)
    np.testing.assert_allclose(x[:400].std(axis=0), 1, atol=1e-3)
    x = np.concatenate([x, np.ones((500, 1))], axis=1).astype("float64")
    ridge = x[:400].T @ x[:400] + np.eye(129)
    solution = np.linalg.solve(ridge, x[:400].T @ log_amplitudes[:400])
    residual = x[400:] @ solution - log_amplitudes[400:]
    assert 1 - residual.var() / log_amplitudes[400:].var() > 0.95


def test_sound_features_are_standardized_once_trained():
    waves = chords(10 ** (0.35 * RNG.normal(size=(60, 32))))
    model = sound_mlp(features=5)
    adapt_standardization(model, "spectrum", waves)
    adapt_standardization(model, "standardized", waves)
    out = ops.convert_to_numpy(model(waves))
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(out.std(axis=0), 1, atol=1e-3)


def test_padding_does_not_change_a_text():
    model = text_mlp(9)
    table = model.get_layer("embedding").get_weights()[0]
    short = ops.convert_to_numpy(model(np.array([[3, 5]], "int32")))
    long = ops.convert_to_numpy(model(np.array([[3, 0, 5, 0, 0], [0, 0, 0, 0, 0]], "int32")))
    np.testing.assert_allclose(long[:1], short, atol=1e-6)
    dense = model.get_layer("dense_0").get_weights()
    expected = (table[3] + table[5]) / 2 @ dense[0] + dense[1]
    np.testing.assert_allclose(
        short[0], np.where(expected > 0, expected, 0.2 * expected), atol=1e-5
    )
    np.testing.assert_allclose(
        long[1], 0, atol=1e-6
    )  # the mean of nothing is 0, and so is the bias
