"""Test figures of a trained model, in percent: accuracy, WA and UA, retrieval, each class."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

import keras_amid as ka
from keras_amid.evaluation.videos import VideoPredictions


def measure(
    model: ka.Distiller,
    test: Iterable,
    num_classes: int,
    gallery: Iterable | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """Figures by sample; a sample of several windows, such as a video, counts once.

    Args:
        model: trained.
        test: batches of (x, y), `x["index"]` the number of the sample.
        num_classes: of the data.
        gallery: batches likewise, for retrieval by cosine similarity; they need the target
            modalities only. None: no retrieval.
        progress: show progress bars.

    Returns:
        dict of floats: "student top-1", "student WA", "student UA", the teacher's likewise where
        `test` and the method have one (over the samples that lack nothing), and "student R@1" and
        "student R@5"; and "per class", a list of the student's accuracies, None for a class without
        samples.
    """
    predictions = ka.predict_videos(model, test, progress=progress)
    known = None if gallery is None else ka.predict_videos(model, gallery, progress=progress)
    return figures_of(predictions, num_classes, known)


def figures_of(
    predictions: VideoPredictions, num_classes: int, gallery: VideoPredictions | None = None
) -> dict[str, Any]:
    """The figures of predictions; see `measure`.

    Args:
        predictions: of the test samples.
        num_classes: of the data.
        gallery: of the training samples, for retrieval; None: no retrieval.
    """
    labels, complete = predictions.labels, predictions.complete
    sides = {"student": (labels, predictions.probabilities)}
    if predictions.teacher_probabilities is not None:
        sides["teacher"] = labels[complete], predictions.teacher_probabilities[complete]
    figures = {}
    for side, (of, probabilities) in sides.items():
        accuracies = ka.weighted_and_unweighted_accuracy(of, probabilities, num_classes)
        named = {"top-1": accuracies["WA"], **accuracies}
        figures |= {f"{side} {name}": 100 * value for name, value in named.items()}
    if gallery is not None:
        recall = ka.recall_at_k(
            predictions.representations, labels, gallery.representations, gallery.labels, k=(1, 5)
        )
        figures |= {f"student R@{k}": 100 * value for k, value in recall.items()}
    per_class = 100 * ka.per_class_accuracy(labels, predictions.probabilities, num_classes)
    return figures | {"per class": [None if np.isnan(v) else v for v in per_class.tolist()]}
