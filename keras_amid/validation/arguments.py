"""Checks of constructor arguments: each names the argument, what came and what was expected."""

import math
import numbers

import keras

# The key of x that is no modality: each sample's number in the training set.
INDEX = "index"
# Names of the student's own layers, which its inputs cannot have too.
RESERVED_NAMES = {"classifier", "probabilities", "representation", "student_projection"}
DISCRIMINATOR_NAMES = {"fundamental_discriminator", "enhanced_discriminator"}


def check_positive_int(name, value, at_least=1):
    """Returns `value` as int, or raises ValueError."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or value < at_least:
        raise ValueError(f"`{name}` must be an integer >= {at_least}; received {value!r}.")
    return int(value)


def check_number(name, value, above=None, at_least=None, at_most=None):
    """Returns `value` as float, or raises ValueError where it is not finite or out of range."""
    bounds = [("> ", above), (">= ", at_least), ("<= ", at_most)]
    expected = " and ".join(f"{sign}{bound}" for sign, bound in bounds if bound is not None)
    good = isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
    good = good and (above is None or value > above)
    good = good and (at_least is None or value >= at_least)
    if not (good and (at_most is None or value <= at_most)):
        raise ValueError(f"`{name}` must be a number {expected}; received {value!r}.")
    return float(value)


def check_choice(name, value, choices):
    """Returns `value`, or raises ValueError where it is not one of `choices`."""
    if not any(value is c or (isinstance(c, str) and value == c) for c in choices):
        raise ValueError(f"`{name}` must be one of {list(choices)}; received {value!r}.")
    return value


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
    if not target:
        raise ValueError("`target` must have at least one modality; received {}.")
    if needs_auxiliary and not auxiliary:
        raise ValueError("`auxiliary` must have at least one modality; received none.")
    both = sorted(set(target) & set(auxiliary))
    if both:
        raise ValueError(f"{both} stand in both `target` and `auxiliary`; each belongs in one.")
    extractors = [*target.values(), *auxiliary.values()]
    if len({id(extractor) for extractor in extractors}) < len(extractors):
        raise ValueError(
            "one extractor object is given for several modalities; each needs its own: a loaded "
            "model could not share it again."
        )


def _check_modality_name(argument, modality):
    if not isinstance(modality, str) or not modality.isidentifier():
        raise ValueError(
            f"`{argument}` has the modality name {modality!r}; a name must be a string of "
            "letters, digits and underscores: it becomes an input name of the served model."
        )
    if modality == INDEX:
        raise ValueError(
            f"`{argument}` has the modality name {modality!r}, under which data carry the number "
            "of each sample; expected another name."
        )
    if modality in RESERVED_NAMES:
        raise ValueError(
            f"`{argument}` has the modality name {modality!r}, which a layer of the "
            f"student has; expected a name other than {sorted(RESERVED_NAMES)}."
        )


def _check_extractor(argument, extractor):
    if not isinstance(extractor, keras.layers.Layer):
        raise ValueError(
            f"`{argument}` must be a keras.Model or keras.layers.Layer; received {extractor!r}."
        )
    if extractor.name in DISCRIMINATOR_NAMES:
        raise ValueError(
            f"`{argument}` is named {extractor.name!r}, by which the optimizers find a "
            "discriminator; give it another name."
        )
