"""The upper row of Table 4: the teacher alone, with its own cross-entropy."""

from __future__ import annotations

import keras

from keras_amid.distiller import Batch, Distiller
from keras_amid.typing import Terms


@keras.saving.register_keras_serializable(package="keras_amid")
class TeacherOnly(Distiller):
    """Teacher alone: the full-modality network of the other methods, cross-entropy only.

    Its figure is `teacher_accuracy`, its network `model.teacher` (which `AMID` takes as
    `fixed_teacher`). `loss` and `classification_loss` are the teacher's.

    The student is there, so that every call works as for the other methods: it consists of the
    extractors and the classifier that the teacher trains, and of a projection (where there is
    one) that nothing trains: its gradient is 0. So `student_accuracy`, and what `predict` and an
    export give, are those of a student that was never taught. Data with the target modalities
    only have the student's cross-entropy, as everywhere; a sample that lacks an auxiliary modality
    among others that do not (`x["present"]`) trains nothing.

    Args: see `Distiller`.
    """

    def distillation_loss(self, batch: Batch) -> Terms:
        """Cross-entropy of the teacher: name -> (weight, values)."""
        return {"classification_loss": (1.0, batch.cross_entropy(batch.teacher_logits))}
