"""A perceptron over the mean embedding of a text's tokens."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers, ops

from keras_amid.extractors.mlp import leaky_dense


def text_mlp(
    vocabulary_size: int,
    length: int | None = None,
    embedding_dim: int = 48,
    units: Sequence[int] = (48,),
    negative_slope: float = 0.2,
    name: str = "text_mlp",
) -> keras.Model:
    """Perceptron over the mean embedding of a text's tokens; token 0 is padding.

    Args:
        vocabulary_size: int, number of tokens, padding included.
        length: int, tokens in a text; None where lengths differ between batches.
        embedding_dim: int, size of a token's embedding.
        units: sequence of int, sizes of the layers.
        negative_slope: float, slope of Leaky ReLU below 0.
        name: str, name of the model.

    Returns:
        A functional `keras.Model`: int32 (batch, length), each in 0..vocabulary_size-1 ->
        (batch, units[-1]). A text of padding alone has the mean embedding 0.
    """
    tokens = keras.Input((length,), dtype="int32", name="tokens")
    embedded = layers.Embedding(vocabulary_size, embedding_dim, name="embedding")(tokens)
    # GlobalAveragePooling1D with a mask would divide 0 by 0 in a text of padding alone.
    present = ops.expand_dims(ops.cast(ops.not_equal(tokens, 0), embedded.dtype), -1)
    count = ops.maximum(ops.sum(present, axis=1), 1)
    x = ops.sum(embedded * present, axis=1) / count
    return keras.Model(tokens, leaky_dense(x, units, negative_slope), name=name)
