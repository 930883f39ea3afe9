"""A recurrent network over features of frames: the student of the emotion task."""

from __future__ import annotations

import os
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_amid.extractors.checkpoints.assigning import assign_tensors, read_checkpoint
from keras_amid.extractors.layers.policy_scope import policy_scope

_CELLS = {"lstm": layers.LSTM, "gru": layers.GRU}
_POOLINGS = ("max", "last")


@keras.saving.register_keras_serializable(package="keras_amid")
class RecurrentEncoder(keras.Model):
    """LSTM or GRU over the features of a video's frames, pooled over time.

    A frame whose features are all zero is padding, as with `keras.layers.Masking`: wherever it
    stands, it does not change the result. Such frames are moved behind the others and left out
    of the pooling, so that no mask reaches the recurrence: its cuDNN kernels would refuse masks
    other than padding at the end, and samples that are padding alone.

    Inputs: float (batch, frames, input_dim), any number of frames.
    Outputs: (batch, units); zeros for a sample that is padding alone.

    Args:
        input_dim: int, features of a frame.
        units: int, size of the hidden state and of the result.
        cell: "lstm" or "gru".
        num_layers: int, recurrences on top of each other.
        pooling: "max": the largest value of each unit over the frames; "last": the state after
            the last frame.
        name: str, name of the model.
        dtype: precision policy of its layers; None: the global one.
        trainable: bool, whether the weights are trained.

    Raises:
        ValueError: `cell`, `pooling` or `num_layers` is not one of the above.
    """

    def __init__(
        self,
        input_dim: int,
        units: int = 768,
        cell: str = "lstm",
        num_layers: int = 1,
        pooling: str = "max",
        name: str = "recurrent_encoder",
        dtype: Any = None,
        trainable: bool = True,
    ):
        if cell not in _CELLS:
            raise ValueError(f"`cell` must be one of {sorted(_CELLS)}; received cell={cell!r}.")
        if pooling not in _POOLINGS:
            raise ValueError(f"`pooling` must be one of {_POOLINGS}; received pooling={pooling!r}.")
        if num_layers < 1:
            raise ValueError(f"`num_layers` must be at least 1; received num_layers={num_layers}.")
        frames = keras.Input((None, input_dim), dtype="float32", name="frames")
        with policy_scope(dtype):
            x, number, count = _padding_last(frames)
            for index in range(num_layers):
                x = _CELLS[cell](units, return_sequences=True, name=f"{cell}_{index}")(x)
            pooled = _pooled(x, number, count, pooling)
            super().__init__(inputs=frames, outputs=pooled, name=name, trainable=trainable)
        self.input_dim = input_dim
        self.units = units
        self.cell = cell
        self.num_layers = num_layers
        self.pooling = pooling

    def get_config(self) -> dict:
        return super().get_config() | {
            "input_dim": self.input_dim,
            "units": self.units,
            "cell": self.cell,
            "num_layers": self.num_layers,
            "pooling": self.pooling,
        }

    @classmethod
    def from_checkpoint(cls, path: str | os.PathLike, prefix: str = "", **arguments) -> keras.Model:
        """Builds the encoder with the weights of a `torch.nn.LSTM` or `torch.nn.GRU`.

        Args:
            path: file that `read_checkpoint` reads, with the tensors `weight_ih_l0`,
                `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, and so on for each layer.
            prefix: str, what stands before those names, such as "rnn."; other tensors of the
                file are ignored if it is not empty.
            **arguments: of the constructor.

        Returns:
            A `RecurrentEncoder`.

        Raises:
            ValueError: tensors are missing, left over (such as those of a second direction) or of
                another shape.
        """
        model = cls(**arguments)
        tensors = {
            name.removeprefix(prefix): tensor
            for name, tensor in read_checkpoint(path).items()
            if name.startswith(prefix)
        }
        targets = {}
        for index in range(model.num_layers):
            layer = model.get_layer(f"{model.cell}_{index}")
            _join_biases(tensors, index, model.cell)
            targets |= _targets(layer, index, model.cell)
        assign_tensors(tensors, targets, path=path)
        return model


def _padding_last(frames):
    """Moves padding behind the other frames.

    Args:
        frames: float (batch, frames, features).

    Returns:
        The frames in their new order; their numbers 1, 2, ... as int32 (batch, frames); and how
        many of each sample are not padding, int32 (batch, 1).
    """
    valid = ops.any(ops.not_equal(frames, 0), axis=-1)
    number = ops.cumsum(ops.ones_like(valid, dtype="int32"), axis=1)
    # All different, so that the order is the same however a backend sorts equals.
    order = ops.argsort(ops.where(valid, number, number + 2**30), axis=1)
    moved = ops.take_along_axis(frames, ops.expand_dims(order, -1), axis=1)
    return moved, number, ops.sum(ops.cast(valid, "int32"), axis=1, keepdims=True)


def _pooled(x, number, count, pooling):
    """Pools (batch, frames, units) over the first `count` frames; 0 where there are none."""
    if pooling == "last":
        last = ops.expand_dims(ops.cast(ops.equal(number, count), x.dtype), -1)
        return ops.sum(x * last, axis=1)
    # Hidden states lie within -1..1, so -2 never is the largest.
    x = ops.where(ops.expand_dims(number <= count, -1), x, ops.cast(-2.0, x.dtype))
    return ops.where(count > 0, ops.max(x, axis=1), ops.cast(0.0, x.dtype))


def _join_biases(tensors, index, cell):
    """PyTorch has two biases a gate; Keras's LSTM has their sum, its GRU both in one tensor."""
    names = [f"bias_{kind}_l{index}" for kind in ("ih", "hh")]
    if not all(name in tensors for name in names) or len({tensors[n].shape for n in names}) > 1:
        return  # reported as missing by those who check
    biases = np.stack([tensors.pop(name) for name in names])
    tensors[f"bias_l{index}"] = biases.sum(axis=0) if cell == "lstm" else biases


def _targets(layer, index, cell):
    gates = None if cell == "lstm" else _update_gate_first

    def kernel(tensor):
        return (tensor.T if gates is None else gates(tensor.T)).astype("float32")

    return {
        f"weight_ih_l{index}": (layer.cell.kernel, kernel),
        f"weight_hh_l{index}": (layer.cell.recurrent_kernel, kernel),
        f"bias_l{index}": (layer.cell.bias, gates),
    }


def _update_gate_first(tensor):
    """PyTorch's GRU has its gates in the order reset, update, new; Keras's has update first."""
    reset, update, new = np.split(tensor, 3, axis=-1)
    return np.concatenate([update, reset, new], axis=-1)
