"""The export of a trained student, compared with the model it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import keras_amid as ka

#: Largest difference of probabilities between an export and `predict`.
TOLERANCE = 1e-5


def export_and_compare(
    model: ka.Distiller,
    example: Mapping[str, np.ndarray],
    path: str | Path,
    class_names: Sequence[str] | None = None,
    assets: Mapping[str, str] | None = None,
    card: Mapping[str, Any] | None = None,
) -> tuple[str, float]:
    """Exports the student, loads the export without Keras and compares it with `predict`.

    Args:
        model: trained.
        example: target modality -> array `(batch, ...)`.
        path: where the numbered version folders go.
        class_names: names of the labels.
        assets, card: see `keras_amid.export_student`.

    Returns:
        The version's folder, and the largest difference of the probabilities.

    Raises:
        RuntimeError: they differ by `TOLERANCE` or more.
    """
    import tensorflow as tf

    names = class_names and list(class_names)
    version = ka.export_student(model, path, names, assets=assets, card=card)
    served = tf.saved_model.load(version).signatures["serving_default"]
    answer = served(**{name: tf.constant(value) for name, value in example.items()})
    expected = model.predict(dict(example), verbose=0)
    difference = float(np.abs(answer["probabilities"].numpy() - expected).max())
    if not difference < TOLERANCE:
        raise RuntimeError(f"{version} differs from `predict` by {difference:.1e}.")
    return version, difference
