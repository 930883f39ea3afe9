"""The baseline: the student alone, with its own cross-entropy."""

from __future__ import annotations

import keras

from keras_amid.distiller import Batch, Distiller
from keras_amid.typing import Terms


@keras.saving.register_keras_serializable(package="keras_amid")
class StudentOnly(Distiller):
    """Student alone: the student's network of the other methods, cross-entropy only.

    The arguments are those of `Distiller`. `auxiliary` may be given, so that every method takes the
    same arguments and the same data; its extractors are not run.
    """

    uses_teacher = False

    def distillation_loss(self, batch: Batch) -> Terms:
        """Cross-entropy of the student: name -> (weight, values)."""
        return {"classification_loss": (1.0, batch.classification_loss())}
