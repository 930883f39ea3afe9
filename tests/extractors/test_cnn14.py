import keras
import numpy as np
import pytest
import tiny
import torch
from keras import ops
from torch_cnn14 import Cnn14
from torch_r2plus1d import shaken

from keras_amid.extractors import CNN14

RNG = np.random.default_rng(0)
WIDTH = 1 / 32
TIME = np.arange(16000) / 32000
# With a little noise: where a mel bin holds nothing, its decibels are those of rounding errors.
WAVES = np.stack([
    0.5 * np.sin(2 * np.pi * 440 * TIME),
    RNG.uniform(-0.5, 0.5, 16000),
    np.where(TIME < 0.2, 0.9 * np.sin(2 * np.pi * 3000 * TIME**2), 0),
]).astype("float32") + RNG.normal(0, 1e-3, (3, 16000)).astype("float32")  # fmt: skip


def features(model, waves):
    return model.predict_on_batch(waves)


def pytorch(sample_rate=32000, size=24, slope=0.0):
    torch.manual_seed(0)
    return shaken(Cnn14(sample_rate, WIDTH, size, slope))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("cnn14") / "Cnn14.pth"
    torch.save({"iteration": 600000, "model": pytorch().state_dict()}, path)
    return path


@pytest.fixture(scope="module")
def model():
    return CNN14(8, 16000, width=1 / 64)


def assert_equal_features(model, net):
    with torch.no_grad():
        expected = net(torch.tensor(WAVES)).numpy()
    assert np.abs(expected - expected[:1]).max(axis=1)[1:].min() > 0.05  # the sound matters
    np.testing.assert_allclose(features(model, WAVES), expected, rtol=1e-4, atol=1e-4)


def test_features_are_those_of_a_checkpoint_of_panns(checkpoint):
    assert_equal_features(CNN14.from_checkpoint(checkpoint, features=24, width=WIDTH), pytorch())


def test_features_of_the_16_khz_variant_with_a_slope(tmp_path):
    net = pytorch(16000, 8, slope=0.1)
    torch.save(net.state_dict(), tmp_path / "Cnn14_16k.pth")
    model = CNN14.from_checkpoint(
        tmp_path / "Cnn14_16k.pth", 0.1, features=8, sample_rate=16000, width=WIDTH
    )
    assert_equal_features(model, net)


@pytest.mark.any_backend
def test_checkpoints_of_another_network_are_refused(checkpoint):
    """Another front end, another number of features: each tensor is named."""
    with pytest.raises(ValueError, match=r"misshapen: spectrogram_extractor.*\(257, 1, 512\)"):
        CNN14.from_checkpoint(checkpoint, features=24, width=WIDTH, sample_rate=16000)
    with pytest.raises(ValueError, match=r"misshapen: fc1.weight is \(24, 64\).*\(64, 25\)"):
        CNN14.from_checkpoint(checkpoint, features=25, width=WIDTH)


@pytest.mark.any_backend
def test_a_front_end_of_the_same_shape_but_other_filters_is_refused(tmp_path, checkpoint):
    state = torch.load(checkpoint, weights_only=True)["model"]
    window = "spectrogram_extractor.stft.conv_imag.weight"
    bank = "logmel_extractor.melW"
    torch.save(state | {bank: state[bank].roll(1, 0), window: -state[window]}, tmp_path / "a.pth")
    with pytest.raises(ValueError, match=rf"(?s)another constant: {window}.*constant: {bank}"):
        CNN14.from_checkpoint(tmp_path / "a.pth", features=24, width=WIDTH)


@pytest.mark.any_backend
def test_the_yardstick_has_the_number_of_parameters_of_panns():
    """80,753,615 at full width with the classifier (Table V of the paper)."""
    with torch.device("meta"):
        net = Cnn14()
    trained = [p for name, p in net.named_parameters() if "extractor" not in name]
    assert sum(p.numel() for p in trained) == 80_753_615


def test_a_short_sound_is_continued_with_silence(model):
    layer, least = model.get_layer("at_least"), 31 * 160
    for samples in (0, 1, least - 1, least, least + 1):
        out = ops.convert_to_numpy(layer(WAVES[:, :samples]))
        expected = np.pad(WAVES[:, :samples], ((0, 0), (0, max(0, least - samples))))
        np.testing.assert_array_equal(out, expected)
        assert layer.compute_output_shape((3, samples)) == out.shape


@pytest.mark.parametrize("samples", [100, None])
def test_short_sounds_in_a_compiled_model(model, samples):
    short = CNN14(8, 16000, width=1 / 64, input_shape=(samples,))
    short.set_weights(model.get_weights())
    short.compile(jit_compile=keras.backend.backend() != "torch")
    out = short.predict(WAVES[:, :100], verbose=0)
    padded = np.pad(WAVES[:, :100], ((0, 0), (0, 31 * 160 - 100)))
    np.testing.assert_allclose(out, features(model, padded), atol=1e-5)
    assert np.ptp(out, axis=0).max() > 0


def test_training_drops_stripes_and_units_inference_does_not(model):
    same = CNN14(8, 16000, spec_augment=False, conv_dropout=0, dropout=0, width=1 / 64)
    same.set_weights(model.get_weights())
    np.testing.assert_allclose(features(model, WAVES), features(same, WAVES), atol=1e-6)
    for layer in ("spec_augmenter", "conv_block6_dropout", "dropout"):
        part = model.get_layer(layer)
        ones = np.ones((4, *[n or 80 for n in part.input.shape[1:]]), "float32")
        kept = ops.convert_to_numpy(part(ones, training=True))
        assert 0.1 < np.mean(kept == 0) < 0.9, layer
    assert model.get_layer("conv_block3_dropout").rate == 0.2
    assert model.get_layer("dropout").rate == 0.5
    assert [layer.name for layer in same.layers if "augment" in layer.name] == []


def test_training_step_reaches_every_weight(model):
    copy = CNN14.from_config(model.get_config())
    copy.compile(keras.optimizers.SGD(0.1), "mse", **tiny.FEW_STEPS)
    before = copy.get_weights()
    copy.fit(WAVES, RNG.normal(size=(3, 8)), epochs=2, verbose=0)
    for weight, old in zip(copy.weights, before, strict=True):
        new = ops.convert_to_numpy(weight)
        assert np.isfinite(new).all() and not np.array_equal(new, old), weight.path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"features": 0}, "`features`.*0"),
        ({"sample_rate": 44100}, r"`sample_rate`.*32000, 16000.*44100"),
        ({"width": -1}, "`width`.*-1"),
        ({"input_shape": (None, 1)}, r"`input_shape`.*\(None, 1\)"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        CNN14(**arguments)
