"""The rules for a model's data, written once: for arrays and for the tensors of a graph."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_amid.validation.leaves import (
    Leaf,
    as_array,
    is_float,
    is_integer,
    is_number,
    is_vector,
    leaves,
    limits,
)

#: The key of x that holds each sample's number in the training set.
INDEX = "index"
#: The key of x that tells which samples have a modality: dict, modality -> bool `(batch,)`.
PRESENT = "present"


class DataError(ValueError):
    """Data that break a rule.

    What reads a stream may wrap the error in one of its own kind: `recent` holds the last messages,
    by which `fit` knows it again. An error that a worker process sends is made, and so remembered,
    once more in the process that trains.
    """

    recent: collections.deque[str] = collections.deque(maxlen=8)

    def __init__(self, message: str):
        super().__init__(message)
        self.recent.append(message)


@dataclasses.dataclass(frozen=True)
class Expected:
    """What a model expects of its data.

    Attributes:
        where: what messages call the data, such as "training data".
        needed: keys that x must have: modalities, and "index" where the model needs it.
        known: modalities that x may have.
        target: modalities that no sample may lack.
        num_classes: labels are in 0..num_classes-1.
        dtypes: name of an input, as `leaves` gives it -> dtype that its extractor takes.
        labels_by_index: integers, shape `(n,)`, or None. Where given, x["index"] must be in
            0..n-1, and `y` this label of it.
        with_labels: whether `y` and `sample_weight` count; otherwise they are left out.
        needed_only: whether the modalities that are not needed are left out.
        unlabelled: whether the label -1, of a sample without label, is admitted.
        mask_dtype: of the masks in x["present"], bool, as they are handed on.
    """

    where: str
    needed: Iterable[str]
    known: Iterable[str]
    num_classes: int
    dtypes: Mapping[str, str]
    labels_by_index: Any = None
    with_labels: bool = True
    needed_only: bool = False
    unlabelled: bool = False
    target: Iterable[str] = ()
    mask_dtype: str = "bool"


class Rule(NamedTuple):
    """All `values` are in `low..high`; or else `name` must `must`, and `shown` came.

    Where `rows` is not None, bool `(batch,)`, only these samples count.
    """

    name: str
    must: str
    values: Any
    low: Any
    high: Any
    shown: Any
    rows: Any = None


class Arrays:
    """What the rules ask of NumPy. Its twin for a graph is `graph.Tensors`."""

    @staticmethod
    def leaf(values: Any) -> Leaf:
        """Describes an array, a list, or a tensor of any backend."""
        values = as_array(values)
        dtype = "string" if values.dtype.kind in "SUT" else values.dtype.name
        if dtype == "object":
            odd = [type(v).__name__ for v in values.flat if not isinstance(v, (str, bytes))]
            dtype = f"object ({odd[0]})" if odd else "string"
        return Leaf(values, values.shape, dtype)

    @staticmethod
    def size(values: np.ndarray) -> np.ndarray:
        """The number of samples."""
        return np.asarray(len(values))

    @staticmethod
    def mislabelled(labels: np.ndarray, index: np.ndarray, y: np.ndarray) -> np.ndarray:
        """1 where y is not the label at the index, else 0; an index out of range counts as near."""
        return (labels.take(index, mode="clip") != y).astype("int8")

    @staticmethod
    def absent(mask: np.ndarray) -> np.ndarray:
        """1 where a mask is False, else 0."""
        return (~mask).astype("int8")


def rules(
    x: dict, y: Any, sample_weight: Any, expected: Expected, kind: Any = Arrays
) -> Iterator[Rule]:
    """The rules for the values of a batch; DataError for shapes or dtypes that are wrong.

    Args:
        x, y, sample_weight: as of `split`; tensors, where `kind` is that of a graph.
        expected: `Expected`.
        kind: `Arrays`, or the like for tensors.
    """
    where = f" of the {expected.where}"
    first = None  # the part that all others must have as many samples as
    if y is not None:
        y, n, low = kind.leaf(y), expected.num_classes, -1 if expected.unlabelled else 0
        first = ("`y`", y)
        _check_integers(f"`y`{where}", y)
        yield from _within(f"`y`{where}", f"be in {low}..{n - 1} (num_classes={n})", y, low, n - 1)
    named = leaves({key: part for key, part in x.items() if key not in RESERVED})
    first = first or (named[0][0], kind.leaf(named[0][1]))
    for key, rule in RESERVED.items():
        if key in x:
            yield from rule(f"x[{key!r}]{{}}{where}", x[key], first, expected, kind)
    for name, part in named:
        leaf, takes = kind.leaf(part), expected.dtypes.get(name)
        _check_dtype(name + where, leaf, takes)
        yield _same_size(name + where, leaf, first, kind)
        if leaf.dtype != "string":
            takes = takes or leaf.dtype
            must = f"be finite and fit {takes}" if is_float(leaf.dtype) else f"fit {takes}"
            rows = _rows(x, name, kind)
            yield from _within(name + where, must, leaf, *limits(takes), rows)
    if sample_weight is not None:
        name, weight = f"`sample_weight`{where}", kind.leaf(sample_weight)
        if not is_number(weight.dtype) or not is_vector(weight):
            raise DataError(
                f"{name} must be numbers of the shape of `y`, {y.shape}; received {weight.dtype} "
                f"of shape {weight.shape}."
            )
        yield _same_size(name, weight, first, kind)
        yield from _within(name, "be finite and not negative", weight, 0, np.inf)


def _rows(x, name, kind):
    """Which samples have what a leaf of x is part of, bool `(batch,)`; None where all do."""
    for modality, mask in x.get(PRESENT, {}).items():
        if name.startswith(f"x[{modality!r}]"):
            return kind.leaf(mask).values
    return None


def _index_rules(name, index, first, expected, kind):
    name, index, labels = name.format(""), kind.leaf(index), expected.labels_by_index
    _check_integers(name, index)
    yield _same_size(name, index, first, kind)
    if labels is not None:
        labels, n = np.asarray(labels), len(labels)
        must = f"be in 0..{n - 1}, for `train_labels` has {n} labels"
        yield from _within(name, must, index, 0, n - 1)
        wrong = kind.mislabelled(labels, index.values, first[1].values)
        must = "be each sample's place in `train_labels`, which gives its label in `y`"
        yield Rule(name, must, wrong, 0, 0, index.values)


def _present_rules(name, present, first, expected, kind):
    known = list(expected.known)
    if not isinstance(present, dict):
        raise DataError(
            f"{name.format('')} must be a dict, modality -> bool of shape (batch,); received "
            f"{type(present).__name__}."
        )
    unknown = sorted(str(modality) for modality in present if modality not in known)
    if unknown:
        raise DataError(
            f"{name.format('')} must have modalities among {known}; received {unknown}."
        )
    for modality, mask in present.items():
        part, mask = name.format(f"[{modality!r}]"), kind.leaf(mask)
        if mask.dtype != "bool" or not is_vector(mask):
            raise DataError(
                f"{part} must be bool of shape (batch,); received {mask.dtype} of shape "
                f"{mask.shape}."
            )
        yield _same_size(part, mask, first, kind)
        if modality in expected.target:
            must = "be True for every sample, for the student needs its modalities"
            yield Rule(part, must, kind.absent(mask.values), 0, 0, mask.values)


#: Keys of x that are no modality -> their rules, of the name in messages ("{}" stands for what
#: follows it), the value, the part that all have as many samples as, what is expected, and the kind
#: of arrays.
RESERVED = {INDEX: _index_rules, PRESENT: _present_rules}


def _within(name, must, leaf, low, high, rows=None):
    """No bound is outside of what the data's dtype holds, where it would overflow."""
    if leaf.dtype == "bool":
        return
    least, largest = limits(leaf.dtype)
    low, high = max(low, least), min(high, largest)
    if is_float(leaf.dtype):
        yield Rule(name, must, leaf.values, low, high, leaf.values, rows)
    elif (low, high) != (least, largest):
        yield Rule(name, must, leaf.values, int(low), int(high), leaf.values, rows)


def _same_size(name, leaf, first, kind):
    n = kind.size(first[1].values)
    must, size = f"have as many samples as {first[0]}, {n}", kind.size(leaf.values)
    return Rule(name, must, size, n, n, size)


def _check_integers(name, leaf):
    if not is_integer(leaf.dtype) or not is_vector(leaf):
        raise DataError(
            f"{name} must be integers of shape (batch,); received {leaf.dtype} of shape "
            f"{leaf.shape}."
        )


def _check_dtype(name, leaf, takes):
    if leaf.dtype == "string":
        good = takes == "string" or (not takes and keras.backend.backend() == "tensorflow")
    else:  # Keras would cut off fractions for an extractor of integers without a word.
        good = is_number(leaf.dtype) and takes != "string"
        good = good and not (is_integer(takes or "") and is_float(leaf.dtype))
    if not good or leaf.shape == ():
        raise DataError(
            f"{name} must be {takes or 'numbers'} of shape (batch, ...), as its extractor takes "
            f"it; received {leaf.dtype} of shape {leaf.shape}."
        )
