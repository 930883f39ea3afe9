import keras
import numpy as np
import pytest
from keras import ops

from keras_amid.extractors import r2plus1d

RNG = np.random.default_rng(0)
CLIP = RNG.integers(0, 256, (2, 5, 18, 21, 3), dtype="uint8")


def features(model, clip):
    return ops.convert_to_numpy(model(clip, training=False))


def parameters(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


def test_number_of_parameters_of_torchvision():
    # torchvision's r2plus1d_18 has 31,505,325 parameters, 512 * 400 + 400 of them in its fc.
    assert parameters(r2plus1d(18).trainable_weights) == 31_505_325 - 205_200


def test_depth_34_is_that_of_the_public_weights():
    model = r2plus1d(34, width=0.125)
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


def torch_r2plus1d(model, depth, slope):
    """The same network in PyTorch, module names as torchvision's, weights of `model`."""
    torch = pytest.importorskip("torch")
    nn = torch.nn

    def kernel(name):
        return model.get_layer(name.replace(".", "_")).kernel.shape

    def conv(name, stride, padding):
        *size, inputs, outputs = kernel(name)
        return nn.Conv3d(inputs, outputs, tuple(size), stride, padding, bias=False)

    def conv2plus1d(name, stride):
        first = conv(f"{name}.0", (1, stride, stride), (0, 1, 1))
        second = conv(f"{name}.3", (stride, 1, 1), (1, 0, 0))
        middle = nn.BatchNorm3d(first.out_channels)
        return nn.Sequential(first, middle, nn.LeakyReLU(slope), second)

    class BasicBlock(nn.Module):
        def __init__(self, name, filters, stride, downsample):
            super().__init__()
            self.conv1 = nn.Sequential(
                conv2plus1d(f"{name}.conv1.0", stride), nn.BatchNorm3d(filters), nn.LeakyReLU(slope)
            )
            self.conv2 = nn.Sequential(conv2plus1d(f"{name}.conv2.0", 1), nn.BatchNorm3d(filters))
            self.downsample = nn.Identity()
            if downsample:
                self.downsample = nn.Sequential(
                    conv(f"{name}.downsample.0", (stride,) * 3, 0), nn.BatchNorm3d(filters)
                )

        def forward(self, x):
            y = self.conv2(self.conv1(x))
            return nn.functional.leaky_relu(y + self.downsample(x), slope)

    stem = [conv("stem.0", (1, 2, 2), (0, 3, 3)), conv("stem.3", 1, (1, 0, 0))]
    net = nn.Sequential()
    net.stem = nn.Sequential(
        stem[0], nn.BatchNorm3d(stem[0].out_channels), nn.LeakyReLU(slope),
        stem[1], nn.BatchNorm3d(stem[1].out_channels), nn.LeakyReLU(slope),
    )  # fmt: skip
    for stage in range(1, 5):
        blocks = nn.Sequential()
        for block in range({10: 1, 18: 2}[depth]):
            name = f"layer{stage}.{block}"
            change = stage > 1 and block == 0
            filters = kernel(f"{name}.conv1.0.3")[-1]
            blocks.append(BasicBlock(name, filters, 2 if change else 1, change))
        setattr(net, f"layer{stage}", blocks)
    net.load_state_dict(state_dict(model, net.state_dict()))
    return net.eval()


def state_dict(model, wanted):
    """Weights of `model` under PyTorch's names; every name that PyTorch wants must be there."""
    torch = pytest.importorskip("torch")
    state = {}
    for key in wanted:
        name, attribute = key.rsplit(".", 1)
        layer = model.get_layer(name.replace(".", "_"))
        if attribute == "num_batches_tracked":
            state[key] = wanted[key]
        elif hasattr(layer, "kernel"):
            kernel = ops.convert_to_numpy(layer.kernel).transpose(4, 3, 0, 1, 2)
            state[key] = torch.tensor(kernel)
        else:
            ours = {
                "weight": layer.gamma,
                "bias": layer.beta,
                "running_mean": layer.moving_mean,
                "running_var": layer.moving_variance,
            }[attribute]
            state[key] = torch.tensor(ops.convert_to_numpy(ours))
    return state


@pytest.mark.parametrize(("depth", "slope"), [(10, 0.2), (18, 0.01), (18, 0.0)])
def test_features_are_those_of_pytorch(depth, slope):
    torch = pytest.importorskip("torch")
    model = r2plus1d(depth, width=0.125, negative_slope=slope)
    for weight in model.weights:
        if "kernel" not in weight.path:  # statistics and scales away from their neutral start
            weight.assign(RNG.uniform(0.5, 1.5, weight.shape))
    net = torch_r2plus1d(model, depth, slope)
    clip = (CLIP / 255 - (0.43216, 0.394666, 0.37645)) / (0.22803, 0.22145, 0.216989)
    x = torch.tensor(clip.transpose(0, 4, 1, 2, 3), dtype=torch.float32)
    with torch.no_grad():
        expected = net(x).mean((2, 3, 4)).numpy()
    np.testing.assert_allclose(features(model, CLIP), expected, rtol=1e-4, atol=1e-4)


def test_any_length_and_size():
    model = r2plus1d(10, width=0.125)
    assert model.input.dtype == "uint8"
    assert model.output.shape == (None, 64)
    for extent in [(1, 8, 8), (8, 16, 24)]:
        assert features(model, np.zeros((2, *extent, 3), "uint8")).shape == (2, 64)


def test_float_clips_are_on_the_unit_scale():
    levels = r2plus1d(10, width=0.125)
    unit = r2plus1d(10, width=0.125, input_dtype="float32")
    unit.set_weights(levels.get_weights())
    expected = features(levels, CLIP)
    np.testing.assert_allclose(features(unit, CLIP / np.float32(255)), expected, atol=1e-4)


def test_one_channel_with_its_own_statistics():
    model = r2plus1d(10, width=0.125, input_shape=(4, 8, 8, 1), mean=0.5, standard_deviation=0.25)
    probe = keras.Model(model.input, model.get_layer("normalize").output)
    clip = np.array([0, 255], "uint8").reshape(2, 1, 1, 1, 1) * np.ones((4, 8, 8, 1), "uint8")
    normalized = ops.convert_to_numpy(probe(clip))
    np.testing.assert_allclose(normalized[:, 0, 0, 0, 0], [-2.0, 2.0], atol=1e-6)


def test_training_step_reaches_every_weight():
    model = r2plus1d(10, width=0.125)
    classifier = keras.Sequential([model, keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classifier.compile(keras.optimizers.SGD(0.1), loss)
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
        r2plus1d(**arguments)
