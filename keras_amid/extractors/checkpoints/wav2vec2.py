"""Weights of Hugging Face's wav2vec 2.0 for `Wav2Vec2`."""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np
from keras import layers

from keras_amid.extractors.checkpoints.assigning import assign_tensors, read_checkpoint
from keras_amid.extractors.checkpoints.hugging_face import (
    check_config,
    find_checkpoint,
    strip_prefix,
)

_SIZES = (
    "feat_extract_norm do_stable_layer_norm conv_bias conv_dim conv_kernel conv_stride "
    "num_conv_pos_embeddings num_conv_pos_embedding_groups hidden_size num_hidden_layers "
    "num_attention_heads intermediate_size"
).split()
_REQUIRED = {
    "feat_extract_activation": "gelu",
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-5,
    "add_adapter": False,
    "adapter_attn_dim": None,
}
# Of pre-training and of the heads for recognition and classification
_UNUSED = (
    "masked_spec_embed",
    r"(quantizer|project_q|project_hid|lm_head|projector|classifier)\..*",
    "layer_weights",
)
_POSITIONS = "encoder.pos_conv_embed.conv"


def read(path: str | os.PathLike):
    """(path of the weights, constructor arguments that `config.json` gives) of a checkpoint."""
    path, config = find_checkpoint(path)
    check_config(config, _REQUIRED)
    return path, {name: config[name] for name in _SIZES if name in config}


def assign(model: Any, path: str | os.PathLike):
    """Assigns the tensors of a file to a `Wav2Vec2`."""
    tensors = strip_prefix(read_checkpoint(path), "wav2vec2.")
    _fold_weight_norm(tensors)
    assign_tensors(tensors, _targets(model), unused=_UNUSED, path=path)


def _fold_weight_norm(tensors):
    """Puts the positional convolution's weight g v / |v| in place of g and v.

    Older checkpoints call them weight_g and weight_v, newer ones parametrizations. |v| is over
    all axes but the last, the kernel's. A lone one is left to be reported as left over.
    """
    for g, v in (
        (f"{_POSITIONS}.weight_g", f"{_POSITIONS}.weight_v"),
        (
            f"{_POSITIONS}.parametrizations.weight.original0",
            f"{_POSITIONS}.parametrizations.weight.original1",
        ),
    ):
        if g in tensors and v in tensors:
            direction = tensors.pop(v).astype("float32")
            norm = np.sqrt(np.square(direction).sum(axis=(0, 1), keepdims=True))
            tensors[f"{_POSITIONS}.weight"] = tensors.pop(g) * direction / norm


def _targets(model):
    targets = {}
    for module in _modules(model):
        layer = model.get_layer(module.replace(".", "_"))
        if isinstance(layer, layers.Conv1D):
            targets |= _weight_and_bias(module, layer.kernel, layer.bias, _conv_kernel)
        elif isinstance(layer, layers.Dense):
            targets |= _weight_and_bias(module, layer.kernel, layer.bias, np.transpose)
        elif isinstance(layer, layers.MultiHeadAttention):
            targets |= _attention_targets(module, layer)
        else:
            targets |= _weight_and_bias(module, layer.gamma, layer.beta, None)
    return targets


def _modules(model):
    """Names of the original's modules that have weights."""
    names = {layer.name for layer in model.layers}
    convolutions = sum(bool(re.fullmatch(r"feature_.*_\d+_conv", name)) for name in names)
    blocks = sum(name.endswith("_attention") for name in names)
    for index in range(convolutions):
        yield f"feature_extractor.conv_layers.{index}.conv"
        if f"feature_extractor_conv_layers_{index}_layer_norm" in names:
            yield f"feature_extractor.conv_layers.{index}.layer_norm"
    yield from ("feature_projection.layer_norm", "feature_projection.projection")
    yield from (_POSITIONS, "encoder.layer_norm")
    for index in range(blocks):
        for part in (
            "attention",
            "layer_norm",
            "feed_forward.intermediate_dense",
            "feed_forward.output_dense",
            "final_layer_norm",
        ):
            yield f"encoder.layers.{index}.{part}"


def _weight_and_bias(name, weight, bias, convert):
    targets = {f"{name}.weight": (weight, convert)}
    return targets if bias is None else targets | {f"{name}.bias": (bias, None)}


def _conv_kernel(kernel):
    """(outputs, inputs, time) -> (time, inputs, outputs)."""
    return kernel.transpose(2, 1, 0)


def _attention_targets(name, layer):
    """Dense layers of PyTorch; Keras's have an axis for the heads and one within a head."""
    heads = (layer.num_heads, layer.key_dim)
    targets = {}
    for part, dense in (
        ("q_proj", layer.query_dense),
        ("k_proj", layer.key_dense),
        ("v_proj", layer.value_dense),
    ):
        targets[f"{name}.{part}.weight"] = (dense.kernel, lambda w: w.T.reshape(-1, *heads))
        targets[f"{name}.{part}.bias"] = (dense.bias, lambda b: b.reshape(heads))
    output = layer.output_dense
    targets[f"{name}.out_proj.weight"] = (output.kernel, lambda w: w.T.reshape(*heads, -1))
    targets[f"{name}.out_proj.bias"] = (output.bias, None)
    return targets
