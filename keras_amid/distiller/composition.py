"""CCL's composition of the auxiliary's and the student's representations, a teacher."""

from __future__ import annotations

import keras
from keras import layers


def build_composition(dim: int, name: str = "composition") -> keras.Model:
    """CCL's composition: [a, v] -> a + Linear([a / |a|; v / |v|]), built.

    Args:
        dim: D, the size of a, v and the result.
        name: of the model.

    Returns:
        Functional `keras.Model`, a list of two tensors `(batch, dim)` -> `(batch, dim)`.
    """
    a, v = keras.Input((dim,), name="a"), keras.Input((dim,), name="v")
    # Each its own layer: float32, for half precision has no squares of large numbers.
    norms = [layers.UnitNormalization(dtype="float32", name=f"norm_{t.name}")(t) for t in (a, v)]
    residual = layers.Dense(dim, name=f"{name}_dense")(layers.Concatenate(name="both")(norms))
    return keras.Model([a, v], layers.Add(name="sum")([a, residual]), name=name)
