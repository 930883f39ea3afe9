"""DenseNet against torchvision's layout and keras-hub's backbone, on random weights."""

import keras
import numpy as np
import pytest
import torch
from torch_densenet import TorchDenseNet

from keras_amid.extractors import DenseNet

BLOCKS, GROWTH = (2, 1, 2), 4
RNG = np.random.default_rng(0)
CLIPS = RNG.integers(0, 256, (2, 3, 34, 48, 3), dtype="uint8")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """(torchvision's network with random weights and statistics, its file)."""
    torch.manual_seed(0)
    model = TorchDenseNet(BLOCKS, GROWTH).eval()
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(1e-6, 0.5)  # where an epsilon shows, and where it does not
            elif "norm" in name and tensor.is_floating_point():
                tensor.add_(0.3 * torch.randn_like(tensor))
    path = tmp_path_factory.mktemp("dense_net") / "densenet.pth"
    torch.save(model.state_dict(), path)
    return model, path


def expected_of(model, clips):
    images = torch.tensor(clips.reshape(-1, *clips.shape[2:])).permute(0, 3, 1, 2)
    with torch.no_grad():
        return model(images).numpy().reshape(*clips.shape[:2], -1)


def load(path, **arguments):
    return DenseNet.from_checkpoint(path, blocks=BLOCKS, growth_rate=GROWTH, **arguments)


def test_features_equal_torchvisions(original):
    model, path = original
    framewise = load(path, pooling=None)
    for clips in (CLIPS, CLIPS[:1, :2, :33, :47]):  # even sizes, odd sizes
        expected = expected_of(model, clips)
        got = framewise.predict_on_batch(clips)
        assert got.shape == expected.shape == (*clips.shape[:2], 28) and expected.std() > 0.1
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)
    pooled = load(path).predict_on_batch(CLIPS)
    expected = expected_of(model, CLIPS).mean(1)
    np.testing.assert_allclose(pooled, expected, rtol=1e-4, atol=1e-4)
    other = load(path, padding="same").predict_on_batch(CLIPS)
    assert np.abs(other - expected).max() > 0.01, "Keras's padding does make a difference"


@pytest.mark.any_backend
def test_names_of_the_published_files(original, tmp_path):
    model, path = original
    old = {
        name.replace("norm1.", "norm.1.").replace("norm2.", "norm.2.").replace("conv1.", "conv.1.")
        .replace("conv2.", "conv.2.") if "denselayer" in name else name: tensor
        for name, tensor in model.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }  # fmt: skip
    assert "features.denseblock1.denselayer2.norm.1.weight" in old
    torch.save(old, tmp_path / "old.pth")
    for got, want in zip(
        load(tmp_path / "old.pth").get_weights(), load(path).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(got, want)
    old["features.norm9.weight"] = old.pop("features.transition1.conv.weight")
    torch.save(old, tmp_path / "wrong.pth")
    with pytest.raises(ValueError, match="2 problems") as error:
        load(tmp_path / "wrong.pth")
    assert "missing: features.transition1.conv.weight" in str(error.value)
    assert "features.norm9.weight" in str(error.value)


@pytest.mark.any_backend
def test_a_preset_from_a_folder(tmp_path):
    keras_hub = pytest.importorskip("keras_hub")

    backbone = keras_hub.models.DenseNetBackbone(list(BLOCKS), growth_rate=GROWTH)
    for variable in backbone.weights:
        variable.assign(variable + 0.1 * keras.random.uniform(variable.shape))
    backbone.save_to_preset(str(tmp_path))
    ours = DenseNet.from_preset(str(tmp_path), pooling=None)
    mean, deviation = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    images = ((CLIPS[0] / 255 - mean) / deviation).astype("float32")
    expected = backbone.predict_on_batch(images).mean((1, 2))
    np.testing.assert_allclose(ours.predict_on_batch(CLIPS[:1])[0], expected, rtol=1e-4, atol=1e-5)


def test_saved_under_another_policy_and_in_half_precision(original, tmp_path):
    _, path = original
    half = load(path, dtype="mixed_float16")
    half.trainable = False
    half.save(tmp_path / "half.keras")
    loaded = keras.models.load_model(tmp_path / "half.keras")
    got = loaded.predict_on_batch(CLIPS)
    assert got.dtype == "float16" and not loaded.trainable_weights
    np.testing.assert_array_equal(got, half.predict_on_batch(CLIPS))
    expected = load(path).predict_on_batch(CLIPS)
    np.testing.assert_allclose(got.astype("float32"), expected, atol=0.02 * np.abs(expected).max())


@pytest.mark.any_backend
def test_densenet_121_has_as_many_weights_as_torchvisions():
    # 7,978,856 parameters with the classifier of 1000 classes, says torchvision
    model = DenseNet()
    assert model.output.shape == (None, 1024)
    trainable = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert trainable == 7_978_856 - 1024 * 1000 - 1000


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"pooling": "max"}, "`pooling` must be .*'max'"),
        ({"padding": "valid"}, "`padding` must be one of .*'valid'"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        DenseNet(**arguments)
