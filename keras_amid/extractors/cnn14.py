"""CNN14, the sound network of PANNs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_amid.extractors.checkpoints.assigning import (
    assign_tensors,
    batch_norm_targets,
    read_checkpoint,
)
from keras_amid.extractors.layers.batch_normalization import BatchNormalization
from keras_amid.extractors.layers.log_mel_spectrogram import LogMelSpectrogram
from keras_amid.extractors.layers.spec_augment import SpecAugment
from keras_amid.validation.arguments import check_number, check_positive_int

# The front ends of PANNs' CNN14 and CNN14-16k.
_FRONT_ENDS = {
    32000: {"fft_length": 1024, "hop_length": 320, "min_freq": 50.0, "max_freq": 14000.0},
    16000: {"fft_length": 512, "hop_length": 160, "min_freq": 50.0, "max_freq": 8000.0},
}
_MEL_BINS = 64
_BLOCK_FILTERS = (64, 128, 256, 512, 1024, 2048)
_POOLINGS = 5


@keras.saving.register_keras_serializable(package="keras_amid")
class CNN14(keras.Model):
    """CNN14 without its classifier: waveforms of any length -> features.

    Kong et al., "PANNs: Large-Scale Pretrained Audio Neural Networks for Audio Pattern
    Recognition" (2020), in the layout of its public code, with Leaky ReLU in place of ReLU: log-mel
    spectrogram (layer `log_mel`), batch normalization of the mel bins, SpecAugment, six blocks of
    two 3 x 3 convolutions, each but the last with 2 x 2 average pooling, mean over frequency,
    maximum plus mean over time, one dense layer. Layers are named after PANNs' modules with "_"
    for ".".

    The five poolings need 32 frames, 0.31 s of sound; a shorter waveform (an empty one too) is
    continued with silence to that length. The front end runs in float32 whatever the policy.

    A functional model: float32 (batch, samples), full scale 1 -> (batch, features).

    Args:
        features: int, size of the output: 2048 in CNN14, 512 in its variant Cnn14_emb512.
        sample_rate: int, 32000 or 16000 (Cnn14_16k), samples a second.
        negative_slope: float, slope of Leaky ReLU below 0; 0 gives ReLU.
        spec_augment: bool, whether stripes of the spectrogram are dropped in training.
        conv_dropout: float in [0, 1), rate of dropout after each block.
        dropout: float in [0, 1), rate of dropout before the dense layer. PANNs' dropout of the
            finished embedding is left out: its own classifier does not see it either.
        width: positive float, multiplies every block's number of filters.
        input_shape: (samples,); None where lengths differ between batches.
        name: str, name of the model.
        dtype: dtype policy of every layer behind the front end; None: the global one.
        trainable: bool, as of `keras.Model`.

    Raises:
        ValueError: an argument is not one of the above.
    """

    def __init__(
        self,
        features: int = 2048,
        sample_rate: int = 32000,
        negative_slope: float = 0.01,
        spec_augment: bool = True,
        conv_dropout: float = 0.2,
        dropout: float = 0.5,
        width: float = 1.0,
        input_shape: Sequence = (None,),
        name: str = "cnn14",
        dtype: Any = None,
        trainable: bool = True,
    ):
        _check(features, sample_rate, width, input_shape)
        policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
        waveform = keras.Input(input_shape, dtype="float32", name="waveform")
        x = _front_end(waveform, sample_rate)
        if spec_augment:
            x = SpecAugment(dtype="float32", name="spec_augmenter")(x)
        x = layers.Reshape((-1, _MEL_BINS, 1), dtype=policy, name="image")(x)
        for block, filters in enumerate(_BLOCK_FILTERS, start=1):
            filters = max(1, round(filters * width))
            x = _conv_block(x, filters, negative_slope, policy, f"conv_block{block}")
            if block <= _POOLINGS:
                x = layers.AveragePooling2D(
                    2, data_format="channels_last", dtype=policy, name=f"conv_block{block}_pool"
                )(x)
            x = layers.Dropout(conv_dropout, dtype=policy, name=f"conv_block{block}_dropout")(x)
        x = ops.mean(x, axis=2)
        x = ops.max(x, axis=1) + ops.mean(x, axis=1)
        x = layers.Dropout(dropout, dtype=policy, name="dropout")(x)
        x = layers.Dense(features, dtype=policy, name="fc1")(x)
        x = layers.LeakyReLU(negative_slope, dtype=policy, name="activation")(x)
        super().__init__(waveform, x, name=name, trainable=trainable)
        self.dtype_policy = policy
        self.features, self.sample_rate, self.width = features, sample_rate, width
        self.negative_slope, self.spec_augment = negative_slope, spec_augment
        self.conv_dropout, self.dropout = conv_dropout, dropout

    @classmethod
    def from_checkpoint(
        cls, path: str | os.PathLike, negative_slope: float = 0.0, **kwargs
    ) -> keras.Model:
        """The network with the weights of a PyTorch checkpoint of PANNs.

        Args:
            path: `.pth` or `.safetensors` file of Cnn14, Cnn14_emb512 (`features=512`) or
                Cnn14_16k (`sample_rate=16000`). The classifier `fc_audioset` is left out.
            negative_slope: float; the public weights were trained with ReLU, 0.
            **kwargs: the other arguments of the class.

        Returns:
            A `CNN14`.

        Raises:
            ValueError: the file cannot be read (`read_checkpoint`); a tensor is missing, left over
                or of another shape; the stored Fourier or mel weights are not those of this front
                end. The message names each.
        """
        tensors = read_checkpoint(path)
        model = cls(negative_slope=negative_slope, **kwargs)
        fc1 = model.get_layer("fc1")
        targets: dict = {"fc1.weight": (fc1.kernel, np.transpose), "fc1.bias": (fc1.bias, None)}
        for layer in model.layers:
            name = layer.name.replace("_conv", ".conv").replace("_bn", ".bn")
            if isinstance(layer, layers.Conv2D):
                targets[f"{name}.weight"] = (layer.kernel, _kernel_from_torch)
            elif isinstance(layer, BatchNormalization):
                targets |= batch_norm_targets(name, layer)
        assign_tensors(
            tensors,
            targets,
            unused=(r"fc_audioset\..*", r".*\.num_batches_tracked"),
            constants=_front_end_constants(model.get_layer("log_mel")),
            path=path,
        )
        return model

    def get_config(self) -> dict:
        return {
            "features": self.features,
            "sample_rate": self.sample_rate,
            "negative_slope": self.negative_slope,
            "spec_augment": self.spec_augment,
            "conv_dropout": self.conv_dropout,
            "dropout": self.dropout,
            "width": self.width,
            "input_shape": tuple(self.input.shape[1:]),
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            "trainable": self.trainable,
        }


def _check(features, sample_rate, width, input_shape):
    check_positive_int("features", features)
    if sample_rate not in _FRONT_ENDS:
        raise ValueError(
            f"`sample_rate` must be one of {list(_FRONT_ENDS)}; received {sample_rate!r}."
        )
    check_number("width", width, above=0)
    if len(input_shape) != 1:
        raise ValueError(f"`input_shape` must be (samples,); received {input_shape!r}.")


def _front_end(waveform, sample_rate):
    """Standardised log-mel spectrogram (batch, frames, mel bins), float32."""
    settings = _FRONT_ENDS[sample_rate]
    least = (2**_POOLINGS - 1) * settings["hop_length"]
    x = AtLeast(least, dtype="float32", name="at_least")(waveform)
    x = LogMelSpectrogram(sample_rate, mel_bins=_MEL_BINS, **settings, name="log_mel")(x)
    # Decibels near -100 are standardised before half precision can round them.
    return _batch_norm(x, "float32", "bn0")


def _conv_block(x, filters, negative_slope, dtype, name):
    for index in (1, 2):
        x = layers.Conv2D(
            filters, 3, padding="same", data_format="channels_last", use_bias=False,
            dtype=dtype, name=f"{name}_conv{index}",
        )(x)  # fmt: skip
        x = _batch_norm(x, dtype, f"{name}_bn{index}")
        x = layers.LeakyReLU(negative_slope, dtype=dtype, name=f"{name}_activation{index}")(x)
    return x


def _batch_norm(x, dtype, name):
    return BatchNormalization(momentum=0.9, epsilon=1e-5, dtype=dtype, name=name)(x)


def _kernel_from_torch(kernel):
    """(outputs, inputs, frames, bins) -> (frames, bins, inputs, outputs)."""
    return kernel.transpose(2, 3, 1, 0)


def _front_end_constants(log_mel):
    """What PANNs stores of its front end: it computes the Fourier transform by convolutions."""
    length = log_mel.fft_length
    time = np.arange(length)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * time / length)
    phase = 2 * np.pi / length * np.outer(np.arange(length // 2 + 1), time)
    return {
        "spectrogram_extractor.stft.conv_real.weight": (window * np.cos(phase))[:, None],
        "spectrogram_extractor.stft.conv_imag.weight": (-window * np.sin(phase))[:, None],
        "logmel_extractor.melW": log_mel.filterbank,
    }


@keras.saving.register_keras_serializable(package="keras_amid")
class AtLeast(keras.layers.Layer):
    """Continues waveforms (batch, samples) with zeros where they have fewer samples than `least`.

    Args:
        least: int, samples.
    """

    def __init__(self, least: Any, **kwargs):
        super().__init__(**kwargs)
        self.least = least

    def call(self, inputs: Any) -> Any:
        batch, samples = ops.shape(inputs)
        larger = max if isinstance(samples, int) else ops.maximum
        zeros = ops.zeros((batch, larger(self.least - samples, 0)), inputs.dtype)
        return ops.concatenate([inputs, zeros], axis=1)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        batch, samples = input_shape
        return batch, None if samples is None else max(samples, self.least)

    def get_config(self) -> dict:
        return super().get_config() | {"least": self.least}
