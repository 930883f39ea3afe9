"""Losses as plain functions: one value per sample, the reduction is the caller's.

Where a loss compares the samples of a batch, a negative label leaves its sample out: it is neither
anchor nor candidate, of no pair and counted nowhere; its own value is 0, whatever (finite) stands
in its place.
"""

from keras_amid.losses.adversarial import adversarial_loss, discriminator_loss
from keras_amid.losses.contrastive_representation import (
    contrastive_representation_loss,
    log_normalizing_constant,
)
from keras_amid.losses.geometric_multimodal import geometric_multimodal_contrastive_loss
from keras_amid.losses.gradient_agreement import gradient_agreement_loss
from keras_amid.losses.jensen_shannon import jensen_shannon_divergence
from keras_amid.losses.mutual_information import (
    mutual_information_bound,
    mutual_information_loss,
)
from keras_amid.losses.noise_contrastive import (
    noise_contrastive_loss,
    symmetric_noise_contrastive_loss,
)
from keras_amid.losses.relation import relation_similarity
from keras_amid.losses.same_class import next_of_same_class, other_class, same_class
from keras_amid.losses.symmetric_kl import symmetric_kl_divergence
from keras_amid.losses.tempered_kl import tempered_kl_divergence

__all__ = [
    "adversarial_loss",
    "contrastive_representation_loss",
    "discriminator_loss",
    "geometric_multimodal_contrastive_loss",
    "gradient_agreement_loss",
    "jensen_shannon_divergence",
    "log_normalizing_constant",
    "mutual_information_bound",
    "mutual_information_loss",
    "next_of_same_class",
    "noise_contrastive_loss",
    "other_class",
    "relation_similarity",
    "same_class",
    "symmetric_kl_divergence",
    "symmetric_noise_contrastive_loss",
    "tempered_kl_divergence",
]
