"""Extractors by name: `--extractor video=r2plus1d_18 --checkpoint audio=Cnn14_mAP=0.431.pth`.

A network turns a batch of an `Input` into features (batch, features). Whatever it standardises is a
layer `Standardization`, which the experiment adapts to the training samples.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_amid.experiments.own import makers
from keras_amid.experiments.own.inputs import Input


@dataclasses.dataclass(frozen=True)
class Network:
    """A named extractor.

    Attributes:
        kinds: of modalities that it takes.
        make: function of an `Input` and the Leaky ReLU's slope -> `keras.Model`.
        load: function of an `Input` and a checkpoint -> `keras.Model`; None: it takes none.
        tokenizer: function of a checkpoint and a length -> the tokenizer that belongs to it; None:
            the words of the training texts.
    """

    kinds: tuple[str, ...]
    make: Callable[[Input, float], keras.Model]
    load: Callable[[Input, str], keras.Model] | None = None
    tokenizer: Callable[[str, int], Any] | None = None


#: Name -> `Network`. The first that takes a kind is that kind's default.
NETWORKS = {
    "r2plus1d_small": Network(("video",), makers.r2plus1d(10, 0.125)),
    "r2plus1d_18": Network(("video",), makers.r2plus1d(18, 1.0), makers.load_r2plus1d),
    "clip_mlp": Network(("video",), makers.clip_mlp),
    "densenet": Network(("video",), makers.dense_net, makers.load_dense_net),
    "log_mel": Network(("audio",), makers.log_mel),
    "cnn14": Network(("audio",), makers.cnn14, makers.load_cnn14),
    "wav2vec2": Network(("audio",), makers.wav2vec2, makers.load_wav2vec2),
    "mlp": Network(("array",), makers.mlp),
    "recurrent": Network(("array", "text"), makers.recurrent),
    "text_mlp": Network(("text",), makers.text_mlp),
    "bert": Network(("text",), makers.bert, makers.load_bert, makers.bert_tokenizer),
}


def default_name(kind: str, shape: Sequence) -> str:
    """The network of a kind of modality; arrays of steps have another than flat ones."""
    if kind == "array" and len(shape) == 2:
        return "recurrent"
    return next(name for name, network in NETWORKS.items() if kind in network.kinds)


def find_network(name: str, kind: str, modality: str) -> Network:
    """The network of a name.

    Args:
        name: of `NETWORKS`, or module:function, a function of an `Input` that returns a
            `keras.Model`.
        kind: of the modality.
        modality: its name, for messages.

    Raises:
        ValueError: there is no such network, or it takes no such modality.
    """
    if ":" in name:
        function = _imported(name)
        return Network((kind,), lambda data, slope: _called(name, function, data))
    fitting = [n for n, entry in NETWORKS.items() if kind in entry.kinds]
    if name not in fitting:
        raise ValueError(
            f"`extractor` of {modality!r}, {kind}, must be one of {fitting}, or module:function; "
            f"received {name!r}."
        )
    return NETWORKS[name]


def _imported(name):
    module, _, function = name.partition(":")
    if os.getcwd() not in sys.path:  # as with `python -m`, where `keras-amid` was called
        sys.path.append(os.getcwd())
    try:
        return getattr(importlib.import_module(module), function)
    except Exception as error:  # the module is the user's, and may raise anything
        raise ValueError(
            f"`extractor` must be a name or module:function that can be imported; received "
            f"{name!r}: {error}."
        ) from error


def _called(name, function, data):
    """What a user's function makes of an `Input`."""
    try:
        return function(data)
    except Exception as error:
        raise ValueError(
            f"`extractor` of {data.name!r} must be a function of an `Input` that returns a "
            f"keras.Model; {name!r} raised {type(error).__name__}: {error}."
        ) from error


def make_network(
    network: Network, data: Input, checkpoint: str | None, slope: float
) -> keras.Model:
    """Makes a network.

    Args:
        network: of the modality.
        data: what it gets.
        checkpoint: a file, a folder or a preset, or None.
        slope: of the Leaky ReLU.

    Raises:
        ValueError: the network takes no checkpoint, or the checkpoint is of another network; which.
    """
    if checkpoint is None:
        model = network.make(data, slope)
    elif network.load is None:
        raise ValueError(
            f"`checkpoint` must be of a modality whose extractor has weights to load; received one "
            f"of {data.name!r}: {checkpoint!r}."
        )
    else:
        try:
            model = network.load(data, os.fspath(checkpoint))
        except (OSError, ImportError, ValueError) as error:
            said = str(error).splitlines()
            more = f" and {len(said) - 4} more" if len(said) > 4 else ""
            raise ValueError(
                f"`checkpoint` of {data.name!r} must fit its extractor; received "
                f"{checkpoint!r}: {' '.join(said[:4])}{more}"
            ) from error
    if not isinstance(model, keras.Model) or len(model.outputs[0].shape) != 2:
        raise ValueError(
            f"`extractor` of {data.name!r} must give a keras.Model with an output (batch, "
            f"features); received {model!r}."
        )
    return model
