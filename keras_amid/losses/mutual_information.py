"""The mutual-information loss of AMID, Eq. 8 and Eq. 9, and the bound it raises, Eq. 6."""

from __future__ import annotations

from keras import ops

from keras_amid.losses.posterior_sums import posterior_sums
from keras_amid.losses.same_class import class_counts
from keras_amid.losses.similarity import at_least_float32
from keras_amid.typing import Tensor


def mutual_information_loss(
    anchor: Tensor,
    candidates: Tensor,
    labels: Tensor,
    temperature: float,
    normalize_positives: bool = False,
    block: int | None = None,
) -> Tensor:
    """Eq. 8 (anchor = teacher M, candidates = student S) and Eq. 9 (candidates = auxiliary A).

        h_ij = softmax over j of cosine(anchor_i, candidate_j) / temperature                  (7)
        loss_i = -[ sum_{j in P(i)} log h_ij + sum_{j not in P(i)} log(1 - h_ij) ]            (8)

    P(i) are the samples of i's class, i included. The sums are sums, not means; the mean over i
    is the caller's.

    Args:
        anchor: float tensor, shape `(batch, dim)`.
        candidates: float tensor, shape `(batch, dim)`.
        labels: integer tensor, shape `(batch,)`; a negative one leaves its sample out.
        temperature: positive float, tau.
        normalize_positives: ours, not the paper's: True divides the sum over the positives by
            their number k, so that a class seen often in a batch weighs no more than others.
        block: None, or int: the loss in blocks of so many rows, whose memory grows with
            `batch * block`; see `posterior_sums`.

    Returns:
        float32 tensor, shape `(batch,)`, non-negative. Exactly 0 for a batch of one sample.

    Reference: Chen et al., "Enhanced Multimodal Representation Learning with Cross-modal KD",
    CVPR 2023.
    """
    first, second = posterior_sums(anchor, candidates, labels, temperature, block)
    if normalize_positives:
        positives, _ = class_counts(labels)
        first = first / ops.maximum(ops.cast(positives, first.dtype), 1.0)
    return -first - second


def mutual_information_bound(loss: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Lower bound on the mutual information for each anchor, Eq. 6: log(N/k) + I(h), in nats.

    Args:
        loss: float tensor, shape `(batch,)`: `mutual_information_loss` as the paper has it,
            which is -I(h).
        labels: integer tensor, shape `(batch,)`.

    Returns:
        Tuple `(bound, valid)`, each of shape `(batch,)`, float32: an anchor without a sample of
        another class (N = 0), or with a negative label, has no bound, and there both are 0.
    """
    loss = at_least_float32(loss)
    positives, negatives = (ops.cast(n, loss.dtype) for n in class_counts(labels))
    valid = ops.cast(negatives > 0, loss.dtype)
    rate = ops.maximum(negatives, 1.0) / ops.maximum(positives, 1.0)
    return valid * (ops.log(rate) - loss), valid
