"""Which rows train, validate and test: whole groups, seeded, stratified, and settled for good.

The rule is the greedy one of scikit-learn's `StratifiedGroupKFold`, by hand because that one knows
neither unequal shares nor rows that have their place already: what is added later must not move
what was there before.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

SPLITS = ("train", "validation", "test")
_OTHER_NAMES = {"val": "validation", "valid": "validation", "dev": "validation"}


@dataclasses.dataclass(frozen=True)
class Place:
    """What a split depends on, of one row.

    Attributes:
        id: Of the row.
        group: Name of what must not be torn apart.
        label: Class, -1 without a label.
        split: Where the row was put; None where that is to be found.
    """

    id: str
    group: str
    label: int
    split: str | None


def split_of(text: str) -> str | None:
    """Returns the split that a cell names; None where it names none."""
    name = text.lower()
    name = _OTHER_NAMES.get(name, name)
    return name if name in SPLITS else None


def assign(places: Sequence[Place], shares: Mapping[str, float], seed: int) -> dict[str, str]:
    """Finds a split for every row that has none.

    A group goes where the first of its rows went before. A new one goes where the classes' shares
    lack most, groups of rare classes first, then large ones; so each class is divided as evenly as
    its groups allow, and the rarest are in training. Groups without any label go to training:
    nothing can be tested on them.

    Args:
        places: The rows.
        shares: Dict split -> its share of the samples; they add up to 1.
        seed: Of the order of groups that are alike.

    Returns:
        Dict id -> split, of all rows.
    """
    groups: dict[str, list[Place]] = {}
    for place in places:
        groups.setdefault(place.group, []).append(place)
    labels = sorted({place.label for place in places if place.label >= 0})  # and all together
    counts = {key: _counts(rows, labels) for key, rows in groups.items()}
    total = np.maximum(sum(counts.values()), 1)
    before = {place.group: place.split for place in reversed(places) if place.split is not None}
    filled = {split: np.zeros(len(total)) for split in SPLITS}
    for place in places:
        if place.split is not None:
            filled[place.split] += _counts([place], labels)
    chosen = {}
    for key in _order(groups, counts, seed):
        chosen[key] = before.get(key) or _neediest(counts[key], filled, shares, total)
        if key not in before:
            filled[chosen[key]] += counts[key]
    return {place.id: place.split or chosen[place.group] for place in places}


def _counts(rows, labels):
    found = collections.Counter(place.label for place in rows)
    numbers = [found[label] for label in labels]
    return np.array([*numbers, sum(numbers)], float)


def _order(groups, counts, seed):
    """Groups of rare classes first, then large ones; those alike in an order of the seed."""
    spread = np.maximum(sum((count > 0).astype(int) for count in counts.values()), 1)
    keys = sorted(groups)
    rank = dict(zip(keys, np.random.default_rng(seed).permutation(len(keys)), strict=True))

    def order(key):
        has = counts[key] > 0
        return (spread[has].min() if has.any() else np.inf, -counts[key][-1], rank[key])

    return sorted(keys, key=order)


def _neediest(count, filled, shares, total):
    """The split in which a group adds least to sum_c sum_s (n_sc / n_c - share_s)^2 / share_s.

    Samples n of class c in split s; one more "class" is all of them.
    """
    if not count.any():
        return SPLITS[0]
    added = {
        split: float(np.sum(count * (2 * filled[split] + count) / total**2) / share)
        for split, share in shares.items()
        if share > 0
    }
    return min(added, key=added.__getitem__)
