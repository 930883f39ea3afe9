"""The simplest way from auxiliary to student: no teacher, one contrast."""

from __future__ import annotations

import keras

from keras_amid import losses
from keras_amid.distiller import Batch, Distiller
from keras_amid.typing import Tensor, Terms
from keras_amid.validation.arguments import check_block, check_number


@keras.saving.register_keras_serializable(package="keras_amid")
class StudentContrast(Distiller):
    """Cross-entropy of the student and CCL's contrast of student and auxiliary, no teacher.

        L = CE(S) + contrastive_weight Sym(S, A)

    Sym is `losses.symmetric_noise_contrastive_loss`. Of no paper: the row that says how much of a
    method's gain needs a teacher at all. Where the others have their teacher's figures, here are
    those of the auxiliary through the student's classifier, which it never trains
    (`teacher_accuracy`, `model.teacher`).

    Args:
        target, auxiliary, num_classes, representation_dim, name, **kwargs: see `Distiller`.
        contrastive_weight: float >= 0, of Sym.
        temperature: float > 0, tau of Sym.
        block: None, or int: Sym in blocks of so many samples, for large batches, as of
            `AMID`.

    Raises:
        ValueError: for an argument out of its domain.
    """

    def __init__(
        self,
        target: dict,
        auxiliary: dict,
        num_classes: int,
        representation_dim: int = 512,
        *,
        contrastive_weight: float = 1.0,
        temperature: float = 0.5,
        block: int | None = None,
        name: str = "student_contrast",
        **kwargs,
    ):
        super().__init__(target, auxiliary, num_classes, representation_dim, name=name, **kwargs)
        self.contrastive_weight = check_number("contrastive_weight", contrastive_weight, at_least=0)
        self.temperature = check_number("temperature", temperature, above=0)
        self.block = check_block(block)

    def add_teacher(self, features: dict) -> None:
        """Makes nothing: there is no teacher's network."""

    def teacher_representation(self, features: list, student: Tensor, auxiliary: Tensor) -> Tensor:
        """A, in the teacher's place."""
        return auxiliary

    def distillation_loss(self, batch: Batch) -> Terms:
        """The two terms: name -> (weight, values)."""
        l_sym = losses.symmetric_noise_contrastive_loss(
            batch.student, batch.auxiliary, batch.labels, self.temperature, self.block
        )
        return {
            "classification_loss": (1.0, batch.classification_loss(with_teacher=False)),
            "contrastive_loss": (self.contrastive_weight, l_sym),
        }
