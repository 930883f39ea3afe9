"""The divergence of softened predictions: classic knowledge distillation."""

from __future__ import annotations

from keras import ops

from keras_amid.losses.similarity import at_least_float32
from keras_amid.typing import Tensor


def tempered_kl_divergence(logits_p: Tensor, logits_q: Tensor, temperature: float) -> Tensor:
    """T^2 KL(p || q) of predictions softened by a temperature, natural log.

        p = softmax(logits_p / T), q = softmax(logits_q / T)

    T^2 keeps the size of the gradient from depending on T. In distillation p is the teacher's,
    whose gradient the caller stops.

    Args:
        logits_p: float tensor, shape `(batch, classes)`.
        logits_q: float tensor, shape `(batch, classes)`.
        temperature: positive float, T.

    Returns:
        float32 tensor, shape `(batch,)`, non-negative and without upper bound.

    Reference: Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015.
    """
    log_p = ops.log_softmax(at_least_float32(logits_p) / temperature, axis=-1)
    log_q = ops.log_softmax(at_least_float32(logits_q) / temperature, axis=-1)
    divergence = ops.sum(ops.exp(log_p) * (log_p - log_q), axis=-1)
    # Rounding can leave the sum just below 0, for equal logits among others.
    return temperature**2 * ops.maximum(divergence, 0.0)
