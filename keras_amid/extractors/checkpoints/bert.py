"""Weights of Hugging Face's BERT for `Bert`."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from keras_amid.extractors.checkpoints.assigning import assign_tensors, read_checkpoint
from keras_amid.extractors.checkpoints.hugging_face import (
    check_config,
    find_checkpoint,
    strip_prefix,
)

_SIZES = {
    "vocab_size": "vocabulary_size",
    "num_hidden_layers": "num_layers",
    "num_attention_heads": "num_heads",
    "hidden_size": "hidden_dim",
    "intermediate_size": "intermediate_dim",
    "max_position_embeddings": "max_sequence_length",
    "type_vocab_size": "num_segments",
}
_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu_approximate",
    "gelu_pytorch_tanh": "gelu_approximate",
}
_REQUIRED = {
    "layer_norm_eps": 1e-12,
    "position_embedding_type": "absolute",
    "is_decoder": False,
}
# Heads, and a buffer of older versions
_UNUSED = (r"(cls|classifier|qa_outputs)\..*", r"embeddings\.position_ids")
_LAYER = {
    "attention.self.query": "self_attention_layer/query",
    "attention.self.key": "self_attention_layer/key",
    "attention.self.value": "self_attention_layer/value",
    "attention.output.dense": "self_attention_layer/attention_output",
    "attention.output.LayerNorm": "self_attention_layer_norm",
    "intermediate.dense": "feedforward_intermediate_dense",
    "output.dense": "feedforward_output_dense",
    "output.LayerNorm": "feedforward_layer_norm",
}


def read(path: str | os.PathLike):
    """(path of the weights, constructor arguments that `config.json` gives) of a checkpoint."""
    path, config = find_checkpoint(path)
    check_config(config, _REQUIRED)
    arguments = {ours: config[theirs] for theirs, ours in _SIZES.items() if theirs in config}
    if "hidden_act" in config:
        if config["hidden_act"] not in _ACTIVATIONS:
            raise ValueError(
                f"config.json must have a `hidden_act` among {list(_ACTIVATIONS)}; "
                f"received {config['hidden_act']!r}."
            )
        arguments["activation"] = _ACTIVATIONS[config["hidden_act"]]
    return path, arguments


def assign(model: Any, path: str | os.PathLike):
    """Assigns the tensors of a file to a `Bert`."""
    tensors = {
        _new_name(name): tensor
        for name, tensor in strip_prefix(read_checkpoint(path), "bert.").items()
    }
    pooler = model.arguments["pooling"] == "pooler"
    unused = _UNUSED if pooler else (*_UNUSED, r"pooler\..*")
    assign_tensors(tensors, _targets(model), unused=unused, path=path)


def _new_name(name):
    """Checkpoints converted from TensorFlow long ago have its names for layer normalization."""
    if name.endswith(("LayerNorm.gamma", "LayerNorm.beta")):
        return name.replace("gamma", "weight").replace("beta", "bias")
    return name


def _targets(model):
    targets = {
        f"embeddings.{kind}_embeddings.weight": (model.get_layer(layer).weights[0], None)
        for kind, layer in (
            ("word", "token_embedding"),
            ("position", "position_embedding"),
            ("token_type", "segment_embedding"),
        )
    }
    norm = model.get_layer("embeddings_layer_norm")
    targets["embeddings.LayerNorm.weight"] = (norm.gamma, None)
    targets["embeddings.LayerNorm.bias"] = (norm.beta, None)
    for index in range(model.arguments["num_layers"]):
        targets |= _layer_targets(model.get_layer(f"transformer_layer_{index}"), index)
    if model.arguments["pooling"] == "pooler":
        dense = model.get_layer("pooled_dense")
        targets["pooler.dense.weight"] = (dense.kernel, np.transpose)
        targets["pooler.dense.bias"] = (dense.bias, None)
    return targets


def _layer_targets(layer, index):
    # keras-hub keeps the parts of this layer private; the paths of its weights are public.
    variables = {v.path.split(f"{layer.name}/", 1)[1]: v for v in layer.weights}
    targets = {}
    for theirs, ours in _LAYER.items():
        norm = "LayerNorm" in theirs
        names = (
            {"weight": "gamma", "bias": "beta"} if norm else {"weight": "kernel", "bias": "bias"}
        )
        for their_kind, our_kind in names.items():
            variable = variables[f"{ours}/{our_kind}"]
            convert = _reshaped(variable, transpose=our_kind == "kernel")
            targets[f"encoder.layer.{index}.{theirs}.{their_kind}"] = (variable, convert)
    return targets


def _reshaped(variable, transpose):
    """Dense layers of PyTorch; those of Keras's attention have an axis for the heads."""
    shape = tuple(variable.shape)
    return lambda tensor: (tensor.T if transpose else tensor).reshape(shape)
