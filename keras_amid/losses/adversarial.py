"""The adversarial pair of AMID: the student's loss, Eq. 12, and the discriminators', Eq. 13."""

from __future__ import annotations

from keras import ops

from keras_amid.losses.same_class import class_counts, next_in_class, takes_part
from keras_amid.losses.similarity import at_least_float32
from keras_amid.typing import Tensor


def adversarial_loss(
    fundamental_student: Tensor,
    enhanced_student: Tensor,
    labels: Tensor,
    weights: tuple = (0.5, 0.5),
    pair_normalizer: float | str = "batch",
) -> Tensor:
    """Eq. 12, one value per sample; its mean over the samples that take part is

        L_adv = -lambda_1/B sum_i log D1(S_i) - lambda_2/d sum_{v in V} log D2(S_v')         (12)

    V are the samples whose class occurs more than once in the batch; S_v' is the student
    representation of the next sample of v's class, cyclically. Without any, D2's part is 0.

    Args:
        fundamental_student: D1's logits of the student, shape `(batch,)` or `(batch, 1)`.
        enhanced_student: D2's logits of the student, likewise, each at its own sample's index.
        labels: integer tensor, shape `(batch,)`; a negative one leaves its sample out.
        weights: (lambda_1, lambda_2).
        pair_normalizer: d of Eq. 12: `"batch"` (the size of V, at least 1) or a number.

    Returns:
        float32 tensor, shape `(batch,)`, non-negative.
    """
    repeated, successor = _repeated_and_successor(labels)
    fundamental = -_log_sigmoid(fundamental_student)
    enhanced = -ops.take(_log_sigmoid(enhanced_student), successor, axis=0)
    return _combine(fundamental, enhanced, labels, repeated, weights, pair_normalizer)


def discriminator_loss(
    fundamental_teacher: Tensor,
    fundamental_student: Tensor,
    enhanced_teacher: Tensor,
    enhanced_student: Tensor,
    labels: Tensor,
    weights: tuple = (0.5, 0.5),
    pair_normalizer: float | str = "batch",
) -> Tensor:
    """Eq. 13, one value per sample; its mean over the samples that take part is

        L_D = -lambda_1/B sum_i [ log D1(M_i) + log(1 - D1(S_i)) ]
              -lambda_2/d sum_{v in V} [ log D2(M_v) + log(1 - D2(S_v')) ]                   (13)

    Args:
        fundamental_teacher: D1's logits of the teacher, shape `(batch,)` or `(batch, 1)`.
        fundamental_student: D1's logits of the student.
        enhanced_teacher: D2's logits of the teacher.
        enhanced_student: D2's logits of the student, each at its own sample's index.
        labels: integer tensor, shape `(batch,)`; a negative one leaves its sample out.
        weights: (lambda_1, lambda_2).
        pair_normalizer: d of Eq. 12, as in `adversarial_loss`.

    Returns:
        float32 tensor, shape `(batch,)`, non-negative.
    """
    repeated, successor = _repeated_and_successor(labels)
    fundamental = -_log_sigmoid(fundamental_teacher) - _log_one_minus_sigmoid(fundamental_student)
    enhanced_student = ops.take(_log_one_minus_sigmoid(enhanced_student), successor, axis=0)
    enhanced = -_log_sigmoid(enhanced_teacher) - enhanced_student
    return _combine(fundamental, enhanced, labels, repeated, weights, pair_normalizer)


def _combine(fundamental, enhanced, labels, repeated, weights, pair_normalizer):
    """The common shape of Eq. 12 and 13, times B / B: the batch mean gives 1/B and 1/d."""
    repeated = ops.cast(repeated, fundamental.dtype)
    there = takes_part(labels)
    fundamental = ops.where(there, fundamental, 0.0)
    batch = ops.sum(ops.cast(there, fundamental.dtype))
    if isinstance(pair_normalizer, str):
        if pair_normalizer != "batch":
            raise ValueError(
                "`pair_normalizer` of a loss function is 'batch' or a positive number; "
                f"received {pair_normalizer!r}."
            )
        pair_normalizer = ops.maximum(ops.sum(repeated), 1.0)
    return weights[0] * fundamental + weights[1] * (batch / pair_normalizer) * repeated * enhanced


def _repeated_and_successor(labels):
    positives, _ = class_counts(labels)
    return positives > 1, next_in_class(labels)


def _log_sigmoid(logits):
    return ops.log_sigmoid(ops.reshape(at_least_float32(logits), (-1,)))


def _log_one_minus_sigmoid(logits):
    return _log_sigmoid(-logits)
