"""The symmetric Kullback-Leibler divergence, which CCL calls JSD."""

from __future__ import annotations

from keras import ops

from keras_amid.losses.similarity import at_least_float32
from keras_amid.typing import Tensor


def symmetric_kl_divergence(logits_p: Tensor, logits_q: Tensor) -> Tensor:
    """CCL's "JSD": half the symmetric KL, [KL(p || q) + KL(q || p)] / 2, natural log.

    CCL's paper writes the Jensen-Shannon divergence, with the mixture of p and q
    (`jensen_shannon_divergence`); its released code computes this.

    Args:
        logits_p: float tensor, shape `(batch, classes)`; p = softmax(logits_p).
        logits_q: float tensor, shape `(batch, classes)`.

    Returns:
        float32 tensor, shape `(batch,)`, non-negative and without upper bound.

    Reference: Chen et al., "Distilling Audio-Visual Knowledge by Compositional Contrastive
    Learning", CVPR 2021.
    """
    log_p = ops.log_softmax(at_least_float32(logits_p), axis=-1)
    log_q = ops.log_softmax(at_least_float32(logits_q), axis=-1)
    return 0.5 * ops.sum((ops.exp(log_p) - ops.exp(log_q)) * (log_p - log_q), axis=-1)
