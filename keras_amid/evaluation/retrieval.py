"""Retrieval with representations: recall at K."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sklearn
from sklearn.neighbors import NearestNeighbors

from keras_amid.evaluation.accuracy import check_labels, to_numpy
from keras_amid.validation.arguments import check_positive_int

# Of the distance matrix held at a time, in MiB; queries are taken in chunks that fit.
_WORKING_MEMORY = 256


def recall_at_k(
    queries: Any, query_labels: Any, gallery: Any, gallery_labels: Any, k: Sequence[int] = (1, 5)
) -> dict:
    """Recall at K: the share of queries with their class among the K nearest of the gallery.

    Nearest by cosine similarity. On video, queries are the representations of the test split and
    the gallery those of the training split, one per video (the mean over its clips).

    Args:
        queries: float array or tensor, shape `(n, features)`.
        query_labels: integers, shape `(n,)`.
        gallery: float array or tensor, shape `(m, features)`.
        gallery_labels: integers, shape `(m,)`.
        k: int or sequence of ints, each in 1..m.

    Returns:
        dict, each K -> recall, a float in [0, 1].

    Raises:
        ValueError: if an argument has another shape or type, representations are not finite, or
            K exceeds the gallery.
    """
    queries = _representations("queries", queries)
    gallery = _representations("gallery", gallery)
    if queries.shape[1] != gallery.shape[1]:
        raise ValueError(
            "`queries` and `gallery` must have the same number of features; received shapes "
            f"{queries.shape} and {gallery.shape}."
        )
    query_labels = check_labels("query_labels", query_labels, len(queries))
    gallery_labels = check_labels("gallery_labels", gallery_labels, len(gallery))
    ks = _ranks(k, len(gallery))
    search = NearestNeighbors(n_neighbors=max(ks), metric="cosine", algorithm="brute").fit(gallery)
    with sklearn.config_context(working_memory=_WORKING_MEMORY):
        neighbors = search.kneighbors(queries, return_distance=False)
    hits = gallery_labels[neighbors] == query_labels[:, None]
    return {rank: float(hits[:, :rank].any(axis=1).mean()) for rank in ks}


def _representations(name, values):
    values = to_numpy(name, values)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(
            f"`{name}` must have shape (samples, features), neither of them 0; "
            f"received shape {values.shape}."
        )
    try:
        values = values.astype("float64" if values.dtype == np.float64 else "float32")
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{name}` must hold numbers; received {values.dtype}.") from error
    if not np.isfinite(values).all():
        raise ValueError(f"`{name}` must be finite; received NaN or infinite values.")
    # A cosine does not depend on length: unit scale keeps float32 squares in range.
    largest = np.abs(values).max(axis=1, keepdims=True)
    return values / np.where(largest > 0, largest, 1)


def _ranks(k, gallery_size):
    ranks = [check_positive_int("k", rank) for rank in ([k] if np.ndim(k) == 0 else k)]
    if not ranks:
        raise ValueError(f"`k` must hold at least one integer; received {k!r}.")
    if max(ranks) > gallery_size:
        raise ValueError(f"`k` must be at most the gallery's size {gallery_size}; received {k!r}.")
    return ranks
