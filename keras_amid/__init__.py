"""Cross-modal knowledge distillation for Keras 3: train with every modality, deploy with one.

The algorithm is in `keras_amid/amid/amid.py`. Runs on TensorFlow, JAX and PyTorch, whichever
`KERAS_BACKEND` names.
"""

import importlib
from typing import TYPE_CHECKING

from keras_amid import command

if TYPE_CHECKING or not command.is_running():
    from keras_amid import extractors, losses
    from keras_amid.api import (
        AMID,
        CCL,
        CRCD,
        CRD,
        GMC,
        AMIDSchedule,
        Batch,
        CRCDSchedule,
        DirectAMID,
        Distiller,
        StudentContrast,
        StudentOnly,
        TeacherOnly,
        amid_optimizer,
        checked,
    )

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

__all__ = [
    "AMID",
    "AMIDSchedule",
    "Batch",
    "CCL",
    "CRCD",
    "CRCDSchedule",
    "CRD",
    "DirectAMID",
    "Distiller",
    "GMC",
    "StudentContrast",
    "StudentOnly",
    "TeacherOnly",
    "amid_optimizer",
    "checked",
    "data",
    "export_student",
    "extractors",
    "losses",
    "per_class_accuracy",
    "plots",
    "predict_videos",
    "recall_at_k",
    "weighted_and_unweighted_accuracy",
]


def __getattr__(name):
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(_LAZY.get(name, "keras_amid.api"))
    return module if module.__name__.endswith(f".{name}") else getattr(module, name)


def __dir__():
    return sorted(set(globals()) | set(__all__))
