"""From windows to videos: test-time figures of a video are means over all its windows."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np

from keras_amid.data.storage.progress import progress_bar
from keras_amid.validation.damage import damage_named
from keras_amid.validation.leaves import as_array
from keras_amid.validation.rules import INDEX
from keras_amid.validation.streams import BatchCheck


@dataclasses.dataclass(frozen=True)
class VideoPredictions:
    """What a model says of each video; row i of every array is one video.

    Attributes:
        index: int array, shape `(videos,)`, the videos' positions in the data, ascending.
        labels: int array, shape `(videos,)`.
        windows: int array, shape `(videos,)`, number of windows of each.
        probabilities: float64 array, shape `(videos, num_classes)`: the student's softmax,
            averaged over the windows.
        representations: float64 array, shape `(videos, D)`: the student's, averaged likewise.
        teacher_probabilities: as `probabilities`, of the teacher; NaN for a video that lacks an
            auxiliary modality (`x["present"]`). None where all do, where the data have no
            auxiliary modalities, or where the method has no teacher.
        teacher_representations: as `representations`, of the teacher, or None likewise.
    """

    index: np.ndarray
    labels: np.ndarray
    windows: np.ndarray
    probabilities: np.ndarray
    representations: np.ndarray
    teacher_probabilities: np.ndarray | None = None
    teacher_representations: np.ndarray | None = None

    def top_1(self):
        """The student's top-1 accuracy over the videos, a float in [0, 1]."""
        return float(np.mean(self.probabilities.argmax(axis=1) == self.labels))

    def teacher_top_1(self):
        """The teacher's top-1 accuracy over the videos that lack nothing, or None."""
        if self.teacher_probabilities is None:
            return None
        known = self.complete
        guesses = self.teacher_probabilities[known].argmax(axis=1)
        return float(np.mean(guesses == self.labels[known]))

    @property
    def complete(self):
        """Which videos the teacher has seen whole: bool array, shape `(videos,)`."""
        if self.teacher_probabilities is None:
            return np.zeros(len(self.labels), bool)
        return ~np.isnan(self.teacher_probabilities).any(axis=1)


def predict_videos(model: keras.Model, windows: Any, progress: bool = False) -> VideoPredictions:
    """Runs a model over all windows of all videos, once, and averages over each video.

    Args:
        model: a built `Distiller`.
        windows: stream of `(x, y)`, such as `keras_amid.data.batches(..., {"video": Windows()})`
            yields it: `x` a dict of modalities and `"index"`, integers `(batch,)`, the video each
            window belongs to; `y` integers `(batch,)`.
        progress: bool, show a progress bar.

    Returns:
        `VideoPredictions`. Memory does not grow with the number of windows.

    Raises:
        ValueError: no windows, no `"index"`, windows of one video with different labels, data
            that `evaluate` refuses, or whose files were damaged meanwhile.
    """
    videos = {}
    with damage_named(windows):
        _add_all(videos, model, windows, progress)
    if not videos:
        raise ValueError("`windows` must yield at least one batch; received an empty stream.")
    return _means(videos)


def _add_all(videos, model, windows, progress):
    expected = dataclasses.replace(model.expected_data("evaluate"), where="windows")
    check = BatchCheck(expected)
    batches = windows.as_numpy_iterator() if hasattr(windows, "as_numpy_iterator") else windows
    for batch in progress_bar(batches, description="windows", unit="batch", show=progress):
        x, y = check(batch)[:2]
        index, x = _split_index(x)
        labels = as_array(y)
        # The model's own `predict` gives the student's probabilities only.
        outputs = keras.Model.predict_on_batch(model, x)
        _add(videos, index, labels, _summands(outputs))


def _split_index(x):
    if INDEX not in x:
        raise ValueError(
            '`windows` must yield `x` with the key "index", the video of each window; received '
            f"{sorted(x)}."
        )
    rest = {name: value for name, value in x.items() if name != INDEX}
    return as_array(x[INDEX]), rest


def _summands(outputs):
    values = {
        "probabilities": _softmax(outputs["student_logits"]),
        "representations": np.asarray(outputs["student"], "float64"),
    }
    if "teacher_logits" in outputs:
        teacher = {
            "teacher_probabilities": _softmax(outputs["teacher_logits"]),
            "teacher_representations": np.asarray(outputs["teacher"], "float64"),
        }
        complete = np.asarray(outputs.get("complete", True))[..., None]
        values |= {name: np.where(complete, value, np.nan) for name, value in teacher.items()}
    return values


def _softmax(logits):
    logits = np.asarray(logits, "float64")
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _add(videos, index, labels, values):
    for video in np.unique(index):
        rows = index == video
        label = int(labels[rows][0])
        known, count, sums = videos.get(int(video), (label, 0, None))
        if known != label or (labels[rows] != label).any():
            raise ValueError(
                f"`windows` gives video {video} more than one label: "
                f"{sorted({known, *map(int, labels[rows])})}."
            )
        new = {name: value[rows].sum(axis=0) for name, value in values.items()}
        if sums is not None:
            new = {name: value + sums[name] for name, value in new.items()}
        videos[int(video)] = (label, count + int(rows.sum()), new)


def _means(videos):
    index = sorted(videos)
    counts = np.array([videos[i][1] for i in index])
    names = videos[index[0]][2]
    means = {n: np.stack([videos[i][2][n] for i in index]) / counts[:, None] for n in names}
    return VideoPredictions(
        index=np.array(index),
        labels=np.array([videos[i][0] for i in index]),
        windows=counts,
        **{n: values for n, values in means.items() if not np.isnan(values).all()},
    )
