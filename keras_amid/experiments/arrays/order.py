"""The order in which labelled and unlabelled samples are trained on."""

from __future__ import annotations

import numpy as np


def mixed_order(labelled: np.ndarray, batch: int, steps: int, seed: int) -> np.ndarray:
    """Batches that mix labelled and unlabelled samples half and half.

    Each kind is drawn without replacement in an order of its own, and drawn anew when it is used
    up. An odd sample of a batch is a labelled one. Where all are labelled, or none, a batch is of
    the one kind.

    Args:
        labelled: bool (samples,).
        batch: samples a batch, at least 2.
        steps: number of batches.
        seed: of the order.

    Returns:
        int64 (steps, batch): places of samples.
    """
    rng = np.random.default_rng(seed)
    kinds = [np.flatnonzero(labelled), np.flatnonzero(~labelled)]
    shares = [batch - batch // 2, batch // 2] if all(map(len, kinds)) else [batch, batch]
    parts = []
    for places, share in zip(kinds, shares, strict=True):
        if len(places):
            rounds = -(-steps * share // len(places))
            order = np.concatenate([rng.permutation(places) for _ in range(rounds)])
            parts.append(order[: steps * share].reshape(steps, share))
    return np.concatenate(parts, axis=1)
