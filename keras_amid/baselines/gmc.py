"""GMC: geometric multimodal contrastive learning."""

import keras

from keras_amid import losses
from keras_amid.distiller.distiller import Distiller
from keras_amid.validation.arguments import check_number, check_positive_int


@keras.saving.register_keras_serializable(package="keras_amid")
class GMC(Distiller):
    """Geometric Multimodal Contrastive learning, in the online frame of all methods here.

    The joint representation is the teacher's, M; the modalities' are S (target) and A (auxiliary).
    All three go through one shared linear projection and are normalised:

        L = L_cls + contrastive_weight (L_GMC(M, S) + L_GMC(M, A))

    with L_GMC `losses.geometric_multimodal_contrastive_loss`.

    Args:
        target, auxiliary, num_classes, representation_dim, train_auxiliary, projection,
            negative_slope, name: see `Distiller`.
        contrastive_weight: float >= 0.
        temperature: float > 0, tau.
        embedding_dim: int, size of the shared projection (64 in the released code for images and
            sounds).
        positive_in_denominator: bool. True is the released code, False the paper's formula.

    Attributes:
        shared_projection: the linear layer D -> embedding_dim.

    Raises:
        ValueError: for an argument out of its domain.

    Reference: Poklukar et al., "Geometric Multimodal Contrastive Representation Learning",
    ICML 2022.
    """

    log_names = ("contrastive_loss",)

    def __init__(
        self,
        target,
        auxiliary,
        num_classes,
        representation_dim=512,
        contrastive_weight=1.0,
        temperature=0.1,
        embedding_dim=64,
        positive_in_denominator=True,
        train_auxiliary=False,
        projection="auto",
        negative_slope=0.2,
        name="gmc",
        **kwargs,
    ):
        self.contrastive_weight = check_number("contrastive_weight", contrastive_weight, at_least=0)
        self.temperature = check_number("temperature", temperature, above=0)
        self.embedding_dim = check_positive_int("embedding_dim", embedding_dim)
        self.positive_in_denominator = bool(positive_in_denominator)
        shared = (target, auxiliary, num_classes, representation_dim, train_auxiliary)
        super().__init__(*shared, projection, negative_slope, name, **kwargs)

    def add_networks(self):
        """Makes the shared projection."""
        self.shared_projection = keras.layers.Dense(
            self.embedding_dim, dtype="float32", name="shared_projection"
        )
        self.shared_projection.build((None, self.representation_dim))

    def distillation_loss(self, batch):
        """L_cls and GMC's loss of S and of A against M; shape (batch,)."""
        loss = batch.classification_loss()
        contrast = batch.log_mean("contrastive_loss", self.contrastive_loss(batch))
        return loss + self.contrastive_weight * contrast

    def contrastive_loss(self, batch):
        """L_GMC summed over the modalities, shape (batch,)."""
        joint = self.shared_projection(batch.teacher)
        return sum(
            losses.geometric_multimodal_contrastive_loss(
                joint,
                self.shared_projection(modality),
                self.temperature,
                self.positive_in_denominator,
            )
            for modality in (batch.student, batch.auxiliary)
        )

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "contrastive_weight": self.contrastive_weight,
            "temperature": self.temperature,
            "embedding_dim": self.embedding_dim,
            "positive_in_denominator": self.positive_in_denominator,
        }
