"""BERT: tokens -> features, from the layers of keras-hub."""

from __future__ import annotations

import os
from typing import Any

import keras
from keras import layers, ops

from keras_amid.extractors.checkpoints import bert as bert_checkpoint
from keras_amid.extractors.layers.policy_scope import policy_scope

_POOLINGS = ("mean", "cls", "pooler")
_ACTIVATIONS = ("gelu", "gelu_approximate")
_EPSILON = 1e-12


@keras.saving.register_keras_serializable(package="keras_amid")
class Bert(keras.Model):
    """BERT without heads: tokens -> features of the last layer.

    Devlin et al., "BERT" (NAACL 2019), of keras-hub's layers, with the names that keras-hub's
    `BertBackbone` gives them. keras-hub is imported when the first one is built.

    Inputs: dict with `token_ids`, int32 (batch, length), and `padding_mask`, int32 (batch, length),
    1 for tokens and 0 for padding; what `BertTokenizer` gives. With `segments` also
    `segment_ids`, int32 (batch, length); without, every token is of segment 0. The length is at
    most `max_sequence_length`.

    Outputs: (batch, hidden_dim). Padding does not change them.

    Args:
        vocabulary_size: int, number of tokens.
        num_layers: int, transformer layers.
        num_heads: int, attention heads.
        hidden_dim: int, size of a token's features and of the result.
        intermediate_dim: int, size within the feed-forward layers.
        max_sequence_length: int, number of position embeddings.
        num_segments: int, number of segment embeddings.
        dropout: float, share of values dropped in training. With 0, Keras takes a fused attention
            kernel that is not there for float16 under JAX on CPUs.
        activation: "gelu", as in the weights of Hugging Face; "gelu_approximate", by tanh, as in
            Google's own, which keras-hub's presets have.
        pooling: "mean" over the tokens that are not padding; "cls", the first token's features;
            "pooler", those through the layer trained on next-sentence prediction, with tanh.
        segments: bool, whether there are segment ids.
        name: str, name of the model.
        dtype: precision policy of its layers; None: the global one.
        trainable: bool, whether the weights are trained.

    Raises:
        ImportError: keras-hub is not installed.
        ValueError: `activation`, `pooling` or `num_heads` is not one of the above.
    """

    def __init__(
        self,
        vocabulary_size: int = 30522,
        num_layers: int = 12,
        num_heads: int = 12,
        hidden_dim: int = 768,
        intermediate_dim: int = 3072,
        max_sequence_length: int = 512,
        num_segments: int = 2,
        dropout: float = 0.1,
        activation: str = "gelu",
        pooling: str = "mean",
        segments: bool = False,
        name: str = "bert",
        dtype: Any = None,
        trainable: bool = True,
    ):
        config = {
            "vocabulary_size": vocabulary_size,
            "num_layers": num_layers,
            "num_heads": num_heads,
            "hidden_dim": hidden_dim,
            "intermediate_dim": intermediate_dim,
            "max_sequence_length": max_sequence_length,
            "num_segments": num_segments,
            "dropout": dropout,
            "activation": activation,
            "pooling": pooling,
            "segments": segments,
        }
        _check(config)
        with policy_scope(dtype):
            inputs, outputs = _graph(config)
            super().__init__(inputs=inputs, outputs=outputs, name=name, trainable=trainable)
        self.arguments = config

    def get_config(self) -> dict:
        return super().get_config() | self.arguments

    @classmethod
    def from_checkpoint(cls, path: str | os.PathLike, **arguments) -> keras.Model:
        """Builds the network with the weights of a Hugging Face checkpoint.

        Args:
            path: a `.safetensors` or `.bin` file of `BertModel` or of a model with a head
                (`BertForPreTraining`, `BertForMaskedLM`, ...; heads are not used), or a folder
                with `model.safetensors` or `pytorch_model.bin` and `config.json`, which gives
                the sizes and the activation.
            **arguments: of the constructor; they go before those of `config.json`.

        Returns:
            A `Bert`.

        Raises:
            FileNotFoundError: there is no such file, or none of those in the folder.
            ValueError: `config.json` asks for what this network has not; tensors are missing,
                left over or of another shape.
        """
        path, config = bert_checkpoint.read(path)
        model = cls(**(config | arguments))
        bert_checkpoint.assign(model, path)
        return model

    @classmethod
    def from_preset(cls, preset: str, **arguments) -> keras.Model:
        """Builds the network with the sizes and weights of a keras-hub preset.

        Args:
            preset: str, a folder that `save_to_preset` of keras-hub wrote (works offline), or a
                name that keras-hub knows.
            **arguments: pooling, segments, dropout, name, dtype or trainable.

        Returns:
            A `Bert` with `activation="gelu_approximate"`, as `BertBackbone` has.
        """
        import keras_hub

        backbone = keras_hub.models.BertBackbone.from_preset(preset)
        sizes = {
            name: getattr(backbone, name)
            for name in (
                "vocabulary_size",
                "num_layers",
                "num_heads",
                "hidden_dim",
                "intermediate_dim",
                "max_sequence_length",
                "num_segments",
                "dropout",
            )
        }
        model = cls(**({"activation": "gelu_approximate"} | sizes | arguments))
        for layer in model.layers:
            if layer.weights:
                layer.set_weights(backbone.get_layer(layer.name).get_weights())
        return model


def _check(config):
    for argument, known in (("pooling", _POOLINGS), ("activation", _ACTIVATIONS)):
        if config[argument] not in known:
            raise ValueError(
                f"`{argument}` must be one of {known}; received {argument}={config[argument]!r}."
            )
    if config["hidden_dim"] % config["num_heads"]:
        raise ValueError(
            f"`num_heads` must divide `hidden_dim`={config['hidden_dim']}; "
            f"received num_heads={config['num_heads']}."
        )


def _graph(config):
    """(inputs, outputs) of the functional model."""
    names = ["token_ids", "padding_mask"] + ["segment_ids"] * config["segments"]
    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in names}
    tokens, mask = inputs["token_ids"], inputs["padding_mask"]
    segments = inputs["segment_ids"] if config["segments"] else ops.zeros_like(tokens)
    x = _embeddings(tokens, segments, config)
    # A text of padding alone attends to its first token: a softmax over nothing is not finite.
    first = ops.equal(ops.cumsum(ops.ones_like(mask), axis=1), 1)
    attended = ops.logical_or(ops.cast(mask, "bool"), first)
    x = _transformer(x, attended, config)
    if config["pooling"] == "mean":
        return inputs, _mean(x, mask)
    if config["pooling"] == "cls":
        return inputs, x[:, 0]
    pooled_dense = layers.Dense(
        config["hidden_dim"],
        activation="tanh",
        kernel_initializer=_initializer(),
        name="pooled_dense",
    )
    return inputs, pooled_dense(x[:, 0])


def _initializer():
    return keras.initializers.TruncatedNormal(stddev=0.02)


def _embeddings(tokens, segments, config):
    """int (batch, length) twice -> (batch, length, hidden_dim)."""
    import keras_hub

    hidden = config["hidden_dim"]
    x = layers.Embedding(config["vocabulary_size"], hidden, _initializer(), name="token_embedding")(
        tokens
    )
    positions = keras_hub.layers.PositionEmbedding(
        config["max_sequence_length"], _initializer(), name="position_embedding"
    )(x)
    segments = layers.Embedding(
        config["num_segments"], hidden, _initializer(), name="segment_embedding"
    )(segments)
    x = layers.LayerNormalization(epsilon=_EPSILON, name="embeddings_layer_norm")(
        x + positions + segments
    )
    return layers.Dropout(config["dropout"], name="embeddings_dropout")(x)


def _transformer(x, attended, config):
    import keras_hub

    approximate = config["activation"] == "gelu_approximate"
    for index in range(config["num_layers"]):
        layer = keras_hub.layers.TransformerEncoder(
            config["intermediate_dim"],
            config["num_heads"],
            dropout=config["dropout"],
            activation=_gelu_approximate if approximate else "gelu",
            layer_norm_epsilon=_EPSILON,
            kernel_initializer=_initializer(),
            name=f"transformer_layer_{index}",
        )
        x = layer(x, padding_mask=attended)
    return x


@keras.saving.register_keras_serializable(package="keras_amid")
def _gelu_approximate(x):
    return keras.activations.gelu(x, approximate=True)


def _mean(x, mask):
    """Mean over the tokens that are not padding, in float32; 0 where there are none."""
    weight = ops.expand_dims(ops.cast(ops.cast(mask, "bool"), "float32"), -1)
    total = ops.sum(ops.cast(x, "float32") * weight, axis=1)
    return ops.cast(total / ops.maximum(ops.sum(weight, axis=1), 1), x.dtype)
