"""R(2+1)D video networks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from keras_amid.extractors.checkpoints.assigning import (
    assign_tensors,
    batch_norm_targets,
    read_checkpoint,
)
from keras_amid.extractors.layers.batch_normalization import BatchNormalization
from keras_amid.extractors.layers.factored_conv3d import FactoredConv3D
from keras_amid.validation.arguments import check_number

KINETICS_MEAN = (0.43216, 0.394666, 0.37645)
KINETICS_STANDARD_DEVIATION = (0.22803, 0.22145, 0.216989)

_BLOCKS = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
_STAGE_FILTERS = (64, 128, 256, 512)
_STEM_FILTERS = (45, 64)


@keras.saving.register_keras_serializable(package="keras_amid")
class R2Plus1D(keras.Model):
    """R(2+1)D without its classifier: clips of any length and size -> features.

    Tran et al., "A Closer Look at Spatiotemporal Convolutions for Action Recognition"
    (CVPR 2018), in the layout of torchvision's `r2plus1d_18` with Leaky ReLU in place of ReLU.
    A layer is named after torchvision's module with "_" for ".": `layer1.0.conv1.0.0` is
    `layer1_0_conv1_0_0`. Depth 34, which torchvision lacks, is that of the public weights
    (VMZ, pre-trained on IG-65M): the second pair of a stage's first block has the size that
    its own channels give, and the epsilon of batch normalization is 1e-3.

    A functional model: (batch, frames, height, width, channels) -> (batch, round(512 * width)).

    Args:
        depth: 18 or 34; 10 is the shorter network, one block a stage, that CCL's code
            (Chen et al., CVPR 2021) calls R(2+1)D-18.
        width: positive float, multiplies every number of filters.
        negative_slope: float, slope of Leaky ReLU below 0; 0 gives ReLU.
        input_shape: (frames, height, width, channels); all but channels may be None.
        input_dtype: "uint8": levels from 0 to 255; a float type: values from 0 to 1.
        mean: float or one float a channel, subtracted from values in [0, 1]. Default: that of
            Kinetics-400, per channel for RGB, averaged over the channels otherwise.
        standard_deviation: likewise, divides the result.
        name: str, name of the model.
        dtype: dtype policy of every layer; None: the global one.
        trainable: bool, as of `keras.Model`.

    Raises:
        ValueError: `depth`, `width` or the rank of `input_shape` is not one of the above.
    """

    def __init__(
        self,
        depth: int = 18,
        width: float = 1.0,
        negative_slope: float = 0.01,
        input_shape: Sequence = (None, None, None, 3),
        input_dtype: str = "uint8",
        mean: Any = None,
        standard_deviation: Any = None,
        name: str = "r2plus1d",
        dtype: Any = None,
        trainable: bool = True,
    ):
        _check(depth, width, input_shape)
        policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
        net = _Builder(width, negative_slope, depth == 34, policy)
        clip = keras.Input(input_shape, dtype=input_dtype, name="clip")
        features = net.features(_normalize(clip, mean, standard_deviation, policy), _BLOCKS[depth])
        super().__init__(clip, features, name=name, trainable=trainable)
        self.dtype_policy = policy
        self.depth = depth
        self.width = width
        self.negative_slope = negative_slope
        self.mean = mean
        self.standard_deviation = standard_deviation

    @classmethod
    def from_checkpoint(
        cls, path: str | os.PathLike, negative_slope: float = 0.0, **kwargs
    ) -> keras.Model:
        """The network with the weights of a PyTorch state dict.

        Args:
            path: `.pth` or `.safetensors` file in torchvision's layout: its `r2plus1d_18`, or for
                `depth=34` the public IG-65M weights. The classifier `fc` is left out.
            negative_slope: float; the public weights were trained with ReLU, 0.
            **kwargs: the other arguments of the class.

        Returns:
            An `R2Plus1D`.

        Raises:
            ValueError: the file cannot be read (`read_checkpoint`), or a tensor is missing, left
                over or of another shape; the message names it.
        """
        tensors = read_checkpoint(path)
        model = cls(negative_slope=negative_slope, **kwargs)
        targets = {}
        for layer in model.layers:
            name = layer.name.replace("_", ".")
            if isinstance(layer, FactoredConv3D):
                targets[f"{name}.weight"] = (layer.kernel, _kernel_from_torch)
            elif isinstance(layer, BatchNormalization):
                targets |= batch_norm_targets(name, layer)
        assign_tensors(tensors, targets, unused=(r"fc\..*", r".*\.num_batches_tracked"), path=path)
        return model

    def get_config(self) -> dict:
        return {
            "depth": self.depth,
            "width": self.width,
            "negative_slope": self.negative_slope,
            "input_shape": tuple(self.input.shape[1:]),
            "input_dtype": self.input.dtype,
            "mean": self.mean,
            "standard_deviation": self.standard_deviation,
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "trainable": self.trainable,
        }


def _check(depth, width, input_shape):
    if depth not in _BLOCKS:
        raise ValueError(f"`depth` must be one of {sorted(_BLOCKS)}; received depth={depth}.")
    check_number("width", width, above=0)
    if len(input_shape) != 4 or input_shape[-1] is None:
        raise ValueError(
            "`input_shape` must be (frames, height, width, channels) with known channels; "
            f"received input_shape={input_shape}."
        )


def _kernel_from_torch(kernel):
    """(outputs, inputs, frames, height, width) -> (frames, height, width, inputs, outputs)."""
    return kernel.transpose(2, 3, 4, 1, 0)


def _normalize(clip, mean, standard_deviation, dtype):
    channels = clip.shape[-1]
    unit = 255.0 if clip.dtype == "uint8" else 1.0
    mean = _per_channel(mean, KINETICS_MEAN, channels, "mean")
    deviation = _per_channel(
        standard_deviation, KINETICS_STANDARD_DEVIATION, channels, "standard_deviation"
    )
    return layers.Rescaling(
        # Tuples: PyTorch's compiler does not take the lists in which Keras wraps lists.
        scale=tuple(1 / (unit * d) for d in deviation),
        offset=tuple(-m / d for m, d in zip(mean, deviation, strict=True)),
        dtype=dtype,
        name="normalize",
    )(clip)


def _per_channel(value, default, channels, argument):
    if value is None:
        value = default if channels == len(default) else sum(default) / len(default)
    values = [value] * channels if isinstance(value, int | float) else list(value)
    if len(values) != channels:
        raise ValueError(
            f"`{argument}` must be a float or one float for each of the {channels} channels; "
            f"received {argument}={value}."
        )
    return values


class _Builder:
    """The network's parts, as functions of symbolic tensors."""

    def __init__(self, width, negative_slope, vmz, dtype):
        self.width = width
        self.negative_slope = negative_slope
        self.vmz = vmz
        self.dtype = dtype

    def features(self, x, blocks):
        x = self.stem(x)
        for stage, filters in enumerate(_STAGE_FILTERS, start=1):
            for block in range(blocks[stage - 1]):
                stride = 2 if stage > 1 and block == 0 else 1
                x = self.residual_block(x, filters, stride, f"layer{stage}_{block}")
        return layers.GlobalAveragePooling3D(
            data_format="channels_last", dtype=self.dtype, name="avgpool"
        )(x)

    def filters(self, filters):
        return max(1, round(filters * self.width))

    def convolution(self, x, filters, kernel_size, strides, name):
        # torchvision's start: Kaiming normal over the outputs, with the gain of the slope.
        gain = 2.0 / (1.0 + self.negative_slope**2)
        initializer = keras.initializers.VarianceScaling(gain, "fan_out", "untruncated_normal")
        return FactoredConv3D(
            filters, kernel_size, strides, initializer, dtype=self.dtype, name=name
        )(x)

    def batch_norm(self, x, name):
        epsilon = 1e-3 if self.vmz else 1e-5
        return BatchNormalization(momentum=0.9, epsilon=epsilon, dtype=self.dtype, name=name)(x)

    def activation(self, x, name):
        return layers.LeakyReLU(self.negative_slope, dtype=self.dtype, name=name)(x)

    def stem(self, x):
        middle, filters = map(self.filters, _STEM_FILTERS)
        x = self.convolution(x, middle, (1, 7, 7), (1, 2, 2), "stem_0")
        x = self.activation(self.batch_norm(x, "stem_1"), "stem_2")
        x = self.convolution(x, filters, (3, 1, 1), (1, 1, 1), "stem_3")
        return self.activation(self.batch_norm(x, "stem_4"), "stem_5")

    def conv2plus1d(self, x, middle, filters, stride, name):
        x = self.convolution(x, middle, (1, 3, 3), (1, stride, stride), f"{name}_0")
        x = self.activation(self.batch_norm(x, f"{name}_1"), f"{name}_2")
        return self.convolution(x, filters, (3, 1, 1), (stride, 1, 1), f"{name}_3")

    def residual_block(self, x, filters, stride, name):
        inputs, filters = x.shape[-1], self.filters(filters)
        middle = _middle_filters(inputs, filters)
        y = self.conv2plus1d(x, middle, filters, stride, f"{name}_conv1_0")
        y = self.activation(self.batch_norm(y, f"{name}_conv1_1"), f"{name}_conv1_2")
        if self.vmz:
            middle = _middle_filters(filters, filters)
        y = self.conv2plus1d(y, middle, filters, 1, f"{name}_conv2_0")
        y = self.batch_norm(y, f"{name}_conv2_1")
        if stride != 1 or inputs != filters:
            x = self.convolution(x, filters, (1, 1, 1), (stride,) * 3, f"{name}_downsample_0")
            x = self.batch_norm(x, f"{name}_downsample_1")
        x = layers.Add(dtype=self.dtype, name=f"{name}_add")([x, y])
        return self.activation(x, f"{name}_relu")


def _middle_filters(inputs, filters):
    """Gives a pair as many weights as the 3 x 3 x 3 convolution that it replaces."""
    return (inputs * filters * 3 * 3 * 3) // (inputs * 3 * 3 + 3 * filters)
