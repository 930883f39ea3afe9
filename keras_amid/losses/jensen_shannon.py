"""Jensen-Shannon divergence between two classifiers' predictions, Eq. 16."""

from __future__ import annotations

from keras import ops

from keras_amid.losses.similarity import at_least_float32
from keras_amid.typing import Tensor


def jensen_shannon_divergence(logits_p: Tensor, logits_q: Tensor) -> Tensor:
    """Eq. 16: JSD(p || q) = KL(p || m) / 2 + KL(q || m) / 2, m = (p + q) / 2, natural log.

    Args:
        logits_p: float tensor, shape `(batch, classes)`; p = softmax(logits_p).
        logits_q: float tensor, shape `(batch, classes)`.

    Returns:
        float32 tensor, shape `(batch,)`, values in [0, ln 2].
    """
    log_p = ops.log_softmax(at_least_float32(logits_p), axis=-1)
    log_q = ops.log_softmax(at_least_float32(logits_q), axis=-1)
    log_m = ops.logaddexp(log_p, log_q) - ops.log(ops.cast(2.0, log_p.dtype))
    divergence = ops.exp(log_p) * (log_p - log_m) + ops.exp(log_q) * (log_q - log_m)
    # Rounding can leave the sum just outside its range, 0 for equal logits among others.
    return ops.clip(0.5 * ops.sum(divergence, axis=-1), 0.0, 0.6931472)
