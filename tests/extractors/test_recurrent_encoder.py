"""The recurrent encoder: padding, and PyTorch's recurrences on random weights."""

import keras
import numpy as np
import pytest
import torch
from keras import layers

from keras_amid.extractors import RecurrentEncoder

RNG = np.random.default_rng(0)
FRAMES = RNG.normal(size=(3, 6, 4)).astype("float32")
# Frames that are padding: none, at the end, at the start and in between, all.
PADDING = np.array([[0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1], [1, 0, 1, 0, 0, 0], [1] * 6], "bool")
PADDED = np.where(PADDING[..., None], 0, 3 * RNG.normal(size=(4, 6, 4))).astype("float32")


@pytest.mark.parametrize("cell, pooling", [("lstm", "max"), ("gru", "last")])
def test_padding_does_not_change_the_result(cell, pooling):
    encoder = RecurrentEncoder(4, 5, cell, num_layers=2, pooling=pooling)
    # predict compiles; a plain call does not
    encoder.compile(jit_compile=keras.backend.backend() != "torch")
    got = encoder.predict_on_batch(PADDED)
    without = PADDED[1:3][~PADDING[1:3]].reshape(2, 4, 4)
    alone = keras.ops.convert_to_numpy(encoder(without, training=False))
    np.testing.assert_allclose(got[1:3], alone, atol=1e-6)
    np.testing.assert_array_equal(got[3], 0)
    assert got[:3].std() > 0.02


def test_the_convention_is_that_of_keras_masking():
    encoder = RecurrentEncoder(4, 5, pooling="last")
    # Keras's own mask, step by step: its cuDNN kernels would refuse this one
    masked = keras.Sequential(
        [keras.Input((6, 4)), layers.Masking(), layers.LSTM(5, use_cudnn=False)]
    )
    masked.set_weights(encoder.get_weights())
    expected = masked.predict_on_batch(PADDED)
    np.testing.assert_allclose(encoder.predict_on_batch(PADDED), expected, atol=1e-6)


def test_training_with_a_sample_of_padding_alone_is_finite():
    encoder = RecurrentEncoder(4, 5)
    before = encoder.get_weights()
    encoder.compile("sgd", "mse", jit_compile=False)
    assert np.isfinite(encoder.train_on_batch(PADDED, np.ones((4, 5))))
    for old, new in zip(before, encoder.get_weights(), strict=True):
        assert np.isfinite(new).all() and (old != new).any()


@pytest.mark.parametrize("cell, original", [("lstm", torch.nn.LSTM), ("gru", torch.nn.GRU)])
def test_features_equal_pytorchs(cell, original, tmp_path):
    torch.manual_seed(0)
    theirs = original(4, 5, num_layers=2, batch_first=True)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.mul_(3)
        out = theirs(torch.tensor(FRAMES))[0].numpy()
    bare, prefixed = tmp_path / "bare.pth", tmp_path / "prefixed.pth"
    torch.save(theirs.state_dict(), bare)
    state = {f"rnn.{name}": tensor for name, tensor in theirs.state_dict().items()}
    torch.save(state | {"head.weight": torch.zeros(2)}, prefixed)
    sizes = {"input_dim": 4, "units": 5, "cell": cell, "num_layers": 2}
    for path, pooling, expected in (
        (bare, "last", out[:, -1]),
        (prefixed, "max", out.max(1)),
    ):
        prefix = "rnn." if path is prefixed else ""
        ours = RecurrentEncoder.from_checkpoint(path, prefix, pooling=pooling, **sizes)
        np.testing.assert_allclose(ours.predict_on_batch(FRAMES), expected, atol=1e-5)


@pytest.mark.any_backend
def test_checkpoints_that_do_not_fit(tmp_path):
    state = torch.nn.LSTM(4, 5, bidirectional=True).state_dict()
    del state["bias_hh_l0"]
    torch.save(state, tmp_path / "both.pth")
    with pytest.raises(ValueError) as error:
        RecurrentEncoder.from_checkpoint(tmp_path / "both.pth", input_dim=4, units=5)
    message = str(error.value)
    assert "missing: bias_l0" in message and "bias_ih_l0" in message
    assert "weight_hh_l0_reverse" in message


def test_saved_under_another_policy_and_in_half_precision(tmp_path):
    full = RecurrentEncoder(4, 5, "gru")
    half = RecurrentEncoder(4, 5, "gru", dtype="mixed_float16")
    half.set_weights(full.get_weights())
    half.trainable = False
    half.save(tmp_path / "half.keras")
    loaded = keras.models.load_model(tmp_path / "half.keras")
    assert loaded.get_config() == half.get_config() and not loaded.trainable_weights
    for got, want in zip(loaded.get_weights(), full.get_weights(), strict=True):
        np.testing.assert_array_equal(got, want)
    got = loaded.predict_on_batch(PADDED)
    assert got.dtype == "float16"
    np.testing.assert_allclose(got.astype("float32"), full.predict_on_batch(PADDED), atol=5e-3)


@pytest.mark.any_backend
@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"cell": "rnn"}, "`cell` must be one of .*'rnn'"),
        ({"pooling": "mean"}, "`pooling` must be one of .*'mean'"),
        ({"num_layers": 0}, "`num_layers` must be at least 1.*=0"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        RecurrentEncoder(4, **arguments)
