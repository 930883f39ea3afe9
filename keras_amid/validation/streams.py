"""Streams of batches that are checked as they come."""

from __future__ import annotations

import contextlib
import sys
import weakref
from collections.abc import Iterator
from typing import Any

import keras

from keras_amid.validation.arguments import check_choice
from keras_amid.validation.checks import check_batch
from keras_amid.validation.damage import damage_named
from keras_amid.validation.rules import DataError, Expected

_CALLS = ("fit", "evaluate", "predict", "represent")
# Checked stream -> the model and the call it was checked for.
_CHECKED = weakref.WeakKeyDictionary()


def checked(stream: Any, model: keras.Model, call: str = "fit") -> Any:
    """A stream of the same batches, each checked before it is used.

    `fit`, `evaluate`, `predict` and `represent` check what they are given by themselves; this is
    for loops of one's own. What was checked for a model and a call is not checked again.

    Args:
        stream: a `tf.data.Dataset`, a `keras.utils.PyDataset`, a `torch.utils.data.DataLoader` or
            a generator, of batches `(x, y)` or `(x, y, sample_weight)`; for `"predict"` and
            `"represent"` also of `x` or `(x,)`.
        model: a `Distiller`.
        call: whose rules the batches must keep: `"fit"`, `"evaluate"`, `"predict"` or
            `"represent"`. Only `"fit"` needs the auxiliary modalities; the last two leave labels
            out and give `(x,)`.

    Returns:
        A stream of the same kind. A batch that breaks a rule raises ValueError when it comes (in a
        `tf.data.Dataset`, the `tf.errors.OpError` that TensorFlow makes of it).

    Raises:
        ValueError: for something that is no such stream, and at once for a `tf.data.Dataset` of
            another structure than the model's.
    """
    expected = model.expected_data(check_choice("call", call, _CALLS))
    return check_stream(stream, model, call, expected)


def check_stream(stream: Any, model: keras.Model, call: str, expected: Expected) -> Any:
    """`checked`, for what the model expects of the call."""
    with contextlib.suppress(TypeError):  # what has no hash or no weak reference was not made here
        owner, checked_call = _CHECKED.get(stream, (lambda: None, None))
        if owner() is model and checked_call == call:
            return stream
    result = _checked(stream, expected)
    _CHECKED[result] = (weakref.ref(model), call)
    return result


def _checked(stream, expected):
    # Where a library was not imported, the stream is not its.
    tensorflow, torch = sys.modules.get("tensorflow"), sys.modules.get("torch")
    if tensorflow and isinstance(stream, tensorflow.data.Dataset):
        from keras_amid.validation.graph import check_dataset

        return check_dataset(stream, expected)
    check = BatchCheck(expected)
    if isinstance(stream, keras.utils.PyDataset):
        return _CheckedPyDataset(stream, check)
    if torch and isinstance(stream, torch.utils.data.DataLoader):
        return _checked_loader(stream, check)
    if isinstance(stream, Iterator):
        return (check(batch) for batch in stream)
    raise ValueError(
        "`x` must be a dict, modality -> array, a tf.data.Dataset, a keras.utils.PyDataset, a "
        f"torch DataLoader or a generator of batches; received {type(stream).__name__}."
    )


class BatchCheck:
    """Batch -> the same batch as a tuple, or DataError.

    All batches must hold the same modalities: losses of the student alone and of student and
    teacher have no common mean.

    Args:
        expected: `Expected`.
    """

    def __init__(self, expected: Expected):
        self.expected = expected
        self._first = {}  # "names": those in x of the first batch, whichever thread has it

    def __call__(self, batch: Any) -> tuple:
        x, *labels = check_batch(batch, self.expected)
        first, names = self._first.setdefault("names", sorted(x)), sorted(x)
        if names != first:
            raise DataError(
                f"`x` of the {self.expected.where} must hold the same modalities in every batch; "
                f"received {names} after {first}."
            )
        return (strings_as_tensors(x), *(part for part in labels if part is not None))


def strings_as_tensors(x: dict) -> dict:
    """x, checked, with tensors in place of arrays of strings, of which Keras takes few kinds."""
    if keras.backend.backend() != "tensorflow":
        return x
    import tensorflow as tf

    def convert(leaf):
        kind = getattr(getattr(leaf, "dtype", None), "kind", "")
        return tf.convert_to_tensor(leaf, "string") if kind in {*"OSUT"} else leaf

    return keras.tree.map_structure(convert, x)


class _CheckedPyDataset(keras.utils.PyDataset):
    def __init__(self, source, check):
        super().__init__(source.workers, source.use_multiprocessing, source.max_queue_size)
        self.source, self.check = source, check
        if source.use_multiprocessing:  # so that all processes know what the first batch holds
            check(source[0])

    def __len__(self):
        return len(self.source)

    def __getitem__(self, index):
        return self.check(self.source[index])

    @property
    def num_batches(self):
        return self.source.num_batches

    def on_epoch_begin(self):
        self.source.on_epoch_begin()

    def on_epoch_end(self):
        self.source.on_epoch_end()


def _checked_loader(loader, check):
    """A torch DataLoader over another, whose workers stay its own."""
    from torch.utils.data import DataLoader, IterableDataset

    class Batches(IterableDataset):
        def __iter__(self):
            return (check(batch) for batch in loader)

    with contextlib.suppress(TypeError):  # a loader of unknown length
        len(loader)
        Batches.__len__ = lambda self: len(loader)
    return DataLoader(Batches(), batch_size=None, collate_fn=tuple)


@contextlib.contextmanager
def data_errors(*data):
    """Raises a DataError as it was, whatever the reader of a stream made of it or failed at; and
    ValueError where a file of records that `data` are read from was damaged meanwhile."""
    try:
        with damage_named(*data):
            yield
    except DataError:
        raise
    except Exception as error:
        said = f"{error} {error.__context__}"
        for message in tuple(DataError.recent):
            if message in said:
                raise DataError(message) from None
        raise
