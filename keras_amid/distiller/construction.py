"""Constructors in their usual order, and configurations read off their signatures."""

from __future__ import annotations

import functools
import inspect

import keras
import numpy as np


def then(finish):
    """A decorator of a class's `__init__`: when the outermost one is done, calls `finish(self)`.

    A subclass sets its arguments after `super().__init__`, as everywhere in Python, and what the
    base makes of them still waits until all are there.

    Args:
        finish: function of the new object.
    """

    def decorate(init):
        @functools.wraps(init)
        def initialize(self, *args, **kwargs):
            init(self, *args, **kwargs)
            if type(self).__init__ is initialize:
                finish(self)

        return initialize

    return decorate


def constructor_arguments(cls, base) -> list[str]:
    """Names of the arguments that a class's constructor takes itself or passes on in `**kwargs`.

    Args:
        cls: class.
        base: its base class whose constructor is the last to be looked at.
    """
    names = {}
    for owner in cls.__mro__[: cls.__mro__.index(base) + 1]:
        for parameter in list(inspect.signature(owner.__init__).parameters.values())[1:]:
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                names[parameter.name] = None
    return list(names)


def serialized_arguments(model, base) -> dict:
    """The constructor's arguments of a `Distiller`, as values that Keras can save.

    Args:
        model: it holds each argument as an attribute of that name, and its extractors.
        base: as of `constructor_arguments`.
    """
    serialize = keras.saving.serialize_keras_object
    config = {}
    for name in constructor_arguments(type(model), base):
        if name in ("target", "auxiliary"):
            extractors = getattr(model, f"{name}_extractors")
            config[name] = {modality: serialize(e) for modality, e in extractors.items()}
        else:
            value = getattr(model, name)
            config[name] = value.tolist() if isinstance(value, np.ndarray) else value
    fixed = config.pop("fixed_teacher")
    return config if fixed is None else {**config, "fixed_teacher": serialize(fixed)}


def deserialized_arguments(config: dict, custom_objects=None) -> dict:
    """What `serialized_arguments` saved, as the constructor takes it."""

    def layer(serialized):
        return keras.saving.deserialize_keras_object(serialized, custom_objects=custom_objects)

    layers = {
        group: {modality: layer(extractor) for modality, extractor in config[group].items()}
        for group in ("target", "auxiliary")
    }
    fixed = config.get("fixed_teacher")
    return {**config, **layers, "fixed_teacher": None if fixed is None else layer(fixed)}
