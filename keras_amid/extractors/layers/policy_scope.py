"""Build the layers of a network under one precision policy."""

from __future__ import annotations

import contextlib
from typing import Any

import keras


@contextlib.contextmanager
def policy_scope(dtype: Any):
    """Makes `dtype` the global precision policy inside a `with` block.

    A network that is saved under one policy and loaded under another keeps its own this way,
    without handing the policy to each of its layers (some of keras-hub's take none).

    Args:
        dtype: str, `keras.DTypePolicy`, its config, or None for the global policy.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(before if dtype is None else keras.dtype_policies.get(dtype))
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
