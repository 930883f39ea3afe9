"""CRCD: contrastive distillation of the samples' relations."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_amid import losses
from keras_amid.baselines.contrastive_memory import ContrastiveMemory
from keras_amid.baselines.crcd_schedule import DistillationSwitch
from keras_amid.baselines.train_labels import check_train_labels
from keras_amid.distiller import Batch, Distiller
from keras_amid.typing import Tensor, Terms
from keras_amid.validation.arguments import check_number, check_positive_int


@keras.saving.register_keras_serializable(package="keras_amid")
class CRCD(Distiller):
    """Complementary Relation Contrastive Distillation, in the online frame of all methods here.

    Every member a of the batch is an anchor; embeddings z and banks are CRD's, the banks
    normalised at the start:

        r_s[b, a] = norm(z_s,b - bank_t[a] + 1e-6)
        r_t[b, a, j] = norm(bank_t[idx_bj] - bank_t[a] + 1e-6)
        out_s[b, a, j] = exp(r_t . r_s / T) / Z_s,  and out_t mirrored
        L = L_cls + contrastive_weight (NCE(out_s) + NCE(out_t)) + gradient_weight L_grad

    NCE is CRD's, its mean over the B*B rows; L_grad is `losses.gradient_agreement_loss`. Index,
    banks, Z and the variant without an index are as in `CRD`: with banks, evaluation has all but
    the contrastive loss.

    Paper, released code and this differ. The paper contrasts the gradients' relations too; the
    released code (a re-implementation by the author) has in that place, by default, 10 times their
    cosine times its KL divergence; here it is the cosine, added. The released total also has 0.9
    KL of the predictions at temperature 4, and no KL and no contrast in the last 1/25 of the
    training, "a very effective trick": `kl_weight=0.9` and the callback `CRCDSchedule` are that,
    and the row of the tables has both.

    Args:
        target, auxiliary, num_classes, representation_dim, name, **kwargs: see `Distiller`.
        train_labels: integers, shape `(n,)`: the training set's labels, by index (-1, with
            `semi_supervised`, for a sample without). None: in-batch.
        contrastive_weight: float >= 0.
        gradient_weight: float >= 0, of L_grad.
        kl_weight: float >= 0, of `losses.tempered_kl_divergence` of the student's predictions from
            the teacher's, the latter stopped; 0.9 in the released code.
        kl_temperature: float > 0, T of that term.
        temperature: float > 0, T.
        num_negatives: int, K; capped by the number of samples outside the largest class.
        embedding_dim: int, size of z.
        momentum: float in [0, 1].

    Attributes:
        memory: `ContrastiveMemory`: embeddings, banks, Z; `memory.memory_bytes` is
            `n * (8 * embedding_dim + 4)`. A step takes about
            `16 * batch * n + 8 * batch * K * (embedding_dim + 3 * batch)` bytes more.

    Raises:
        ValueError: as `CRD`.

    Reference: Zhu et al., "Complementary Relation Contrastive Distillation", CVPR 2021.
    """

    def __init__(
        self,
        target: dict,
        auxiliary: dict,
        num_classes: int,
        representation_dim: int = 512,
        *,
        train_labels: Any = None,
        contrastive_weight: float = 1.0,
        gradient_weight: float = 1.0,
        temperature: float = 0.05,
        num_negatives: int = 500,
        embedding_dim: int = 128,
        momentum: float = 0.5,
        kl_weight: float = 0.0,
        kl_temperature: float = 4.0,
        name: str = "crcd",
        **kwargs,
    ):
        super().__init__(target, auxiliary, num_classes, representation_dim, name=name, **kwargs)
        self.train_labels = check_train_labels(train_labels, self.num_classes, self.semi_supervised)
        self.contrastive_weight = check_number("contrastive_weight", contrastive_weight, at_least=0)
        self.gradient_weight = check_number("gradient_weight", gradient_weight, at_least=0)
        self.temperature = check_number("temperature", temperature, above=0)
        self.num_negatives = check_positive_int("num_negatives", num_negatives)
        self.embedding_dim = check_positive_int("embedding_dim", embedding_dim)
        self.momentum = check_number("momentum", momentum, at_least=0, at_most=1)
        self.kl_weight = check_number("kl_weight", kl_weight, at_least=0)
        self.kl_temperature = check_number("kl_temperature", kl_temperature, above=0)

    def add_networks(self) -> None:
        """Makes the embeddings, the banks, the constants and the schedule's switch."""
        self.switch = DistillationSwitch(name="switch")
        self.memory = ContrastiveMemory(
            self.representation_dim,
            self.embedding_dim,
            self.train_labels,
            self.num_negatives,
            self.momentum,
            normalize=True,
        )

    def distillation_loss(self, batch: Batch) -> Terms:
        """L_cls, L_grad and the contrastive loss of the relations: name -> (weight, values)."""
        gradient = losses.gradient_agreement_loss(
            batch.student_logits, batch.teacher_logits, batch.targets, self.classifier.kernel
        )
        gradient = batch.over_labelled(gradient)  # of cross-entropies
        on = self.switch.on.value  # 1; 0 in the epochs that `CRCDSchedule` leaves out
        terms = {
            "classification_loss": (1.0, batch.classification_loss()),
            "gradient_loss": (self.gradient_weight, gradient),
        }
        if self.kl_weight:
            kl = losses.tempered_kl_divergence(
                ops.stop_gradient(batch.teacher_logits), batch.student_logits, self.kl_temperature
            )
            terms["kl_loss"] = (on * self.kl_weight, kl)
        if batch.training or not self.memory.has_banks:
            terms["contrastive_loss"] = (on * self.contrastive_weight, self.contrastive_loss(batch))
        return terms

    def contrastive_loss(self, batch: Batch, negatives: Tensor | None = None) -> Tensor:
        """NCE of both sides' relations, for each sample the mean over the anchors, shape (batch,).

        In training, Z is set and the banks are updated.

        Args:
            batch: `keras_amid.Batch`.
            negatives: as of `CRD.contrastive_loss`.
        """
        memory = self.memory
        z_s, z_t = memory.embed(batch.student, batch.teacher)
        candidates = memory.candidates(batch, z_s, z_t, negatives).to_anchors()
        scores_s = self._scores(z_s, candidates.teacher, candidates)
        scores_t = self._scores(z_t, candidates.student, candidates)
        log_z = memory.normalizing_constants(scores_s, scores_t, candidates, batch.training)
        if batch.training:
            memory.update(batch, z_s, z_t)
        n, valid = candidates.size, candidates.valid
        rows = losses.contrastive_representation_loss(
            scores_s, log_z[0], n, valid
        ) + losses.contrastive_representation_loss(scores_t, log_z[1], n, valid)
        return ops.mean(batch.over_complete(rows), axis=1)

    def _scores(self, z, rows, candidates):
        """r_t . r_s / T, shape (batch, anchors, 1 + K)."""
        anchors = ops.take(rows, candidates.own, axis=0)
        cosine = losses.relation_similarity(z, anchors, rows, picked=candidates.picked)
        return cosine / self.temperature
