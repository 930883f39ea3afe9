"""Checks of arguments: "`argument` must be what is expected; received what came."."""

from __future__ import annotations

import math
import numbers
from collections.abc import Hashable, Iterable
from typing import Any

import keras

from keras_amid.validation.checks import INDEX as INDEX
from keras_amid.validation.checks import RESERVED

# Names of the student's own layers, which its inputs cannot have too.
RESERVED_NAMES = {"classifier", "probabilities", "representation", "student_projection"}
DISCRIMINATOR_NAMES = {"fundamental_discriminator", "enhanced_discriminator"}


def check_int(
    name: str, value: Any, at_least: int | None = None, at_most: int | None = None
) -> int:
    """Returns `value` as int; raises ValueError for a bool, another type or one out of range."""
    good = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not (good and _within(value, at_least=at_least, at_most=at_most)):
        expected = f"an integer {_range(at_least=at_least, at_most=at_most)}".rstrip()
        raise ValueError(f"`{name}` must be {expected}; received {value!r}.")
    return int(value)


def check_positive_int(name: str, value: Any, at_least: int = 1) -> int:
    """`check_int` with the bound that most integers here have."""
    return check_int(name, value, at_least)


def check_number(
    name: str,
    value: Any,
    above: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
) -> float:
    """Returns `value` as float; raises ValueError where it is not finite or out of range."""
    bounds = {"above": above, "at_least": at_least, "at_most": at_most}
    good = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
    if not (good and _within(value, **bounds)):
        expected = f"a finite number {_range(**bounds)}".rstrip()
        raise ValueError(f"`{name}` must be {expected}; received {value!r}.")
    return float(value)


def _within(value, above=None, at_least=None, at_most=None):
    return (
        (above is None or value > above)
        and (at_least is None or value >= at_least)
        and (at_most is None or value <= at_most)
    )


def _range(above=None, at_least=None, at_most=None):
    bounds = [("> ", above), (">= ", at_least), ("<= ", at_most)]
    return " and ".join(f"{sign}{bound}" for sign, bound in bounds if bound is not None)


def check_choice(name: str, value: Any, choices: Iterable) -> Any:
    """Returns the one of `choices` that equals `value`; raises ValueError where none does."""
    choices = list(choices)
    for choice in choices:
        same_kind = isinstance(value, bool) == isinstance(choice, bool)  # True equals 1
        if same_kind and isinstance(value, Hashable) and value == choice:
            return choice
    raise ValueError(f"`{name}` must be one of {choices}; received {value!r}.")


def check_pair_normalizer(value):
    """Returns d of Eq. 12 (`"frequency"`, `"batch"` or a positive float), or raises ValueError."""
    if isinstance(value, str):
        return check_choice("pair_normalizer", value, ("frequency", "batch"))
    return check_number("pair_normalizer", value, above=0)


def check_extractors(target, auxiliary, needs_auxiliary):
    """Raises ValueError unless both are dicts of modality name -> Keras layer, without overlap."""
    for argument, extractors in (("target", target), ("auxiliary", auxiliary)):
        if not isinstance(extractors, dict):
            raise ValueError(
                f"`{argument}` must be a dict, modality name -> extractor; received {extractors!r}."
            )
        for modality, extractor in extractors.items():
            _check_modality_name(argument, modality)
            _check_extractor(f"{argument}[{modality!r}]", extractor)
    for argument, extractors in (("target", target), ("auxiliary", auxiliary)):
        if not extractors and (argument == "target" or needs_auxiliary):
            raise ValueError(f"`{argument}` must have at least one modality; received none.")
    both = sorted(set(target) & set(auxiliary))
    if both:
        raise ValueError(
            f"`target` and `auxiliary` must have different modalities; received {both} in both."
        )
    extractors = [*target.values(), *auxiliary.values()]
    if len({id(extractor) for extractor in extractors}) < len(extractors):
        raise ValueError(
            "`target` and `auxiliary` must have an extractor of its own for each modality, for a "
            "loaded model could not share it again; received one extractor object for several "
            "modalities."
        )


def _check_modality_name(argument, modality):
    if not isinstance(modality, str) or not modality.isidentifier():
        raise ValueError(
            f"`{argument}` must have names of letters, digits and underscores, which become input "
            f"names of the served model; received the modality name {modality!r}."
        )
    taken = sorted({*RESERVED, *RESERVED_NAMES})
    if modality in taken:
        raise ValueError(
            f"`{argument}` must have modality names other than {taken}, which the data or the "
            f"student use for something else; received {modality!r}."
        )


def _check_extractor(argument, extractor):
    if not isinstance(extractor, keras.layers.Layer):
        raise ValueError(
            f"`{argument}` must be a keras.Model or keras.layers.Layer; received {extractor!r}."
        )
    if extractor.name in DISCRIMINATOR_NAMES:
        raise ValueError(
            f"`{argument}` must not be named like a discriminator, which the optimizers find by "
            f"its name; received {extractor.name!r}."
        )
