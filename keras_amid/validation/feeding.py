"""Calls of a Keras trainer: the data checked first, errors as they were, the model left usable."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_amid.validation.checks import check_batch, check_class_weight, split
from keras_amid.validation.finite import guarded
from keras_amid.validation.streams import check_stream, data_errors, strings_as_tensors

_DATA = ("x", "y", "sample_weight")


def run(model: keras.Model, call: str, method: Callable, args: tuple, kwargs: dict) -> Any:
    """Calls a method of a Keras trainer with checked data.

    Args:
        model: a `Distiller`.
        call: whose rules the data must keep, as of `keras_amid.checked`.
        method: bound method, such as `super().fit`.
        args, kwargs: its arguments.

    Returns:
        What the method returns.

    Raises:
        ValueError: for data that break a rule: arrays before the first step, a stream's batches
            before each is used. The model stays usable.
    """
    given = inspect.signature(method).bind(*args, **kwargs).arguments
    given |= given.pop("kwargs", {})
    sources = (given.get("x"), given.get("validation_data"))
    check_class_weight(given.get("class_weight"), model.num_classes)
    data = _checked(model, call, model.expected_data(call), *(given.get(name) for name in _DATA))
    given |= {name: part for name, part in zip(_DATA, data, strict=True) if name in given}
    if given.get("validation_data") is not None:
        given["validation_data"] = _checked_validation(model, given["validation_data"])
    with data_errors(*sources), _values_kept(method, given), guarded(method, given):
        return method(**given)


def _checked(model, call, expected, x, y=None, sample_weight=None):
    """What to give to Keras in place of these."""
    if y is None and not isinstance(x, dict):
        return check_stream(x, model, call, expected), y, sample_weight
    # Keras takes a list only where x is one too.
    y, sample_weight = (
        np.asarray(part) if isinstance(part, (list, tuple)) else part for part in (y, sample_weight)
    )
    x, *_ = check_batch((x, y, sample_weight), expected)
    return strings_as_tensors(x), y, sample_weight


def _checked_validation(model, data):
    expected = dataclasses.replace(model.expected_data("evaluate"), where="validation data")
    if isinstance(data, (tuple, list)):
        return _checked(model, "evaluate", expected, *split(data, expected))
    return _checked(model, "evaluate", expected, data)[0]


@contextlib.contextmanager
def _values_kept(method, given):
    """Leaves a JAX model with the values of its last step after an error in a trainer's loop.

    Keras takes the values out of the variables while it works. After an error it puts back those
    of the last step in `fit`, none in `evaluate` and `predict`, and none where there was no step.

    Args:
        method: bound method of a Keras trainer.
        given: dict, its arguments, of which the callbacks get one more.
    """
    if keras.backend.backend() != "jax" or "callbacks" not in inspect.signature(method).parameters:
        yield
        return
    model, callbacks = method.__self__, given.get("callbacks")
    if not isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = given["callbacks"] = keras.tree.flatten(callbacks) if callbacks else []
    listed = getattr(callbacks, "callbacks", callbacks)
    listed.insert(0, kept := _ValuesBefore(model))
    try:
        yield
    except BaseException:
        model.jax_state_sync()
        for variable, value in kept.values:
            if not value.is_deleted():  # as it is where the step itself failed
                variable.assign(value)
        raise
    finally:
        listed.remove(kept)


class _ValuesBefore(keras.callbacks.Callback):
    """The values that a model's variables have before a loop, until its first step is made."""

    async_safe = True  # Keras goes on working beside the callbacks only if all of them say so

    def __init__(self, model):
        super().__init__()
        self.set_model(model)
        self.values = []

    def _keep(self, batch, logs=None):
        if batch == 0:
            optimizer = getattr(self.model, "optimizer", None)
            further = (*self.model.metrics_variables, *getattr(optimizer, "variables", ()))
            self.values = [(v, v.value) for v in (*self.model.variables, *further)]

    def _drop(self, batch, logs=None):
        self.values = []

    on_train_batch_begin = on_test_batch_begin = on_predict_batch_begin = _keep
    on_train_batch_end = on_test_batch_end = on_predict_batch_end = _drop
