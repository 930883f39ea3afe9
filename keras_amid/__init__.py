"""Cross-modal knowledge distillation for Keras 3: train with every modality, deploy with one.

The algorithm is in `keras_amid/amid/amid.py`. Runs on TensorFlow, JAX and PyTorch, whichever
`KERAS_BACKEND` names.
"""

import importlib
from typing import TYPE_CHECKING

from keras_amid import command

if TYPE_CHECKING or not command.is_running():
    from keras_amid.api import *  # noqa: F403

__version__ = "0.1.0"

# Loaded on first use: they need more than Keras (TensorFlow, PyAV, scikit-learn, matplotlib). In
# the process of the command everything is.
_LAZY = {
    "data": "keras_amid.data",
    "export_student": "keras_amid.export",
    "extractors": "keras_amid.extractors",
    "losses": "keras_amid.losses",
    "per_class_accuracy": "keras_amid.evaluation.accuracy",
    "plots": "keras_amid.evaluation.plots",
    "predict_videos": "keras_amid.evaluation.videos",
    "recall_at_k": "keras_amid.evaluation.retrieval",
    "weighted_and_unweighted_accuracy": "keras_amid.evaluation.accuracy",
}


def __getattr__(name):
    if name.startswith("_") and name != "__all__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _LAZY:
        module = importlib.import_module(_LAZY[name])
        return module if module.__name__.endswith(f".{name}") else getattr(module, name)
    api = importlib.import_module("keras_amid.api")
    if name == "__all__":
        return sorted([*api.__all__, *_LAZY])
    if name not in api.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(api, name)


def __dir__():
    return sorted(set(globals()) | set(__getattr__("__all__")))
