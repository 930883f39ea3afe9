"""Weights of other projects' checkpoints, read without unpickling and assigned name by name."""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

_TORCH_ENDINGS = (".pth", ".pt", ".bin")
_WRAPPERS = ("model", "state_dict")
# What DistributedDataParallel (and DataParallel) and torch.compile put before every name.
_PREFIXES = re.compile(r"(?:module\.|_orig_mod\.)+")


def read_checkpoint(path: str | os.PathLike):
    """Reads the tensors of a checkpoint; no code stored in the file is ever run.

    Args:
        path: str or path, a `.safetensors` file, or a `.pth`, `.pt` or `.bin` file that holds a
            state dict written by `torch.save`, bare or as the entry `model` or `state_dict` of a
            dict. The latter are read with `torch.load(weights_only=True)` and need PyTorch. What
            lies beside the tensors (a number of epochs, say) is left out.

    Returns:
        dict, tensor name -> `np.ndarray` of the stored shape and dtype; bfloat16 becomes float32.
        Names lack the `module.` or `_orig_mod.` that PyTorch's wrappers put before all of them.

    Raises:
        FileNotFoundError: no such file.
        ImportError: the file needs PyTorch or safetensors, which is not installed.
        ValueError: another ending; a damaged file; one with objects that could run code, or
            without tensors.
    """
    path = os.fspath(path)
    ending = os.path.splitext(path)[1].lower()
    if ending != ".safetensors" and ending not in _TORCH_ENDINGS:
        raise ValueError(
            f"`path` must end in .safetensors, {', '.join(_TORCH_ENDINGS)}; received path={path!r}."
        )
    if not os.path.isfile(path):
        raise FileNotFoundError(f"`path` must be a file; received path={path!r}.")
    tensors = (_read_safetensors if ending == ".safetensors" else _read_torch)(path)
    if all(map(_PREFIXES.match, tensors)):
        return {_PREFIXES.sub("", name, count=1): tensor for name, tensor in tensors.items()}
    return tensors


def _read_safetensors(path):
    # Gives NumPy the bfloat16 that safetensors asks it for.
    import ml_dtypes
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
    # Beside its own error: a header that names dtypes or sizes that NumPy does not take.
    except (SafetensorError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{path!r} is not a whole safetensors file: {error!r}") from error
    return {
        name: tensor.astype("float32") if tensor.dtype == ml_dtypes.bfloat16 else tensor
        for name, tensor in tensors.items()
    }


def _read_torch(path):
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            f"{path!r} was written by PyTorch, which is needed to read it: pip install torch; "
            "or convert the file to .safetensors."
        ) from error
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path!r} is refused: it is damaged, or holds objects other than tensors, which "
            f"could run code when read. Save `state_dict()` alone. PyTorch said: {error}"
        ) from error
    # What PyTorch raises for a file that is no checkpoint depends on its first bytes.
    except (RuntimeError, EOFError, KeyError, IndexError, ValueError, TypeError, OSError) as error:
        raise ValueError(f"{path!r} is not a whole PyTorch checkpoint: {error!r}") from error
    arrays, beside = {}, {}
    for name, tensor in _unwrapped(state, path).items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            beside[name] = type(tensor).__name__
            continue
        tensor = tensor.detach()
        arrays[name] = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
    if not arrays:
        received = [f"{name!r} -> {kind}" for name, kind in beside.items()]
        raise ValueError(
            f"{path!r} must hold a state dict, tensor name -> tensor; received "
            f"{', '.join(received[:3]) or 'an empty dict'}."
        )
    return arrays


def _unwrapped(state, path):
    if isinstance(state, dict):
        for key in _WRAPPERS:
            if isinstance(state.get(key), dict):
                return state[key]
        return state
    raise ValueError(
        f"{path!r} must hold a state dict, bare or under the key "
        f"{' or '.join(map(repr, _WRAPPERS))}; received a {type(state).__name__}."
    )


def assign_tensors(
    tensors: Any,
    targets: Any,
    unused: Sequence = (),
    constants: Any = None,
    path: str | os.PathLike = "",
):
    """Assigns a checkpoint's tensors to a network's variables, all of them or none.

    Args:
        tensors: dict, tensor name -> `np.ndarray`, as `read_checkpoint` gives it.
        targets: dict, tensor name -> (Keras variable, function from the tensor to the variable's
            layout, or None where the layouts agree).
        unused: sequence of regular expressions; tensors whose whole name matches one belong to
            the original but not to this network. They may be there or not.
        constants: dict, tensor name -> array that this network computes instead of loading it; a
            tensor that is further from it than 1e-3 of its largest value is an error.
        path: the file, for messages.

    Raises:
        ValueError: tensors are missing, left over, of another shape, not finite, negative where
            they are variances, or another constant. It names the file and each; nothing is
            assigned then.
    """
    constants = constants or {}
    wanted = [*targets, *constants]
    ignored = re.compile("|".join(f"(?:{pattern})" for pattern in unused) or r"(?!)")
    problems = [f"missing: {name}" for name in wanted if name not in tensors]
    problems += [
        f"not part of this network: {name} {tensors[name].shape}"
        for name in tensors
        if name not in targets and name not in constants and not ignored.fullmatch(name)
    ]
    values = {}
    for name, (variable, convert) in targets.items():
        if name in tensors:
            values[name] = _converted(tensors[name], convert)
            problems += _shape_problem(name, tensors[name], values[name], variable)
            problems += _value_problem(name, tensors[name])
    for name, constant in constants.items():
        if name in tensors:
            problems += _constant_problem(name, tensors[name], np.asarray(constant))
    if problems:
        raise ValueError(
            f"The checkpoint {f'{os.fspath(path)!r} ' if path else ''}does not fit this network "
            f"({len(problems)} problems):\n  " + "\n  ".join(problems)
        )
    for name, value in values.items():
        targets[name][0].assign(value)


def batch_norm_targets(name: str | None, layer: Any):
    """Targets of `assign_tensors` for a batch normalization of PyTorch.

    Args:
        name: str, the name of PyTorch's module.
        layer: a built `keras.layers.BatchNormalization`.

    Returns:
        dict, tensor name -> (variable, None).
    """
    variables = {
        "weight": layer.gamma,
        "bias": layer.beta,
        "running_mean": layer.moving_mean,
        "running_var": layer.moving_variance,
    }
    return {f"{name}.{part}": (variable, None) for part, variable in variables.items()}


def _converted(tensor, convert):
    if convert is None:
        return tensor
    try:
        return np.asarray(convert(tensor))
    except (ValueError, IndexError):  # a transposition of a tensor of another rank
        return None


def _value_problem(name, tensor):
    if tensor.dtype.kind in "fcV" and not np.isfinite(tensor).all():
        return [f"not finite: {name} holds NaN or infinity"]
    if name.endswith("running_var") and (tensor < 0).any():
        return [f"negative: {name} is of variances, the least {tensor.min():.3g}"]
    return []


def _shape_problem(name, tensor, value, variable):
    shape = tuple(variable.shape)
    if value is not None and value.shape == shape:
        return []
    given = f"{tensor.shape} in the checkpoint"
    if value is not None and value.shape != tensor.shape:
        given += f", {value.shape} in Keras's layout"
    return [f"misshapen: {name} is {given}; the variable {variable.path} is {shape}"]


def _constant_problem(name, tensor, constant):
    if tensor.shape != constant.shape:
        return [f"misshapen: {name} is {tensor.shape} in the checkpoint; here {constant.shape}"]
    difference, largest = np.abs(tensor - constant).max(), np.abs(constant).max()
    if difference <= 1e-3 * largest:
        return []
    return [f"another constant: {name} differs by up to {difference:.3g} (largest {largest:.3g})"]
