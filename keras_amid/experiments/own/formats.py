"""The formats of a run's student."""

from __future__ import annotations

import functools
from pathlib import Path

import keras
import numpy as np

from keras_amid.data.storage.files import read_json
from keras_amid.experiments.formats import SAMPLES, compare_formats, drawn, labelled_windows
from keras_amid.experiments.own.evaluating import open_run


def compare_run(run: Path, out: Path) -> str:
    """`compare_formats` of a run.

    Args:
        run: folder of a finished run.
        out: as of `compare_formats`.

    Raises:
        ValueError: it is no run, or has no student yet.
    """
    task = open_run(run)
    if not (run / "student.keras").exists():
        raise ValueError(f"`run` must have exported its student; received {str(run)!r}.")
    student = keras.saving.load_model(run / "student.keras", compile=False)
    experiment = task.open_case(task.cases()[0])
    windows = functools.partial(labelled_windows, experiment, task.config.target)
    card = read_json(run / "card.json")
    return compare_formats(student, task.class_names, representative(run), windows, out, card)


def representative(run: Path) -> dict[str, np.ndarray]:
    """Target modality -> training windows of a run, decoded as in tests."""
    task = open_run(run)
    material, names = task.material, task.config.target
    places = np.random.default_rng(0).permutation(material.places("train"))[:SAMPLES]
    batches = material.batches(
        "train", 32, names, training=False, cache=False, subset=np.sort(places)
    )
    return drawn(batches.as_numpy_iterator(), names)
