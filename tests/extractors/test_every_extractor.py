"""What each extractor must do inside a model that owns several of them."""

import keras
import numpy as np
import pytest

from keras_amid import extractors

RNG = np.random.default_rng(0)
CLIPS = RNG.integers(0, 256, (3, 8, 64, 64, 1), dtype="uint8")
SOUNDS = RNG.uniform(-1, 1, (3, 8000)).astype("float32")
TEXTS = np.array([[3, 4, 5], [3, 0, 0], [0, 0, 0]], "int32")

CASES = {
    "clip_mlp": (lambda: extractors.clip_mlp(), CLIPS, 48),
    "mlp": (lambda: extractors.mlp(8000, (6, 5)), SOUNDS, 5),
    "cnn14": (
        lambda: extractors.CNN14(12, 16000, width=1 / 64, input_shape=(8000,)),
        SOUNDS,
        12,
    ),
    "r2plus1d": (
        lambda: extractors.R2Plus1D(
            10, 0.125, input_shape=(None, None, None, 1), mean=0.5, standard_deviation=0.1
        ),
        CLIPS[:, :4, :16, :16],
        64,
    ),
    "sound_mlp": (lambda: extractors.sound_mlp(), SOUNDS, 32),
    "text_mlp": (lambda: extractors.text_mlp(6, 3), TEXTS, 48),
}


@pytest.fixture(params=list(CASES))
def case(request):
    return CASES[request.param]


def features(model, x):
    return model.predict_on_batch(x)


def test_a_plain_model_from_raw_input_to_features(case):
    build, x, size = case
    model = build()
    assert isinstance(model, keras.Model) and model.built
    assert model.output.shape == (None, size)
    assert keras.backend.standardize_dtype(model.input.dtype) == str(x.dtype)
    for batch in (3, 1):
        out = features(model, x[:batch])
        assert out.shape == (batch, size) and out.dtype == "float32"
        assert np.isfinite(out).all() and out.std() > 0
    assert len({weight.path for weight in model.weights}) == len(model.weights)


def test_saved_alone_and_inside_another_model(case, tmp_path):
    build, x, _ = case
    model = build()
    outer_input = keras.Input(model.input_shape[1:], dtype=model.input.dtype)
    outer = keras.Model(outer_input, keras.layers.Dense(2)(model(outer_input)))
    for index, one in enumerate([model, outer]):
        path = tmp_path / f"{index}.keras"
        one.save(path)
        loaded = keras.models.load_model(path)
        np.testing.assert_allclose(features(loaded, x), features(one, x), atol=1e-6)


def test_a_clone_from_its_config_has_the_same_weights(case):
    build, x, _ = case
    model = build()
    clone = type(model).from_config(model.get_config())
    clone.set_weights(model.get_weights())
    np.testing.assert_allclose(features(clone, x), features(model, x), atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_is_close_to_float32(case, policy):
    build, x, _ = case
    full = build()
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        half = build()
    finally:
        keras.config.set_dtype_policy(before)
    half.set_weights(full.get_weights())
    out = half.predict_on_batch(x)
    assert half.output.dtype == out.dtype == policy.removeprefix("mixed_")
    expected = features(full, x)
    error = out.astype("float32") - expected
    assert np.isfinite(error).all()
    assert np.abs(error).max() < (0.01 if "bfloat" not in policy else 0.08) * np.abs(expected).max()
