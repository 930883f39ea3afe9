"""Checkpoints as Hugging Face's transformers lays them out."""

from __future__ import annotations

import json
import os
import re
from typing import Any

_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


def find_checkpoint(path: str | os.PathLike):
    """Finds the weights and the configuration of a checkpoint.

    Args:
        path: str or path, a file of weights, or a folder with `model.safetensors` or
            `pytorch_model.bin` and `config.json`.

    Returns:
        (path of the weights, dict with what `config.json` says). The dict is empty for a file:
        its neighbours need not belong to it.

    Raises:
        FileNotFoundError: the folder lacks one of the files.
        ValueError: the configuration is damaged.
    """
    path = os.fspath(path)
    if not os.path.isdir(path):
        return path, {}
    weights = [name for name in _WEIGHTS if os.path.isfile(os.path.join(path, name))]
    config = os.path.join(path, "config.json")
    if not weights or not os.path.isfile(config):
        raise FileNotFoundError(
            f"`path` must be a folder with config.json and {' or '.join(_WEIGHTS)}; "
            f"received path={path!r} with {sorted(os.listdir(path))}."
        )
    return os.path.join(path, weights[0]), _read_config(config)


def _read_config(path):
    try:
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"`path`: {path} is no whole JSON file: {error}.") from error
    if not isinstance(config, dict):
        raise ValueError(f"`path`: {path} must hold a dict; received {type(config).__name__}.")
    return config


def check_config(config: dict, required: Any):
    """Refuses a configuration with settings that a network does not have.

    Args:
        config: dict with what `config.json` says.
        required: dict, setting -> the only value there is here, the default of transformers.

    Raises:
        ValueError: a setting has another value.
    """
    other = {
        name: config[name] for name, only in required.items() if config.get(name, only) != only
    }
    if other:
        expected = {name: required[name] for name in other}
        raise ValueError(f"config.json must say {expected}; received {other}.")


def strip_prefix(tensors: Any, prefix: str):
    """Takes off the prefix that models with heads put before the names of the bare model's.

    Args:
        tensors: dict, tensor name -> array.
        prefix: str that ends in ".".

    Returns:
        dict like `tensors`.
    """
    return {re.sub(f"^{re.escape(prefix)}", "", name): tensor for name, tensor in tensors.items()}
