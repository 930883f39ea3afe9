"""AMID, Adversarial Mutual Information Distillation: the algorithm, Eq. 8 to 17.

Chen et al., "Enhanced Multimodal Representation Learning with Cross-modal KD", CVPR 2023.
"""

import keras
from keras import ops

from keras_amid import losses
from keras_amid.amid.discriminators import (
    discriminate,
    enhanced_discriminator,
    fundamental_discriminator,
)
from keras_amid.amid.state import AMIDState
from keras_amid.distiller.distiller import Distiller
from keras_amid.losses.similarity import cosine_similarity
from keras_amid.validation.arguments import check_choice, check_number, check_pair_normalizer

CONTRASTIVE_LOSSES = ("mutual_information", "noise_contrastive")


@keras.saving.register_keras_serializable(package="keras_amid")
class AMID(Distiller):
    """Adversarial Mutual Information Distillation.

    Student S, auxiliary A and teacher M learn together (online distillation):

        L   = L_cls + L_JSD + a1 L_MIs + a2 L_MIa + a3 L_adv                                 (17)
        L_D : the discriminators' own loss                                                   (13)

    `fit` needs the callback `AMIDSchedule` for the warm-up and the adaptive lambda; without it
    there is no warm-up and lambda stays (1/2, 1/2).

    Args:
        target, auxiliary, num_classes, representation_dim, train_auxiliary, projection,
            negative_slope, name: see `Distiller`.
        temperature: float > 0, tau of Eq. 7.
        mi_student_weight: float >= 0, a1.
        mi_auxiliary_weight: float >= 0, a2.
        adversarial_weight: float >= 0, a3.
        pair_normalizer: d of Eq. 12: `"frequency"` (the running mean over training batches of
            the number of samples whose class occurs more than once, at least 1), `"batch"` (that
            number in this batch, at least 1) or a positive number.
        contrastive_loss: `"mutual_information"` (Eq. 8) or, the ablation of Table 4,
            `"noise_contrastive"` (CCL's).
        use_enhanced_discriminator: False leaves D2 out, the ablation of Table 5: then lambda is
            (1, 0).
        detach_teacher: ours, not the paper's: True detaches M inside L_MIs, so that the
            student's alignment cannot weaken the teacher.
        normalize_positives: ours, not the paper's: True divides the positives' part of Eq. 8 by
            their number k. Then there is no bound (Eq. 6) to log.
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

    log_names = (
        "divergence_loss",
        "mi_student_loss",
        "mi_auxiliary_loss",
        "adversarial_loss",
        "discriminator_loss",
        "mi_student_bound",
        "mi_auxiliary_bound",
        "instance_cosine",
        "class_cosine",
        "lambda_1",
        "lambda_2",
    )

    def __init__(
        self,
        target,
        auxiliary,
        num_classes,
        representation_dim=512,
        temperature=0.5,
        mi_student_weight=4.0,
        mi_auxiliary_weight=1.6,
        adversarial_weight=1.0,
        pair_normalizer="frequency",
        train_auxiliary=False,
        projection="auto",
        detach_teacher=False,
        contrastive_loss="mutual_information",
        use_enhanced_discriminator=True,
        normalize_positives=False,
        fixed_teacher=None,
        negative_slope=0.2,
        name="amid",
        **kwargs,
    ):
        shared = (target, auxiliary, num_classes, representation_dim, train_auxiliary)
        super().__init__(*shared, projection, negative_slope, name, fixed_teacher, **kwargs)
        self.temperature = check_number("temperature", temperature, above=0)
        self.mi_student_weight, self.mi_auxiliary_weight, self.adversarial_weight = (
            check_number(f"{term}_weight", weight, at_least=0)
            for term, weight in (
                ("mi_student", mi_student_weight),
                ("mi_auxiliary", mi_auxiliary_weight),
                ("adversarial", adversarial_weight),
            )
        )
        self.pair_normalizer = check_pair_normalizer(pair_normalizer)
        self.detach_teacher = bool(detach_teacher)
        self.contrastive_loss = check_choice(
            "contrastive_loss", contrastive_loss, CONTRASTIVE_LOSSES
        )
        self.normalize_positives = bool(normalize_positives)
        self.use_enhanced_discriminator = bool(use_enhanced_discriminator)
        self.enhanced_discriminator.trainable = self.use_enhanced_discriminator

    def add_networks(self):
        """Makes the discriminators and the state."""
        self.fundamental_discriminator = fundamental_discriminator(self.representation_dim)
        self.enhanced_discriminator = enhanced_discriminator(self.representation_dim)
        self.state = AMIDState(name="state")

    def train_step(self, *args, **kwargs):
        """One step, the paper's three updates in one pass.

        `compute_loss` gives the scalar L + L_D, in which
        1. the extractors, S, A, M and the classifier get the gradient of L (Eq. 17): the
           discriminators' weights are stopped in L_adv;
        2. D1 and 3. D2 get that of L_D (Eq. 13): M and S are stopped in L_D.
        So one backward pass yields the three gradients, and `amid_optimizer` hands each group to
        its optimizer.
        """
        return super().train_step(*args, **kwargs)

    def distillation_loss(self, batch):
        """Eq. 17 and, for the discriminators only, Eq. 13; one value a sample, shape (batch,)."""
        a1, a2, a3 = self.mi_student_weight, self.mi_auxiliary_weight, self.adversarial_weight
        l_cls = batch.classification_loss(with_teacher=self.fixed_teacher is None)
        l_jsd = self.divergence_loss(batch)
        l_mi_s, l_mi_a = self.mutual_information_losses(batch)
        l_adv, l_d = self.adversarial_losses(batch)
        self.log_alignment(batch)

        after_warmup = self.state.after_warmup.value
        return l_cls + l_jsd + after_warmup * (a1 * l_mi_s + a2 * l_mi_a + a3 * l_adv + l_d)

    def divergence_loss(self, batch):
        """L_JSD (Eq. 16), shape (batch,)."""
        divergence = losses.jensen_shannon_divergence(batch.student_logits, batch.teacher_logits)
        return batch.log_mean("divergence_loss", divergence)

    def mutual_information_losses(self, batch):
        """L_MIs (Eq. 8) and L_MIa (Eq. 9), each of shape (batch,); logs the bounds (Eq. 6)."""
        m = ops.stop_gradient(batch.teacher) if self.detach_teacher else batch.teacher
        l_mi_s = self._mutual_information(batch, "mi_student", m, batch.student)
        if batch.auxiliary is None:  # a fixed teacher
            return l_mi_s, ops.zeros_like(l_mi_s)
        return l_mi_s, self._mutual_information(
            batch, "mi_auxiliary", batch.teacher, batch.auxiliary
        )

    def _mutual_information(self, batch, name, m, candidates):
        y, tau = batch.labels, self.temperature
        if self.contrastive_loss == "noise_contrastive":
            values = losses.noise_contrastive_loss(m, candidates, y, tau)
        else:
            values = losses.mutual_information_loss(m, candidates, y, tau, self.normalize_positives)
            if not self.normalize_positives:
                bound, valid = losses.mutual_information_bound(values, y)
                anchors = ops.sum(valid)
                batch.log(f"{name}_bound", ops.sum(bound) / ops.maximum(anchors, 1.0), anchors)
        return batch.log_mean(f"{name}_loss", values)

    def adversarial_losses(self, batch):
        """L_adv (Eq. 12), which reaches S only, and L_D (Eq. 13), which reaches D1, D2 only."""
        m, s, y = batch.teacher, batch.student, batch.labels
        d1, d2 = self.fundamental_discriminator, self.enhanced_discriminator
        weights, d = self._lambda(batch), self._pair_normalizer(batch)
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
        return (
            batch.log_mean("adversarial_loss", l_adv),
            batch.log_mean("discriminator_loss", l_d),
        )

    def log_alignment(self, batch):
        """Phi_1 and Phi_2 of Eq. 14: logged, and in training summed for the next lambda."""
        cosine = ops.stop_gradient(cosine_similarity(batch.teacher, batch.student))
        instance = ops.trace(cosine)
        pairs = ops.cast(losses.same_class(batch.labels), cosine.dtype)
        count = ops.sum(pairs) - batch.size
        others = ops.sum(pairs * cosine) - instance
        batch.log("instance_cosine", instance / batch.size)
        batch.log("class_cosine", others / ops.maximum(count, 1.0), count)
        if batch.training:
            self.state.add_cosines(instance, batch.size, others, count)

    def _lambda(self, batch):
        """lambda_1, lambda_2 of this epoch (Eq. 14)."""
        lambda_1, lambda_2 = ops.unstack(ops.softmax(self.state.lambda_tilde.value), 2)
        if not self.use_enhanced_discriminator:
            lambda_1, lambda_2 = ops.ones_like(lambda_1), ops.zeros_like(lambda_2)
        if batch.training:
            batch.log("lambda_1", lambda_1)
            batch.log("lambda_2", lambda_2)
        return lambda_1, lambda_2

    def _pair_normalizer(self, batch):
        """d of Eq. 12."""
        if self.pair_normalizer != "frequency":
            return self.pair_normalizer
        same = ops.cast(losses.same_class(batch.labels), "float32")
        repeated = ops.sum(ops.cast(ops.sum(same, axis=1) > 1.5, "float32"))
        return self.state.frequency_of_repeats(repeated, update=batch.training)

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "temperature": self.temperature,
            "mi_student_weight": self.mi_student_weight,
            "mi_auxiliary_weight": self.mi_auxiliary_weight,
            "adversarial_weight": self.adversarial_weight,
            "pair_normalizer": self.pair_normalizer,
            "detach_teacher": self.detach_teacher,
            "contrastive_loss": self.contrastive_loss,
            "use_enhanced_discriminator": self.use_enhanced_discriminator,
            "normalize_positives": self.normalize_positives,
        }
