"""Applying a function to every batch, whatever yields the batches."""

import copy
import inspect
import sys

import keras
import numpy as np

from keras_amid.validation.checks import check_modalities, marked, message_of
from keras_amid.validation.recovery import variables_kept


def checked(check, x, y=None, sample_weight=None):
    """Puts a `BatchCheck` before a model: arrays are checked now, streams batch by batch.

    Args:
        check: `keras_amid.validation.checks.BatchCheck`.
        x: dict of arrays, or what `keras.Model.fit` takes in its place: a `tf.data.Dataset`, a
            `keras.utils.PyDataset`, a `torch.utils.data.DataLoader`, a generator.
        y: labels, where x holds arrays.
        sample_weight: array or None, where x holds arrays.

    Returns:
        What to hand to Keras in place of x.

    Raises:
        ValueError: for arrays, or a stream's structure, that break the rules. A stream's values
            raise when the batch comes, before the model sees it.
    """
    if isinstance(x, dict) or y is not None:
        check.arrays(x, y, sample_weight)
        return x
    if is_tf_dataset(x):
        return check.dataset(x)

    return map_batches(check.batch, x)


def check_argument(check, arguments):
    """Puts a check before the data among the arguments of `fit` or `evaluate`, in place."""
    for name in ("y", "sample_weight"):
        if isinstance(arguments.get(name), (list, tuple)):  # which Keras takes only with a list x
            arguments[name] = np.asarray(arguments[name])
    arguments["x"] = checked(check, *(arguments.get(n) for n in ("x", "y", "sample_weight")))


def bind(method, args, kwargs):
    """The arguments of a call by name, as given or bound by position."""
    bound = inspect.signature(method).bind(*args, **kwargs).arguments
    further = bound.pop("kwargs", {})
    return {**bound, **further}


def run(model, call):
    """Runs a trainer's loop over checked data.

    A check that failed in the stream surfaces as the ValueError it is, through whatever wrapped
    it on the way, and the model stays usable.

    Args:
        model: `keras.Model` whose loop it is.
        call: function without arguments.

    Returns:
        What `call` returns.
    """
    try:
        with variables_kept(model):
            return call()
    except Exception as error:
        message = message_of(error)
        if message is None:
            raise
        raise ValueError(message) from None


def select(modalities, x):
    """x with these modalities only, for whatever `keras.Model.predict` takes.

    Args:
        modalities: names to keep.
        x: dict of arrays, or a stream of `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`.

    Returns:
        The same kind of thing, yielding `(x,)` with the dict of the modalities.
    """

    def function(*data):
        x = data[0] if len(data) == 1 else data
        x = x[0] if isinstance(x, (tuple, list)) else x
        with marked():
            check_modalities(x, modalities)
        return ({name: x[name] for name in modalities},)

    if isinstance(x, dict):
        return {name: x[name] for name in modalities}
    if is_tf_dataset(x):
        return x.map(function)
    return map_batches(function, x)


def map_batches(function, stream):
    """A stream of the same kind whose batches are `function(batch)`.

    Raises:
        ValueError: for something that is no stream of batches.
    """
    if isinstance(stream, keras.utils.PyDataset):
        return MappedPyDataset(function, stream)
    if is_torch_loader(stream):
        return _mapped_loader(function, stream)
    if hasattr(stream, "__next__"):
        return (function(batch) for batch in stream)
    raise ValueError(
        "`x` must be a dict, modality -> array, a tf.data.Dataset, a keras.utils.PyDataset, a "
        f"torch DataLoader or a generator of batches; received {type(stream).__name__}."
    )


class MappedPyDataset(keras.utils.PyDataset):
    """A `keras.utils.PyDataset` that applies a function to another's batches.

    Args:
        function: batch -> batch.
        source: `keras.utils.PyDataset`.
    """

    def __init__(self, function, source):
        super().__init__(
            workers=source.workers,
            use_multiprocessing=source.use_multiprocessing,
            max_queue_size=source.max_queue_size,
        )
        self.function, self.source = function, source

    def __getitem__(self, index):
        return self.function(self.source[index])

    @property
    def num_batches(self):
        return self.source.num_batches

    def on_epoch_begin(self):
        self.source.on_epoch_begin()

    def on_epoch_end(self):
        self.source.on_epoch_end()


class _Collate:
    """A torch DataLoader's collate function and one after it; at module level, to be pickled."""

    def __init__(self, function, collate):
        self.function, self.collate = function, collate

    def __call__(self, samples):
        return self.function(self.collate(samples))


def _mapped_loader(function, loader):
    mapped = copy.copy(loader)
    mapped.collate_fn = _Collate(function, loader.collate_fn)
    return mapped


def is_tf_dataset(x):
    """Whether x is a `tf.data.Dataset`, without importing TensorFlow: then it cannot be one."""
    tensorflow = sys.modules.get("tensorflow")
    return tensorflow is not None and isinstance(x, tensorflow.data.Dataset)


def is_torch_loader(x):
    """Whether x is a torch `DataLoader`, without importing torch: then it cannot be one."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(x, torch.utils.data.DataLoader)
