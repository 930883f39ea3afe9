"""Paired measurements, and how they are divided."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

#: Standardised features are cut here: one odd measurement must not outweigh the rest.
_CLIP = 5.0


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Samples measured in several ways at once.

    Attributes:
        x: view -> float32 array (samples, ...), the last axis of features or channels.
        y: int array (samples,), the classes.
        class_names: in the order of the classes.
        groups: int array (samples,) of what must not be divided, such as persons; or None.
    """

    x: Mapping[str, np.ndarray]
    y: np.ndarray
    class_names: Sequence[str]
    groups: np.ndarray | None = None


class Source(Protocol):
    """Where paired measurements come from: a frozen dataclass of options."""

    #: Names of the views.
    views: tuple[str, ...]

    def check(self, raw: bool) -> None:
        """Raises ValueError where the data are not there, or not in this form.

        Args:
            raw: the signals themselves, not features of them.
        """

    def read(self, raw: bool) -> Pairs:
        """Reads all samples."""

    def settings(self) -> dict[str, Any]:
        """The options, as values of JSON."""


def divide(
    pairs: Pairs, seed: int, sizes: Mapping[str, int], halving_seed: int, groups: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """Split -> places of its samples, in random order.

    Without groups, one half of all samples is for tests alone, whatever the seed: what is tuned on
    other seeds has not met them. The seed draws training and validation samples from the other
    half. With groups, each split has groups of its own, which the seed draws.

    Args:
        pairs: all samples.
        seed: of the split.
        sizes: "train", "validation" and "test" -> number of samples.
        halving_seed: of the halves.
        groups: "validation" and "test" -> number of groups; "train" has the rest.

    Raises:
        ValueError: there are not as many samples.
    """
    rng = np.random.RandomState(seed)
    if pairs.groups is None:
        halves = np.array_split(np.random.RandomState(halving_seed).permutation(len(pairs.y)), 2)
        own = rng.permutation(halves[0])
        places = {"train": own[: sizes["train"]], "validation": own[sizes["train"] :]}
        places["test"] = halves[1]
    else:
        order, places = rng.permutation(np.unique(pairs.groups)), {}
        first = groups["test"]
        parts = np.split(order, [first, first + groups["validation"]])
        for split, part in zip(("test", "validation", "train"), parts, strict=True):
            places[split] = rng.permutation(np.flatnonzero(np.isin(pairs.groups, part)))
    short = {split: len(places[split]) for split, n in sizes.items() if len(places[split]) < n}
    if short:
        raise ValueError(
            f"`train`, `validation` and `test` must be at most what the data have; received "
            f"{dict(sizes)} of {short}."
        )
    return {split: places[split][:size] for split, size in sizes.items()}


def standardized(x: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Each feature or channel with mean 0 and deviation 1 over the training samples, cut at +-5.

    Args:
        x: float array (samples, ..., features).
        train: places of the training samples.

    Returns:
        float32 array, shape of x.
    """
    axes = tuple(range(x.ndim - 1))
    known = x[train].astype("float64")
    deviation = known.std(axis=axes)
    scaled = (x - known.mean(axis=axes)) / np.where(deviation > 0, deviation, 1.0)
    return np.clip(scaled, -_CLIP, _CLIP).astype("float32")
