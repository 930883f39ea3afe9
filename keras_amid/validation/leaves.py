"""The arrays and tensors that data consist of, by name, shape and dtype."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import ml_dtypes
import numpy as np


class Leaf(NamedTuple):
    """An array or tensor, its shape (None where a graph does not know the rank) and dtype."""

    values: Any
    shape: tuple | None
    dtype: str


def leaves(x: Any) -> list[tuple[str, Any]]:
    """Pairs of (printable name, leaf) of a dict of modalities, which may be nested."""
    flat = keras.tree.flatten_with_path(x)
    return [("x" + "".join(f"[{key!r}]" for key in path), leaf) for path, leaf in flat]


def as_array(values: Any) -> np.ndarray:
    """A list, NumPy array or tensor of any backend as a NumPy array."""
    if isinstance(values, np.ndarray) or not hasattr(values, "dtype"):
        return np.asarray(values)
    if hasattr(values, "detach"):  # a torch tensor, under whatever backend
        values = values.detach().cpu()
    return np.asarray(keras.ops.convert_to_numpy(values))


def is_vector(leaf: Leaf) -> bool:
    """Whether it has one number per sample, as far as its shape is known."""
    return leaf.shape is None or len(leaf.shape) == 1


def is_integer(dtype: str) -> bool:
    """Whether a dtype is one of integers."""
    return dtype.startswith(("int", "uint"))


def is_float(dtype: str) -> bool:
    """Whether a dtype is one of floating-point numbers."""
    return dtype.startswith(("float", "bfloat"))


def is_number(dtype: str) -> bool:
    """Whether a dtype is one of numbers, bool included."""
    return dtype == "bool" or is_integer(dtype) or is_float(dtype)


def limits(dtype: str) -> tuple[float, float]:
    """The least and the largest number of a dtype; a bool takes any."""
    if dtype == "bool":
        return -np.inf, np.inf
    info = ml_dtypes.finfo(dtype) if is_float(dtype) else ml_dtypes.iinfo(dtype)
    number = float if is_float(dtype) else int
    return number(info.min), number(info.max)
