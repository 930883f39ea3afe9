"""DenseNet over the frames of a video, from keras-hub's backbone."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from keras_amid.extractors.checkpoints.assigning import (
    assign_tensors,
    batch_norm_targets,
    read_checkpoint,
)
from keras_amid.extractors.layers.policy_scope import policy_scope

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STANDARD_DEVIATION = (0.229, 0.224, 0.225)

_PADDINGS = ("symmetric", "same")


@keras.saving.register_keras_serializable(package="keras_amid")
class DenseNet(keras.Model):
    """DenseNet without its classifier: each frame of a video -> features.

    Huang et al., "Densely Connected Convolutional Networks" (CVPR 2017). The blocks are those of
    keras-hub's `DenseNetBackbone`, which is imported when the first one is built. Its first two
    strided layers are padded at the right and bottom alone where sizes are even, and its epsilon
    of batch normalization is 1.001e-5; with `padding="symmetric"` both are as in torchvision. Its
    activations are ReLU, as its public weights want it: AMID's paper has Leaky ReLU throughout.

    Inputs: uint8 (batch, frames, height, width, 3), levels of red, green, blue from 0 to 255, any
    number of frames, height and width from 32. They are brought to ImageNet's mean 0 and
    variance 1 first.

    Outputs: (batch, features), the mean over the frames, or (batch, frames, features) without
    pooling. Features: 1024 for DenseNet-121.

    Args:
        blocks: tuple of int, layers in each dense block. DenseNet-121: (6, 12, 24, 16);
            169: (6, 12, 32, 32); 201: (6, 12, 48, 32).
        growth_rate: int, channels that each layer adds.
        pooling: "mean" over the frames, or None.
        padding: "symmetric", torchvision's, or "same", Keras's, which keras-hub's presets were
            trained with.
        name: str, name of the model.
        dtype: precision policy of its layers; None: the global one.
        trainable: bool, whether the weights are trained.

    Raises:
        ImportError: keras-hub is not installed.
        ValueError: `pooling` or `padding` is not one of the above.
    """

    def __init__(
        self,
        blocks: Sequence = (6, 12, 24, 16),
        growth_rate: int = 32,
        pooling: str = "mean",
        padding: str = "symmetric",
        name: str = "dense_net",
        dtype: Any = None,
        trainable: bool = True,
    ):
        if pooling not in ("mean", None):
            raise ValueError(f'`pooling` must be "mean" or None; received pooling={pooling!r}')
        if padding not in _PADDINGS:
            raise ValueError(f"`padding` must be one of {_PADDINGS}; received padding={padding!r}.")
        clip = keras.Input((None, None, None, 3), dtype="uint8", name="clip")
        with policy_scope(dtype):
            x = _normalize(_FramesToBatch(name="frames_to_batch")(clip))
            x = _stem(x, padding)
            x = _trunk(blocks, growth_rate, padding)(x)
            x = layers.GlobalAveragePooling2D(name="avgpool")(x)
            x = _BatchToFrames(name="batch_to_frames")([x, clip])
            if pooling == "mean":
                x = layers.GlobalAveragePooling1D(name="mean")(x)
            super().__init__(inputs=clip, outputs=x, name=name, trainable=trainable)
        self.blocks = tuple(blocks)
        self.growth_rate = growth_rate
        self.pooling = pooling
        self.padding = padding

    def get_config(self) -> dict:
        return super().get_config() | {
            "blocks": self.blocks,
            "growth_rate": self.growth_rate,
            "pooling": self.pooling,
            "padding": self.padding,
        }

    @classmethod
    def from_checkpoint(cls, path: str | os.PathLike, **arguments) -> keras.Model:
        """Builds the network with the weights of torchvision's.

        Args:
            path: file of torchvision's `densenet121` and its like, with the names of the modules
                or the older ones of the published files (`norm.1` for `norm1`); the classifier is
                not used.
            **arguments: of the constructor.

        Returns:
            A `DenseNet`.

        Raises:
            ValueError: the file cannot be read (`read_checkpoint`), or a tensor is missing, left
                over or of another shape; the message names it.
        """
        model = cls(**arguments)
        tensors = {
            re.sub(r"\.(norm|conv)\.([12])\.", r".\1\2.", name): tensor
            for name, tensor in read_checkpoint(path).items()
        }
        targets = {}
        for layer in _weighted_layers(model):
            name = _torchvision_name(layer.name, len(model.blocks))
            if isinstance(layer, layers.BatchNormalization):
                targets |= batch_norm_targets(name, layer)
            else:
                targets[f"{name}.weight"] = (layer.kernel, _conv_kernel)
        assign_tensors(
            tensors, targets, unused=(r"classifier\..*", r".*\.num_batches_tracked"), path=path
        )
        return model

    @classmethod
    def from_preset(cls, preset: str, **arguments) -> keras.Model:
        """Builds the network with the sizes and weights of a keras-hub preset.

        Args:
            preset: str, a folder that `save_to_preset` of keras-hub wrote (works offline), or a
                name that keras-hub knows.
            **arguments: pooling, name, dtype or trainable.

        Returns:
            A `DenseNet` with `padding="same"`.

        Raises:
            ValueError: the preset is of a network with other channels (not three colours, or not
                halved between the blocks).
        """
        import keras_hub

        backbone = keras_hub.models.DenseNetBackbone.from_preset(preset)
        model = cls(
            tuple(backbone.stackwise_num_repeats),
            backbone.growth_rate,
            **({"padding": "same"} | arguments),
        )
        for layer in _weighted_layers(model):
            layer.set_weights(backbone.get_layer(layer.name).get_weights())
        return model


def _normalize(x):
    return layers.Rescaling(
        scale=[1 / (255 * deviation) for deviation in IMAGENET_STANDARD_DEVIATION],
        offset=[
            -mean / deviation
            for mean, deviation in zip(IMAGENET_MEAN, IMAGENET_STANDARD_DEVIATION, strict=True)
        ],
        name="normalize",
    )(x)


def _epsilon(padding):
    return 1e-5 if padding == "symmetric" else 1.001e-5


def _stem(x, padding):
    """What comes before the first block, with keras-hub's names."""
    symmetric = padding == "symmetric"
    padding_of_layer = "valid" if symmetric else "same"
    if symmetric:
        x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    x = layers.Conv2D(
        64, 7, strides=2, padding=padding_of_layer, use_bias=False, name="conv1_conv"
    )(x)
    x = layers.BatchNormalization(epsilon=_epsilon(padding), name="conv1_bn")(x)
    x = layers.ReLU(name="conv1_relu")(x)
    if symmetric:
        x = layers.ZeroPadding2D(1, name="pool1_pad")(x)  # zeros never are above ReLU's values
    return layers.MaxPooling2D(3, strides=2, padding=padding_of_layer, name="pool1")(x)


def _trunk(blocks, growth_rate, padding):
    """keras-hub's backbone without its stem, as a model of images (batch, height, width, 64)."""
    import keras_hub

    backbone = keras_hub.models.DenseNetBackbone(list(blocks), growth_rate=growth_rate)
    for layer in backbone.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.epsilon = _epsilon(padding)
    return keras.Model(backbone.get_layer("pool1").output, backbone.output, name="trunk")


def _weighted_layers(model):
    return [
        layer
        for layer in (*model.layers, *model.get_layer("trunk").layers)
        if isinstance(layer, layers.BatchNormalization | layers.Conv2D)
    ]


def _torchvision_name(name, blocks):
    """`stack2_block3_1_bn` -> `features.denseblock2.denselayer3.norm1`, and so on."""
    if name == "bn":
        return f"features.norm{blocks + 1}"
    kind = {"bn": "norm", "conv": "conv"}[name.rsplit("_", 1)[1]]
    if name.startswith("conv1_"):
        return f"features.{kind}0"
    numbers = re.findall(r"\d+", name)
    if name.startswith("transition"):
        return f"features.transition{numbers[0]}.{kind}"
    block, layer, part = numbers
    return f"features.denseblock{block}.denselayer{layer}.{kind}{part}"


def _conv_kernel(kernel):
    """(outputs, inputs, height, width) -> (height, width, inputs, outputs)."""
    return kernel.transpose(2, 3, 1, 0)


@keras.saving.register_keras_serializable(package="keras_amid")
class _FramesToBatch(keras.layers.Layer):
    """(batch, frames, height, width, channels) -> (batch * frames, height, width, channels)."""

    def call(self, clip):
        return ops.reshape(clip, (-1, *ops.shape(clip)[2:]))

    def compute_output_shape(self, input_shape):
        return (None, *input_shape[2:])


@keras.saving.register_keras_serializable(package="keras_amid")
class _BatchToFrames(keras.layers.Layer):
    """(batch * frames, features) and the clip -> (batch, frames, features)."""

    def call(self, inputs):
        features, clip = inputs
        return ops.reshape(features, (-1, ops.shape(clip)[1], features.shape[-1]))

    def compute_output_shape(self, input_shape):
        features, clip = input_shape
        return (*clip[:2], features[-1])
