"""CRD: contrastive representation distillation with memory banks."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_amid import losses
from keras_amid.baselines.contrastive_memory import ContrastiveMemory
from keras_amid.baselines.train_labels import check_train_labels
from keras_amid.distiller import Batch, Distiller
from keras_amid.typing import Tensor, Terms
from keras_amid.validation.arguments import check_number, check_positive_int


@keras.saving.register_keras_serializable(package="keras_amid")
class CRD(Distiller):
    """Contrastive Representation Distillation, in the online frame of all methods here.

        z_s = l2norm(Linear(S)),  z_t = l2norm(Linear(M))
        out_s[i, j] = exp(bank_t[idx_ij] . z_s,i / T) / Z_s,  and out_t mirrored
        L = L_cls + contrastive_weight (NCE(out_s) + NCE(out_t))
        bank[index] <- l2norm(momentum bank[index] + (1 - momentum) z), on both sides

    with NCE `losses.contrastive_representation_loss`. idx_i is the sample's own index, then K
    indices of other classes, drawn without replacement at every step. Bank rows carry no gradient.
    Z, the paper's normaliser over the data set, is set once, from the first training batch, as in
    the released code. The original teacher is fixed; here it learns too.

    With banks, x must hold "index", each sample's place in `train_labels`, in training. Without
    (`train_labels=None`) the negatives are the batch's members of other classes and no index is
    needed. The banks hold training samples, so evaluation has L_cls only; without them it has all.

    Args:
        target, auxiliary, num_classes, representation_dim, name, **kwargs: see `Distiller`.
        train_labels: integers, shape `(n,)`: the training set's labels, by index (-1, with
            `semi_supervised`, for a sample without). None: in-batch.
        contrastive_weight: float >= 0.
        temperature: float > 0, T.
        num_negatives: int, K; capped by the number of samples outside the largest class.
        embedding_dim: int, size of z.
        momentum: float in [0, 1].

    Attributes:
        memory: `ContrastiveMemory`: embeddings, banks, Z; `memory.memory_bytes` is
            `n * (8 * embedding_dim + 4)`, and a step takes about `16 * batch * n` bytes more.

    Raises:
        ValueError: for an argument out of its domain.

    Reference: Tian et al., "Contrastive Representation Distillation", ICLR 2020.
    """

    def __init__(
        self,
        target: dict,
        auxiliary: dict,
        num_classes: int,
        representation_dim: int = 512,
        *,
        train_labels: Any = None,
        contrastive_weight: float = 0.8,
        temperature: float = 0.07,
        num_negatives: int = 16384,
        embedding_dim: int = 128,
        momentum: float = 0.5,
        name: str = "crd",
        **kwargs,
    ):
        super().__init__(target, auxiliary, num_classes, representation_dim, name=name, **kwargs)
        self.train_labels = check_train_labels(train_labels, self.num_classes, self.semi_supervised)
        self.contrastive_weight = check_number("contrastive_weight", contrastive_weight, at_least=0)
        self.temperature = check_number("temperature", temperature, above=0)
        self.num_negatives = check_positive_int("num_negatives", num_negatives)
        self.embedding_dim = check_positive_int("embedding_dim", embedding_dim)
        self.momentum = check_number("momentum", momentum, at_least=0, at_most=1)

    def add_networks(self) -> None:
        """Makes the embeddings, the banks and the constants."""
        self.memory = ContrastiveMemory(
            self.representation_dim,
            self.embedding_dim,
            self.train_labels,
            self.num_negatives,
            self.momentum,
        )

    def distillation_loss(self, batch: Batch) -> Terms:
        """L_cls and, both sides added, the contrastive loss: name -> (weight, values)."""
        terms = {"classification_loss": (1.0, batch.classification_loss())}
        if batch.training or not self.memory.has_banks:
            terms["contrastive_loss"] = (self.contrastive_weight, self.contrastive_loss(batch))
        return terms

    def contrastive_loss(self, batch: Batch, negatives: Tensor | None = None) -> Tensor:
        """NCE of both sides, shape (batch,); in training, Z is set and the banks are updated.

        Args:
            batch: `keras_amid.Batch`, with its index where there are banks.
            negatives: None, to draw them, or integers `(batch, K)`: the negatives of each sample,
                as places in `train_labels` or, without banks, in the batch. All of them count.
        """
        memory = self.memory
        z_s, z_t = memory.embed(batch.student, batch.teacher)
        candidates = memory.candidates(batch, z_s, z_t, negatives)
        scores_s = self._scores(z_s, candidates.teacher, candidates.picked)
        scores_t = self._scores(z_t, candidates.student, candidates.picked)
        log_z = memory.normalizing_constants(scores_s, scores_t, candidates, batch.training)
        if batch.training:
            memory.update(batch, z_s, z_t)
        n, valid = candidates.size, candidates.valid
        return losses.contrastive_representation_loss(
            scores_s, log_z[0], n, valid
        ) + losses.contrastive_representation_loss(scores_t, log_z[1], n, valid)

    def _scores(self, z, rows, picked):
        """z_i . row[idx_ij] / T, shape (batch, 1 + K)."""
        scores = ops.matmul(z, ops.transpose(rows)) / self.temperature
        return ops.take_along_axis(scores, picked, axis=1)
