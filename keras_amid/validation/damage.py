"""Files that are damaged while they are read: TensorFlow's error, told as what happened.

TensorFlow says that a record is corrupted, not in which file nor what to do. After its error the
files are looked at again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

# Of `tf.errors`: what reading a damaged or missing file, or another one in its place, ends in.
_READING = ("DataLossError", "InvalidArgumentError", "NotFoundError", "OutOfRangeError")


def naming_damage(dataset: Any, check: Callable[[Exception], Any]) -> Any:
    """Has errors within a `tf.data.Dataset` told by what its files say.

    A loop over it raises the ValueError by itself; what is made of it (`map`, `take`) does so
    within `damage_named`.

    Args:
        dataset: A data set that has just been made.
        check: Function of TensorFlow's error that looks at the files, and raises ValueError where
            one is not as it should be.

    Returns:
        The data set.
    """
    kind = type(dataset)

    class Named(kind):  # type: ignore[misc, valid-type]
        def __iter__(self):
            iterator = kind.__iter__(self)
            iterator.__class__ = _naming(type(iterator), self)
            return iterator

    # No data set around it: `fit` of any Keras model, strategies and `tf.function`s take this one.
    Named.__name__ = kind.__name__
    dataset.__class__ = Named
    dataset.look_again = check
    return dataset


def is_data_loss(error: Exception) -> bool:
    """Whether an error of TensorFlow says that a file is damaged, and not only might come of it."""
    return type(error).__name__ == "DataLossError"


def _naming(kind, dataset):
    class Named(kind):
        def __next__(self):
            with damage_named(dataset):
                return kind.__next__(self)

    Named.__name__ = kind.__name__
    return Named


@contextlib.contextmanager
def damage_named(*data: Any) -> Iterator[None]:
    """Raises ValueError in place of an error of TensorFlow, where a file is damaged.

    Args:
        *data: What is read within: of a data set the files of all that it is made of are looked at.
    """
    try:
        yield
    except Exception as error:
        if type(error).__module__.startswith("tensorflow") and type(error).__name__ in _READING:
            for check in _checks(data):
                check(error)
        raise


def _checks(data):
    for dataset in data:
        if hasattr(dataset, "look_again"):
            yield dataset.look_again
        elif hasattr(dataset, "_inputs"):  # a data set that is made of others
            yield from _checks(dataset._inputs())
