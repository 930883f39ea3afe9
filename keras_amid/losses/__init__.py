"""Losses as plain functions: one value a sample, the reduction is the caller's."""

from keras_amid.losses.adversarial import adversarial_loss, discriminator_loss
from keras_amid.losses.jensen_shannon import jensen_shannon_divergence
from keras_amid.losses.mutual_information import (
    mutual_information_bound,
    mutual_information_loss,
)
from keras_amid.losses.noise_contrastive import noise_contrastive_loss
from keras_amid.losses.same_class import next_of_same_class, same_class

__all__ = [
    "adversarial_loss",
    "discriminator_loss",
    "jensen_shannon_divergence",
    "mutual_information_bound",
    "mutual_information_loss",
    "next_of_same_class",
    "noise_contrastive_loss",
    "same_class",
]
