import keras
import numpy as np
import pytest
import tiny
import torch
from keras import ops
from torch_r2plus1d import VideoResNet, shaken

from keras_amid.extractors import R2Plus1D

RNG = np.random.default_rng(0)
CLIP = RNG.integers(0, 256, (2, 5, 18, 21, 3), dtype="uint8")


def features(model, clip):
    return model.predict_on_batch(clip)


def parameters(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


@pytest.mark.any_backend
def test_number_of_parameters_of_torchvision():
    # torchvision's r2plus1d_18 has 31,505,325 parameters, 512 * 400 + 400 of them in its fc.
    assert parameters(R2Plus1D(18).trainable_weights) == 31_505_325 - 205_200
    with torch.device("meta"):
        assert parameters(VideoResNet(18).parameters()) == 31_505_325


@pytest.mark.any_backend
def test_depth_34_is_that_of_the_public_weights():
    model = R2Plus1D(34, width=0.125)
    names = [layer.name for layer in model.layers]
    blocks = [sum(f"layer{stage}_{block}_add" in names for block in range(9)) for stage in range(5)]
    assert blocks == [0, 3, 4, 6, 3]
    assert model.get_layer("stem_1").epsilon == 1e-3
    # At full width 64, 128, 256, 512 filters: 288, 576, 1152 between the second pair's two.
    for stage, filters in [(2, 16), (3, 32), (4, 64)]:
        first = model.get_layer(f"layer{stage}_0_conv1_0_0").kernel.shape
        second = model.get_layer(f"layer{stage}_0_conv2_0_0").kernel.shape
        assert first == (1, 3, 3, filters // 2, int(filters * 9 / 5))
        assert second == (1, 3, 3, filters, filters * 288 // 128)


@pytest.mark.parametrize(("depth", "arguments"), [(18, {"negative_slope": 0.2}), (34, {})])
def test_features_are_those_of_a_checkpoint_of_pytorch(tmp_path, depth, arguments):
    net = shaken(VideoResNet(depth, 0.0625, arguments.get("negative_slope", 0.0)))
    torch.save(net.state_dict(), tmp_path / "net.pth")
    path = tmp_path / "net.pth"
    model = R2Plus1D.from_checkpoint(path, depth=depth, width=0.0625, **arguments)
    clip = (CLIP / 255 - (0.43216, 0.394666, 0.37645)) / (0.22803, 0.22145, 0.216989)
    with torch.no_grad():
        x = torch.tensor(clip.transpose(0, 4, 1, 2, 3), dtype=torch.float32)
        expected = net(x).numpy()
    assert np.abs(expected[0] - expected[1]).max() > 0.1  # the clip matters
    np.testing.assert_allclose(features(model, CLIP), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.any_backend
def test_a_checkpoint_of_another_depth_or_width_is_refused(tmp_path):
    path = tmp_path / "net.pth"
    torch.save(VideoResNet(10, 0.0625).state_dict(), path)
    with pytest.raises(ValueError, match=r"missing: layer1\.1\.conv1\.0\.0\.weight\n"):
        R2Plus1D.from_checkpoint(path, depth=18, width=0.0625)
    with pytest.raises(ValueError, match=r"misshapen: stem\.0\.weight is \(3, 3, 1, 7, 7\)"):
        R2Plus1D.from_checkpoint(path, depth=10, width=0.125)


def test_saved_with_its_precision_statistics_and_whether_it_is_frozen(tmp_path):
    model = R2Plus1D(
        10, 0.0625, 0.1, (None, 8, 8, 3), "float32", (0.1, 0.2, 0.3), 0.5, "net", "mixed_bfloat16",
        trainable=False,
    )  # fmt: skip
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded) is R2Plus1D and loaded.name == "net"
    assert loaded.input.shape == (None, None, 8, 8, 3) and loaded.input.dtype == "float32"
    assert loaded.trainable_weights == []
    for layer in loaded.layers[1:]:
        assert layer.dtype_policy.name == "mixed_bfloat16", layer.name
    assert loaded.get_layer("stem_2").negative_slope == 0.1
    np.testing.assert_allclose(loaded.get_layer("normalize").offset, [-0.2, -0.4, -0.6])
    clip = RNG.uniform(size=(2, 3, 8, 8, 3)).astype("float32")
    np.testing.assert_array_equal(
        features(loaded, clip).astype("float32"), features(model, clip).astype("float32")
    )


def test_any_length_and_size():
    model = R2Plus1D(10, width=0.0625)
    assert model.input.dtype == "uint8"
    assert model.output.shape == (None, 32)
    for extent in [(1, 8, 8), (8, 16, 24)]:
        assert features(model, np.zeros((2, *extent, 3), "uint8")).shape == (2, 32)


def test_float_clips_are_on_the_unit_scale():
    levels = R2Plus1D(10, width=0.0625)
    unit = R2Plus1D(10, width=0.0625, input_dtype="float32")
    unit.set_weights(levels.get_weights())
    expected = features(levels, CLIP)
    np.testing.assert_allclose(features(unit, CLIP / np.float32(255)), expected, atol=1e-4)


def test_one_channel_with_its_own_statistics():
    model = R2Plus1D(10, width=0.0625, input_shape=(4, 8, 8, 1), mean=0.5, standard_deviation=0.25)
    probe = keras.Model(model.input, model.get_layer("normalize").output)
    clip = np.array([0, 255], "uint8").reshape(2, 1, 1, 1, 1) * np.ones((4, 8, 8, 1), "uint8")
    normalized = ops.convert_to_numpy(probe(clip))
    np.testing.assert_allclose(normalized[:, 0, 0, 0, 0], [-2.0, 2.0], atol=1e-6)


def test_training_step_reaches_every_weight():
    model = R2Plus1D(10, width=0.0625)
    classifier = keras.Sequential([model, keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classifier.compile(keras.optimizers.SGD(0.1), loss, **tiny.FEW_STEPS)
    before = model.get_weights()
    classifier.fit(CLIP, np.array([0, 1]), epochs=2, verbose=0)
    for weight, old in zip(model.weights, before, strict=True):
        new = ops.convert_to_numpy(weight)
        assert np.isfinite(new).all() and not np.array_equal(new, old), weight.path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 50}, "`depth`.*50"),
        ({"width": 0}, "`width`.*0"),
        ({"input_shape": (8, 8, 3)}, "`input_shape`.*8, 8, 3"),
        ({"input_shape": (8, 8, 8, None)}, "`input_shape`.*None"),
        ({"mean": (0.5, 0.5)}, "`mean`.*3 channels"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        R2Plus1D(**arguments)
