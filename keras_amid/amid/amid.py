"""AMID, Adversarial Mutual Information Distillation: the algorithm, Eq. 8 to 17.

Chen et al., "Enhanced Multimodal Representation Learning with Cross-modal KD", CVPR 2023.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from keras_amid import losses
from keras_amid.amid.departures import Departures
from keras_amid.amid.discriminators import (
    discriminate,
    enhanced_discriminator,
    fundamental_discriminator,
)
from keras_amid.amid.state import AMIDState
from keras_amid.distiller import Batch, Distiller
from keras_amid.losses.same_class import class_counts, first_in_class, takes_part
from keras_amid.losses.similarity import l2_normalize
from keras_amid.typing import Logs, Tensor, Terms
from keras_amid.validation.arguments import (
    check_block,
    check_choice,
    check_number,
    check_pair_normalizer,
)

CONTRASTIVE_LOSSES = (
    "mutual_information",
    "noise_contrastive",
    "symmetric_noise_contrastive",
)


@keras.saving.register_keras_serializable(package="keras_amid")
class AMID(Distiller):
    """Adversarial Mutual Information Distillation.

    Student S, auxiliary A and teacher M learn together (online distillation):

        L   = L_cls + L_JSD + a1 L_MIs + a2 L_MIa + a3 L_adv                                 (17)
        L_D : the discriminators' own loss                                                   (13)

    `fit` needs the callback `AMIDSchedule` for the warm-up and the adaptive lambda; without it
    there is no warm-up and lambda stays (1/2, 1/2).

    Args:
        target, auxiliary, num_classes, representation_dim, name, **kwargs: see `Distiller`.
        temperature: float > 0, tau of Eq. 7.
        mi_student_weight: float >= 0, a1.
        mi_auxiliary_weight: float >= 0, a2.
        adversarial_weight: float >= 0, a3.
        pair_normalizer: d of Eq. 12: `"frequency"` (the running mean over training batches of
            the number of samples whose class occurs more than once, at least 1), `"batch"` (that
            number in this batch, at least 1) or a positive number.
        contrastive_loss: `"mutual_information"` (Eq. 8) or, the ablation of Table 4,
            `"noise_contrastive"`: CCL's NCE in the place and the direction of Eq. 8 and 9, the
            teacher the anchor. CCL itself has both directions, which is
            `"symmetric_noise_contrastive"`; the paper does not say which its Table 4 has.
        use_enhanced_discriminator: False leaves D2 out, the ablation of Table 5: then lambda is
            (1, 0).
        detach_teacher, normalize_positives: bool, ours and not the paper's; see `Departures`.
        block: None, or int: Eq. 8 and 9 in blocks of so many samples, for large batches: memory
            grows with `batch * block` instead of `batch * batch`, to the same result.
        fixed_teacher: None, or a trained model with extractors of its own (a built `TeacherOnly`,
            another `AMID`, or the `teacher` of one): the ablation of Table 5. It is frozen, in
            inference mode, and saved with the model; S aligns to its M, L_JSD takes its logits,
            and L_cls is the student's. L_MIa, which could reach nothing else, is left out, and
            the `auxiliary` extractors are not run.

    Attributes:
        fundamental_discriminator, enhanced_discriminator: D1 (5 layers) and D2 (3 layers).

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
        temperature: float = 0.5,
        mi_student_weight: float = 4.0,
        mi_auxiliary_weight: float = 1.6,
        adversarial_weight: float = 1.0,
        pair_normalizer: float | str = "frequency",
        contrastive_loss: str = "mutual_information",
        use_enhanced_discriminator: bool = True,
        detach_teacher: bool = False,
        normalize_positives: bool = False,
        block: int | None = None,
        name: str = "amid",
        **kwargs,
    ):
        super().__init__(target, auxiliary, num_classes, representation_dim, name=name, **kwargs)
        self.temperature = check_number("temperature", temperature, above=0)
        self.mi_student_weight = check_number("mi_student_weight", mi_student_weight, at_least=0)
        self.mi_auxiliary_weight = check_number(
            "mi_auxiliary_weight", mi_auxiliary_weight, at_least=0
        )
        self.adversarial_weight = check_number("adversarial_weight", adversarial_weight, at_least=0)
        self.pair_normalizer = check_pair_normalizer(pair_normalizer)
        self.contrastive_loss = check_choice(
            "contrastive_loss", contrastive_loss, CONTRASTIVE_LOSSES
        )
        self.use_enhanced_discriminator = bool(use_enhanced_discriminator)
        self.departures = Departures(bool(detach_teacher), bool(normalize_positives))
        self.block = check_block(block)
        self.forms_auxiliary = self.mi_auxiliary_weight > 0

    def add_networks(self) -> None:
        """Makes the discriminators and the state."""
        sizes = (self.representation_dim, self.negative_slope)
        self.fundamental_discriminator = fundamental_discriminator(*sizes)
        self.enhanced_discriminator = enhanced_discriminator(*sizes)
        self.enhanced_discriminator.trainable = self.use_enhanced_discriminator
        self.state = AMIDState(name="state")

    def train_step(self, *args, **kwargs) -> Any:
        """One step, the paper's three updates in one pass.

        `compute_loss` gives the scalar L + L_D, in which
        1. the extractors, S, A, M and the classifier get the gradient of L (Eq. 17): the
           discriminators' weights are stopped in L_adv;
        2. D1 and 3. D2 get that of L_D (Eq. 13): M and S are stopped in L_D.
        So one backward pass yields the three gradients, and `amid_optimizer` hands each group to
        its optimizer: all step from the same weights (the order of the paper stands in a supplement
        that was not at hand).
        """
        return super().train_step(*args, **kwargs)

    def distillation_loss(self, batch: Batch) -> Terms:
        """Eq. 17 and, for the discriminators only, Eq. 13, as terms: name -> (weight, values)."""
        a1, a2, a3 = self.mi_student_weight, self.mi_auxiliary_weight, self.adversarial_weight
        l_cls = batch.classification_loss(with_teacher=self.fixed_teacher is None)
        l_jsd = losses.jensen_shannon_divergence(batch.student_logits, batch.teacher_logits)
        l_mi_s, l_mi_a = self.mutual_information_losses(batch)
        l_adv, l_d = self.adversarial_losses(batch)

        on = self.state.after_warmup.value  # 0 in the warm-up, then 1
        return {
            "classification_loss": (1.0, l_cls),
            "divergence_loss": (1.0, l_jsd),
            "mi_student_loss": (on * a1, l_mi_s),
            **({} if l_mi_a is None else {"mi_auxiliary_loss": (on * a2, l_mi_a)}),
            "adversarial_loss": (on * a3, l_adv),
            "discriminator_loss": (on, l_d),
        }

    def mutual_information_losses(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """L_MIs (Eq. 8) and L_MIa (Eq. 9; None with a fixed teacher), each of shape (batch,)."""
        m, s, a = batch.teacher, batch.student, batch.auxiliary
        l_mi_s = self._mutual_information(batch, self.departures.aligned_teacher(m), s)
        return l_mi_s, None if a is None else self._mutual_information(batch, m, a)

    def _mutual_information(self, batch, m, candidates):
        y, tau = batch.labels, self.temperature
        if self.contrastive_loss == "noise_contrastive":
            return losses.noise_contrastive_loss(m, candidates, y, tau, self.block)
        if self.contrastive_loss == "symmetric_noise_contrastive":
            return losses.symmetric_noise_contrastive_loss(m, candidates, y, tau, self.block)
        normalize = self.departures.normalize_positives
        return losses.mutual_information_loss(m, candidates, y, tau, normalize, self.block)

    def adversarial_losses(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """L_adv (Eq. 12), which reaches S only, and L_D (Eq. 13), which reaches D1, D2 only."""
        m, s, y = batch.teacher, batch.student, batch.labels
        d1, d2 = self.fundamental_discriminator, self.enhanced_discriminator
        weights, d = self._lambda(), self._pair_normalizer(batch)
        l_adv = losses.adversarial_loss(
            discriminate(d1, s, stop_weights=True),
            discriminate(d2, s, stop_weights=True),
            y,
            weights,
            d,
        )
        both = ops.stop_gradient(ops.concatenate([m, s], axis=0))
        d1_teacher, d1_student = ops.split(discriminate(d1, both), 2, axis=0)
        d2_teacher, d2_student = ops.split(discriminate(d2, both), 2, axis=0)
        l_d = losses.discriminator_loss(
            d1_teacher, d1_student, d2_teacher, d2_student, y, weights, d
        )
        return l_adv, l_d

    def monitored(self, batch: Batch, terms: Terms) -> Logs:
        """The bounds of Eq. 6, Phi_1 and Phi_2 of Eq. 14 (in training summed for it), lambda."""
        logs = self._alignment(batch)
        if self.contrastive_loss == "mutual_information" and not self.normalize_positives:
            for side in ("mi_student", "mi_auxiliary"):
                if f"{side}_loss" in terms:
                    _, values = terms[f"{side}_loss"]
                    bound, valid = losses.mutual_information_bound(values, batch.labels)
                    anchors = ops.sum(valid)
                    mean = ops.sum(bound) / ops.maximum(anchors, 1.0)
                    logs[f"{side}_bound"] = (mean, anchors)
        if batch.training:
            weights = zip(("lambda_1", "lambda_2"), self._lambda(), strict=True)
            logs |= {name: (value, batch.size) for name, value in weights}
        return logs

    def _alignment(self, batch):
        """Phi_1 and Phi_2 of Eq. 14, as logs."""
        m, s = (ops.stop_gradient(l2_normalize(r)) for r in (batch.teacher, batch.student))
        there = ops.expand_dims(ops.cast(takes_part(batch.labels), m.dtype), 1)
        m, s = m * there, s * there
        instance = ops.sum(m * s)  # of the complete samples, each its own pair
        # The sum over all pairs of a class is the product of the class's sums.
        place, samples = first_in_class(batch.labels), ops.shape(m)[0]
        m, s = (ops.segment_sum(r, place, num_segments=samples) for r in (m, s))
        others = ops.sum(m * s) - instance
        positives, _ = class_counts(batch.labels)
        count = ops.cast(ops.sum(positives), m.dtype) - batch.size
        if batch.training:
            self.state.add_cosines(instance, batch.size, others, count)
        return {
            "instance_cosine": (instance / ops.maximum(batch.size, 1.0), batch.size),
            "class_cosine": (others / ops.maximum(count, 1.0), count),
        }

    def _lambda(self):
        """lambda_1, lambda_2 of this epoch (Eq. 14)."""
        lambda_1, lambda_2 = ops.unstack(ops.softmax(self.state.lambda_tilde.value), 2)
        if not self.use_enhanced_discriminator:
            return ops.ones_like(lambda_1), ops.zeros_like(lambda_2)
        return lambda_1, lambda_2

    def _pair_normalizer(self, batch):
        """d of Eq. 12."""
        if self.pair_normalizer != "frequency":
            return self.pair_normalizer
        positives, _ = class_counts(batch.labels)
        repeated = ops.sum(ops.cast(positives > 1, "float32"))
        return self.state.frequency_of_repeats(repeated, batch.size, update=batch.training)

    @property
    def detach_teacher(self) -> bool:
        """See `Departures`."""
        return self.departures.detach_teacher

    @property
    def normalize_positives(self) -> bool:
        """See `Departures`."""
        return self.departures.normalize_positives
