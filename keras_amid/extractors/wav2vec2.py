"""wav2vec 2.0: waveform -> features, in Hugging Face's layout."""

from __future__ import annotations

import os
from typing import Any

import keras
from keras import layers, ops

from keras_amid.extractors.checkpoints import wav2vec2 as wav2vec2_checkpoint
from keras_amid.extractors.layers.policy_scope import policy_scope

_BASE = {
    "feat_extract_norm": "group",
    "do_stable_layer_norm": False,
    "conv_bias": False,
    "conv_dim": (512,) * 7,
    "conv_kernel": (10, 3, 3, 3, 3, 2, 2),
    "conv_stride": (5, 2, 2, 2, 2, 2, 2),
    "num_conv_pos_embeddings": 128,
    "num_conv_pos_embedding_groups": 16,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
}
_LARGE = _BASE | {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
}
_LV60 = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}
_LAYOUTS = {"base": _BASE, "large": _LARGE, "large-lv60": _LARGE | _LV60}
_EPSILON = 1e-5


@keras.saving.register_keras_serializable(package="keras_amid")
class Wav2Vec2(keras.Model):
    """wav2vec 2.0 without heads: waveforms at 16 kHz -> features of the last layer.

    Baevski et al., "wav2vec 2.0" (NeurIPS 2020), equal to `Wav2Vec2Model` of Hugging Face's
    transformers in evaluation. There is no dropout, LayerDrop or SpecAugment, and the weight
    normalization of the positional convolution is folded into its kernel: meant for features of
    pre-trained weights; fine-tuning works, without those regularizers. A layer is named after
    Hugging Face's module with "_" for ".".

    Inputs: float32 waveform (batch, samples), at 16 kHz. With `masked`, a dict: `waveform` and
    `mask` (batch, samples), bool or int, true for the samples of the sound and false for the
    padding behind it. The mask is reduced through the strides of the convolutions as in Hugging
    Face's code: frames that would reach into padding are zeroed before the transformer, not
    attended to, and left out of the mean. With `feat_extract_norm="layer"`, padding changes no
    features; with "group" it changes them a little through the statistics over time, there as
    here. Those weights were trained on padding with zeros and without a mask.

    Outputs: (batch, hidden_size), or (batch, frames, hidden_size) without pooling; a frame for
    each 320 samples (20 ms), from 400 samples on. A sound with fewer samples in its mask has
    features 0.

    Args:
        layout: "base", "large" (both with `feat_extract_norm="group"`), or "large-lv60" (layer
            norm throughout: the weights trained on LibriVox, and XLSR).
        masked: bool, whether there is a mask.
        pooling: "mean" over a sound's frames, or None.
        normalize: bool, whether a waveform is brought to mean 0 and variance 1 (over its mask)
            first, as Hugging Face's feature extractor does with `do_normalize`.
        name: str, name of the model.
        dtype: precision policy of its layers; None: the global one.
        trainable: bool, whether the weights are trained.
        **sizes: settings that differ from the layout's, by their name in Hugging Face's
            `config.json`: feat_extract_norm ("group" or "layer"), do_stable_layer_norm,
            conv_bias (bool), conv_dim, conv_kernel, conv_stride (one int a convolution),
            num_conv_pos_embeddings, num_conv_pos_embedding_groups, hidden_size,
            num_hidden_layers, num_attention_heads, intermediate_size (int).

    Raises:
        ValueError: an argument is not one of the above, or sizes do not fit each other.
    """

    def __init__(
        self,
        layout: str = "base",
        masked: bool = False,
        pooling: str = "mean",
        normalize: bool = True,
        name: str = "wav2vec2",
        dtype: Any = None,
        trainable: bool = True,
        **sizes,
    ):
        all_sizes = _checked(layout, pooling, sizes)
        with policy_scope(dtype):
            inputs, outputs = _graph(all_sizes, masked, pooling, normalize)
            super().__init__(inputs=inputs, outputs=outputs, name=name, trainable=trainable)
        self.layout = layout
        self.masked = masked
        self.pooling = pooling
        self.normalize = normalize
        self.sizes = sizes

    def get_config(self) -> dict:
        return super().get_config() | {
            "layout": self.layout,
            "masked": self.masked,
            "pooling": self.pooling,
            "normalize": self.normalize,
            **self.sizes,
        }

    @classmethod
    def from_checkpoint(cls, path: str | os.PathLike, **arguments) -> keras.Model:
        """Builds the network with the weights of a Hugging Face checkpoint.

        Args:
            path: a `.safetensors` or `.bin` file of `Wav2Vec2Model`, `Wav2Vec2ForCTC`,
                `Wav2Vec2ForPreTraining` or `Wav2Vec2ForSequenceClassification` (heads and
                quantizer are not used), or a folder with `model.safetensors` or
                `pytorch_model.bin` and `config.json`, which gives the sizes.
            **arguments: of the constructor; they go before those of `config.json`.

        Returns:
            A `Wav2Vec2`.

        Raises:
            FileNotFoundError: there is no such file, or none of those in the folder.
            ValueError: `config.json` asks for what this network has not; tensors are missing,
                left over or of another shape.
        """
        path, config = wav2vec2_checkpoint.read(path)
        model = cls(**(config | arguments))
        wav2vec2_checkpoint.assign(model, path)
        return model


def _checked(layout, pooling, sizes):
    if layout not in _LAYOUTS:
        raise ValueError(f"`layout` must be one of {list(_LAYOUTS)}; received layout={layout!r}.")
    if pooling not in ("mean", None):
        raise ValueError(f'`pooling` must be "mean" or None; received pooling={pooling!r}.')
    unknown = sorted(set(sizes) - set(_BASE))
    if unknown:
        raise ValueError(f"Sizes must be among {list(_BASE)}; received {unknown}.")
    sizes = _LAYOUTS[layout] | sizes
    if sizes["feat_extract_norm"] not in ("group", "layer"):
        raise ValueError(
            '`feat_extract_norm` must be "group" or "layer"; '
            f"received {sizes['feat_extract_norm']!r}."
        )
    convolutions = [sizes[name] for name in ("conv_dim", "conv_kernel", "conv_stride")]
    if len({len(values) for values in convolutions}) > 1:
        raise ValueError(
            "`conv_dim`, `conv_kernel` and `conv_stride` must have one number for each "
            f"convolution; received {convolutions}."
        )
    for name in ("num_attention_heads", "num_conv_pos_embedding_groups"):
        if sizes["hidden_size"] % sizes[name]:
            raise ValueError(
                f"`{name}` must divide `hidden_size`={sizes['hidden_size']}; "
                f"received {name}={sizes[name]}."
            )
    return sizes


def _graph(sizes, masked, pooling, normalize):
    """(inputs, outputs) of the functional model."""
    inputs = waveform = keras.Input((None,), dtype="float32", name="waveform")
    mask = None
    if masked:
        mask = keras.Input((None,), dtype="bool", name="mask")
        inputs = {"waveform": waveform, "mask": mask}
    if normalize:
        waveform = _standardized(waveform, mask)
    x = _feature_extractor(ops.expand_dims(waveform, -1), sizes)
    x = _layer_norm("feature_projection_layer_norm")(x)
    x = layers.Dense(sizes["hidden_size"], name="feature_projection_projection")(x)
    valid = attended = None
    if masked:
        valid, attended = _frame_masks(x, mask, sizes)
        x = ops.where(ops.expand_dims(valid, -1), x, ops.zeros_like(x))
    x = _encoder(x, attended, sizes)
    return inputs, _mean(x, valid) if pooling == "mean" else x


def _standardized(waveform, mask):
    """Mean 0 and variance 1 for each waveform (over its mask, 0 elsewhere), in float32."""
    if mask is None:
        mean = ops.mean(waveform, axis=1, keepdims=True)
        variance = ops.mean(ops.square(waveform - mean), axis=1, keepdims=True)
        return (waveform - mean) * ops.rsqrt(variance + 1e-7)
    weight = ops.cast(mask, "float32")
    count = ops.maximum(ops.sum(weight, axis=1, keepdims=True), 1)
    mean = ops.sum(waveform * weight, axis=1, keepdims=True) / count
    centred = (waveform - mean) * weight
    variance = ops.sum(ops.square(centred), axis=1, keepdims=True) / count
    return centred * ops.rsqrt(variance + 1e-7)


def _layer_norm(name):
    return layers.LayerNormalization(epsilon=_EPSILON, name=name)


def _gelu(x):
    return keras.activations.gelu(x, approximate=False)


def _feature_extractor(x, sizes):
    """Convolutions without padding: (batch, samples, 1) -> (batch, frames, conv_dim[-1])."""
    shapes = zip(sizes["conv_dim"], sizes["conv_kernel"], sizes["conv_stride"], strict=True)
    for index, (filters, kernel, stride) in enumerate(shapes):
        name = f"feature_extractor_conv_layers_{index}"
        x = layers.Conv1D(
            filters,
            kernel,
            stride,
            use_bias=sizes["conv_bias"],
            kernel_initializer="he_normal",
            name=f"{name}_conv",
        )(x)
        if sizes["feat_extract_norm"] == "layer":
            x = _layer_norm(f"{name}_layer_norm")(x)
        elif index == 0:
            x = layers.GroupNormalization(filters, epsilon=_EPSILON, name=f"{name}_layer_norm")(x)
        x = _gelu(x)
    return x


def _frame_masks(x, mask, sizes):
    """Masks (batch, frames): frames of the sound, and those that are attended to."""
    length = ops.sum(ops.cast(mask, "int32"), axis=1, keepdims=True)
    for kernel, stride in zip(sizes["conv_kernel"], sizes["conv_stride"], strict=True):
        length = (length - kernel) // stride + 1
    number = ops.cumsum(ops.ones_like(x[:, :, 0], dtype="int32"), axis=1)
    valid = number <= length
    # A sample without any frame attends to its first: a softmax over nothing is not finite.
    return valid, ops.logical_or(valid, number == 1)


def _encoder(x, attended, sizes):
    """The transformer: (batch, frames, hidden_size) -> the same."""
    stable = sizes["do_stable_layer_norm"]
    x = x + _positions(x, sizes)
    if not stable:
        x = _layer_norm("encoder_layer_norm")(x)
    # (batch, queries, keys); every query has the same keys
    attended = None if attended is None else ops.expand_dims(attended, 1)
    for index in range(sizes["num_hidden_layers"]):
        x = _encoder_layer(x, attended, sizes, f"encoder_layers_{index}")
    return _layer_norm("encoder_layer_norm")(x) if stable else x


def _positions(x, sizes):
    """A grouped convolution over time in place of position embeddings."""
    kernel = sizes["num_conv_pos_embeddings"]
    # PyTorch's padding of half a kernel on both sides, without its last frame for even kernels
    x = layers.ZeroPadding1D((kernel // 2, (kernel - 1) // 2))(x)
    x = layers.Conv1D(
        sizes["hidden_size"],
        kernel,
        groups=sizes["num_conv_pos_embedding_groups"],
        name="encoder_pos_conv_embed_conv",
    )(x)
    return _gelu(x)


def _encoder_layer(x, attended, sizes, name):
    hidden, heads = sizes["hidden_size"], sizes["num_attention_heads"]
    attention = layers.MultiHeadAttention(heads, hidden // heads, name=f"{name}_attention")
    first_norm, last_norm = (
        _layer_norm(f"{name}_layer_norm"),
        _layer_norm(f"{name}_final_layer_norm"),
    )
    intermediate = layers.Dense(
        sizes["intermediate_size"], name=f"{name}_feed_forward_intermediate_dense"
    )
    output = layers.Dense(hidden, name=f"{name}_feed_forward_output_dense")
    if sizes["do_stable_layer_norm"]:
        y = first_norm(x)
        x = x + _attention(attention, y, attended)
        return x + output(_gelu(intermediate(last_norm(x))))
    x = first_norm(x + _attention(attention, x, attended))
    return last_norm(x + output(_gelu(intermediate(x))))


def _attention(layer, x, attended):
    # Asked for the scores, Keras computes attention step by step. The fused kernel that it would
    # take otherwise is not there for float16 under JAX on CPUs.
    return layer(x, x, attention_mask=attended, return_attention_scores=True)[0]


def _mean(x, valid):
    """Mean over the frames, in float32; 0 where no frame is valid."""
    values = ops.cast(x, "float32")
    if valid is None:
        return ops.cast(ops.mean(values, axis=1), x.dtype)
    weight = ops.cast(valid, "float32")
    count = ops.maximum(ops.sum(weight, axis=1, keepdims=True), 1)
    total = ops.sum(values * ops.expand_dims(weight, -1), axis=1)
    return ops.cast(total / count, x.dtype)
