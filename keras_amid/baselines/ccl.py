"""CCL: compositional contrastive learning."""

from __future__ import annotations

import keras
from keras import ops

from keras_amid import losses
from keras_amid.distiller import Batch, Distiller
from keras_amid.distiller.composition import build_composition
from keras_amid.typing import Tensor, Terms
from keras_amid.validation.arguments import check_block, check_choice, check_number

DIVERGENCES = {
    "symmetric_kl": losses.symmetric_kl_divergence,
    "jensen_shannon": losses.jensen_shannon_divergence,
}


@keras.saving.register_keras_serializable(package="keras_amid")
class CCL(Distiller):
    """Compositional Contrastive Learning, in the online frame of all methods here.

    The teacher is the composition of A and S (v: S, a: A, av: M), in place of the teacher's MLP:

        av = a + Linear([norm a; norm v])
        student:     CE(v)  + Sym(v, av) + Sym(v, a)  + D(v, av)
        composition: CE(av) + Sym(v, av) + Sym(av, a) + D(v, av)

    Sym is `losses.symmetric_noise_contrastive_loss`, D the divergence of the two predictions. As
    in the released code, the student's side gets the gradient of the student's loss alone, while
    the composition gets that of both. Here student and composition share the classifier, and A
    has size D (a projection where its features have another); both get the gradient of both.

    With several auxiliary modalities the released code has one composition for each, and the
    student's Sym and D terms are their mean: `per_modality=True` is that, and the row of the
    tables. Otherwise there is one composition, of A over all auxiliary features. The released code
    leaves samples whose sound is silent out of all but the student's cross-entropy: here such a
    sample lacks the modality, which `x["present"]` says, to the same effect.

    Args:
        target, auxiliary, num_classes, representation_dim, name, **kwargs: see `Distiller`.
        contrastive_weight: float >= 0, of the Sym terms.
        temperature: float > 0, tau of the Sym terms.
        divergence: `"symmetric_kl"`, half the symmetric KL divergence, which the released code
            calls JSD, or `"jensen_shannon"`, what the paper's formula says.
        per_modality: bool. True, with auxiliary modalities a_1 ... a_n, each with a projection of
            its own to size D, and av_m = composition_m(a_m, v):

                student:       CE(v)    + mean_m [Sym(v, av_m) + Sym(v, a_m) + D(v, av_m)]
                composition m: CE(av_m) + Sym(v, av_m) + Sym(av_m, a_m) + D(v, av_m)

            M and A are the means of the av_m and the a_m; M's logits are the mean of theirs.
        kl_weight: float >= 0, of a term that is ours and not the paper's (0: there is none):
            `losses.tempered_kl_divergence` of the student's predictions from the composition's,
            the latter stopped, over all pairs. Evidence: with 1.0 62.9 +- 0.8 % on the ripple
            tank, 58.2 +- 0.7 without (8 of 8 worlds); with few labels it gains nothing:
            73.7 and 74.1 % on the numerals, 65.5 and 64.8 % on the smartwatch
            (docs/evidence.md).
        kl_temperature: float > 0, T of that term.
        block: None, or int: Sym in blocks of so many samples, for large batches, as of
            `AMID`.

    Attributes:
        composition: functional `keras.Model`, [a, v] -> av; with `per_modality`,
            `compositions`, dict, auxiliary modality -> such a model.

    Raises:
        ValueError: for an argument out of its domain.

    Reference: Chen et al., "Distilling Audio-Visual Knowledge by Compositional Contrastive
    Learning", CVPR 2021.
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
        temperature: float = 0.5,
        divergence: str = "symmetric_kl",
        per_modality: bool = False,
        kl_weight: float = 0.0,
        kl_temperature: float = 2.0,
        block: int | None = None,
        name: str = "ccl",
        **kwargs,
    ):
        super().__init__(target, auxiliary, num_classes, representation_dim, name=name, **kwargs)
        self.contrastive_weight = check_number("contrastive_weight", contrastive_weight, at_least=0)
        self.temperature = check_number("temperature", temperature, above=0)
        self.divergence = check_choice("divergence", divergence, tuple(DIVERGENCES))
        self.per_modality = bool(per_modality)
        if self.per_modality and len(self.auxiliary_extractors) > 1:
            self.separate_modalities = tuple(self.auxiliary_extractors)
        self.kl_weight = check_number("kl_weight", kl_weight, at_least=0)
        self.kl_temperature = check_number("kl_temperature", kl_temperature, above=0)
        self.block = check_block(block)

    def add_teacher(self, features: dict) -> None:
        """Makes the composition, or one for each auxiliary modality."""
        if self.separate_modalities:
            self.compositions = {
                m: build_composition(self.representation_dim, f"composition_{m}")
                for m in self.separate_modalities
            }
        else:
            self.composition = build_composition(self.representation_dim)

    def teacher_representation(self, features: list, student: Tensor, auxiliary: Tensor) -> Tensor:
        """av of v (the student's) and a (the auxiliary's), or the mean of such."""
        if not self.separate_modalities:
            return self.composition([auxiliary, student])
        composed = [self.compositions[m]([a, student]) for m, a in auxiliary.items()]
        return sum(composed) / len(composed)

    def distillation_loss(self, batch: Batch) -> Terms:
        """The sums of the student's terms and the compositions': name -> (weight, values)."""
        l_cls, l_sym, l_div = 0.0, 0.0, 0.0
        pairs = self._pairs(batch)
        for a, composition, av, av_logits in pairs:
            v = batch.student
            student = self._side(batch, v, a, av, batch.student_logits, av_logits)
            # The composition's loss: the same values, but its gradient ends at v.
            v = ops.stop_gradient(v)
            av = ops.cast(composition([a, v]), "float32")
            stopped = ops.stop_gradient(batch.student_logits)
            composed = self._side(batch, av, a, v, self.classifier(av), stopped)
            # The same sum for all three: TensorFlow then adds up their gradients in one order, and
            # an `x["present"]` of samples that are all complete changes no bit.
            l_cls, l_sym, l_div = (
                total + own / len(pairs) + other
                for total, own, other in zip((l_cls, l_sym, l_div), student, composed, strict=True)
            )
        return {
            "classification_loss": (1.0, l_cls),
            "contrastive_loss": (self.contrastive_weight, l_sym),
            "divergence_loss": (1.0, l_div),
            **self._softened(batch),
        }

    def _pairs(self, batch):
        """For each composition a, itself, av and av's logits."""
        if not self.separate_modalities:
            return [(batch.auxiliary, self.composition, batch.teacher, batch.teacher_logits)]
        pairs = []
        for m, composition in self.compositions.items():
            a = batch.modalities[m]
            av = ops.cast(composition([a, batch.student]), "float32")
            pairs.append((a, composition, av, self.classifier(av)))
        return pairs

    def _softened(self, batch):
        """Ours: the student learns the composition's softened predictions."""
        if not self.kl_weight:
            return {}
        taught, logits = ops.stop_gradient(batch.teacher_logits), batch.student_logits
        values = losses.tempered_kl_divergence(taught, logits, self.kl_temperature)
        return {"kl_loss": (self.kl_weight, values)}

    def _side(self, batch, own, a, other, own_logits, other_logits):
        """CE, Sym and D of one of the two, each of shape (batch,)."""

        def sym(u, v):
            return losses.symmetric_noise_contrastive_loss(
                u, v, batch.labels, self.temperature, self.block
            )

        return (
            batch.cross_entropy(own_logits),
            sym(own, other) + sym(own, a),
            DIVERGENCES[self.divergence](own_logits, other_logits),
        )
