"""Checks of arguments: "`argument` must be what is expected; received what came."."""

from __future__ import annotations

from typing import Any

import keras

from keras_amid.validation.rules import INDEX as INDEX
from keras_amid.validation.rules import RESERVED
from keras_amid.validation.scalars import check_block as check_block
from keras_amid.validation.scalars import check_choice as check_choice
from keras_amid.validation.scalars import check_int as check_int
from keras_amid.validation.scalars import check_number as check_number
from keras_amid.validation.scalars import check_positive_int as check_positive_int

# Names of the student's own layers, which its inputs cannot have too.
RESERVED_NAMES = {"classifier", "probabilities", "representation", "student_projection"}
DISCRIMINATOR_NAMES = {"fundamental_discriminator", "enhanced_discriminator"}


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
            check_modality_name(argument, modality)
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


def check_modality_name(argument: str, modality: Any) -> None:
    """Raises ValueError unless `modality` can be the name of an input of a served model."""
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
