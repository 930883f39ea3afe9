"""GMC: geometric multimodal contrastive learning."""

from __future__ import annotations

import keras

from keras_amid import losses
from keras_amid.distiller import Batch, Distiller
from keras_amid.typing import Tensor, Terms
from keras_amid.validation.arguments import check_block, check_number, check_positive_int


@keras.saving.register_keras_serializable(package="keras_amid")
class GMC(Distiller):
    """Geometric Multimodal Contrastive learning, in the online frame of all methods here.

    The joint representation is the teacher's, M; the modalities' are S (target) and A (auxiliary).
    All three go through one shared linear projection and are normalised:

        L = L_cls + contrastive_weight (L_GMC(M, S) + L_GMC(M, A))

    with L_GMC `losses.geometric_multimodal_contrastive_loss`. The authors have one term a modality,
    which is the same with one target and one auxiliary modality; with more, `per_modality=True` is
    theirs, and the row of the tables.

    Args:
        target, auxiliary, num_classes, representation_dim, name, **kwargs: see `Distiller`.
        contrastive_weight: float >= 0.
        temperature: float > 0, tau.
        embedding_dim: int, size of the shared projection (64 in the released code for images and
            sounds).
        positive_in_denominator: bool. True is the released code, False the paper's formula.
        per_modality: bool. True: L_GMC(M, .) summed over the modalities, each with a projection of
            its own to size D; a side with one modality has S or A there. A is then the mean of the
            auxiliary ones.
        block: None, or int: L_GMC in blocks of so many rows, for large batches, as of
            `AMID`.

    Attributes:
        shared_projection: the linear layer D -> embedding_dim.

    Raises:
        ValueError: for an argument out of its domain.

    Reference: Poklukar et al., "Geometric Multimodal Contrastive Representation Learning",
    ICML 2022.
    """

    forms_auxiliary = True

    def __init__(
        self,
        target: dict,
        auxiliary: dict,
        num_classes: int,
        representation_dim: int = 512,
        *,
        contrastive_weight: float = 1.0,
        temperature: float = 0.1,
        embedding_dim: int = 64,
        positive_in_denominator: bool = True,
        per_modality: bool = False,
        block: int | None = None,
        name: str = "gmc",
        **kwargs,
    ):
        super().__init__(target, auxiliary, num_classes, representation_dim, name=name, **kwargs)
        self.contrastive_weight = check_number("contrastive_weight", contrastive_weight, at_least=0)
        self.temperature = check_number("temperature", temperature, above=0)
        self.embedding_dim = check_positive_int("embedding_dim", embedding_dim)
        self.positive_in_denominator = bool(positive_in_denominator)
        self.per_modality = bool(per_modality)
        self.block = check_block(block)
        sides = (self.target_extractors, self.auxiliary_extractors)
        if self.per_modality:
            self.separate_modalities = tuple(m for side in sides if len(side) > 1 for m in side)

    def add_networks(self) -> None:
        """Makes the shared projection."""
        self.shared_projection = keras.layers.Dense(
            self.embedding_dim, dtype="float32", name="shared_projection"
        )
        self.shared_projection.build((None, self.representation_dim))

    def distillation_loss(self, batch: Batch) -> Terms:
        """L_cls and GMC's loss of S and of A against M: name -> (weight, values)."""
        return {
            "classification_loss": (1.0, batch.classification_loss()),
            "contrastive_loss": (self.contrastive_weight, self.contrastive_loss(batch)),
        }

    def contrastive_loss(self, batch: Batch) -> Tensor:
        """L_GMC summed over the modalities, shape (batch,)."""
        joint = self.shared_projection(batch.teacher)
        modalities = (batch.student, batch.auxiliary)
        if batch.modalities is not None:
            modalities = tuple(batch.modalities.values())
        return sum(
            losses.geometric_multimodal_contrastive_loss(
                joint,
                self.shared_projection(modality),
                self.temperature,
                self.positive_in_denominator,
                batch.complete,
                self.block,
            )
            for modality in modalities
        )
