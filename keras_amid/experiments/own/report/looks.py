"""How it went and what the student has learned: curves, classes, confusion, map, retrieval."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.metrics import confusion_matrix

from keras_amid.experiments.own.report import drawing
from keras_amid.experiments.own.report.html import Markup, details, section, tag
from keras_amid.experiments.own.report.results import ALONE
from keras_amid.experiments.own.report.strips import strips
from keras_amid.experiments.rows import SHUFFLED

_BARS, _MAPPED, _QUERIES, _NEAREST = 24, 500, 6, 3


def curves(outcome: Any) -> Markup:
    """Accuracy over the epochs, of the validation split where there is one."""
    histories = {
        row: [runs.histories().get(row) for runs in outcome.runs] for row in outcome.figures
    }
    parts = []
    for side in ("student", "teacher", "auxiliary"):
        for prefix, of in (("val_", "validation samples"), ("", "training batches")):
            log = f"{prefix}{side}_accuracy"
            lines = {
                row: [100 * np.array(history[log]) for history in found]
                for row, found in histories.items()
                if all(history and log in history for history in found)
            }
            if side == "student":
                lines.pop("teacher alone", None)  # its student is not taught
            if lines:
                modalities = " + ".join(outcome.task.config.auxiliary)
                whose = f"auxiliary ({modalities} alone)" if side == "auxiliary" else side
                caption = f"Accuracy of the {whose}, {of}"
                parts.append(_curves(lines, caption, list(outcome.figures)))
                break
    return section("Training", tag("div", *parts, class_="figures"))


def _curves(lines, caption, order):
    return drawing.drawn(lambda axes: drawing.curves(axes, lines, "accuracy, %", order), caption)


def classes(outcome: Any) -> Markup:
    """Accuracy of each class, and what is taken for what."""
    names = outcome.task.class_names
    last = outcome.task.config.rows[-1]
    values = {
        row: _means(outcome.figures[row])
        for row in dict.fromkeys((ALONE, last))
        if row in outcome.figures and "per class" in outcome.figures[row][0]
    }
    found = outcome.runs[0].predictions(last).test
    matrix = confusion_matrix(
        found.labels, found.probabilities.argmax(axis=1), labels=range(len(names))
    )
    shares = 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    order = np.arange(len(names))
    note = ""
    if len(names) > _BARS and len(values) > 1:
        apart = np.nan_to_num(values[last] - values[ALONE])
        order = np.sort(np.argsort(-abs(apart), kind="stable")[:_BARS])
        note = f" The {_BARS} of {len(names)} classes that differ most."
    shown = {row: value[order] for row, value in values.items()}
    height = max(3.4, 0.9 + 0.14 * len(order) * max(1, len(values)))
    bars = drawing.drawn(
        lambda axes: drawing.bars(axes, shown, [names[i] for i in order]),
        f"Accuracy of each class, mean over the seeds.{note}", (5.2, height),
    )  # fmt: skip
    side = float(np.clip(2.0 + 0.22 * len(names), 4.2, 9.0))
    square = drawing.drawn(
        lambda axes: drawing.confusion(axes, shares, names),
        f"What {last} takes the classes for, percent of each row, first seed", (side, side),
    )  # fmt: skip
    return section("Classes", tag("div", bars, square, class_="figures"))


def _means(figures):
    """Accuracy of each class over the seeds; NaN of one without test samples."""
    found = np.ma.masked_invalid(np.array([run["per class"] for run in figures], float))
    return found.mean(axis=0).filled(np.nan)


def map_of_representations(outcome: Any) -> Markup:
    """Test samples in two dimensions, as students and teachers represent them."""
    names, last, parts = outcome.task.class_names, outcome.task.config.rows[-1], []
    rows = [row for row in (ALONE, last) if row in outcome.figures]
    for row in dict.fromkeys(rows):
        found = outcome.runs[0].predictions(row).test
        order = np.random.default_rng(0).permutation(len(found.labels))
        for side, values, some in (
            ("student", found.representations, order),
            ("teacher", found.teacher_representations, order[found.complete[order]]),
        ):
            some = some[:_MAPPED]
            if len(some) >= 4:
                points, labels = _flat(values[some]), found.labels[some]
                title = row if row == ALONE else f"{row}, {side}"
                parts.append(_map(points, labels, names, title))
    if not parts:
        return Markup("")
    says = (
        "t-SNE of the test samples' representations (cosine): each point is a sample, near points "
        "are alike. Distances between far groups mean nothing."
    )
    return section(
        "Representations", tag("p", says, class_="soft"), tag("div", *parts, class_="figures")
    )


def _map(points, labels, names, title):
    return drawing.drawn(
        lambda axes: drawing.scatter(axes, points, labels, names), title, (4.2, 4.6)
    )


def _flat(values):
    """Two coordinates of each sample."""
    values = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
    values = PCA(min(30, *values.shape), random_state=0).fit_transform(values)
    perplexity = min(30.0, (len(values) - 1) / 3)
    return TSNE(2, perplexity=perplexity, init="pca", random_state=0).fit_transform(values)


def retrieval(outcome: Any) -> Markup:
    """Test clips beside the training clips that the student finds nearest."""
    task, last = outcome.task, outcome.task.config.rows[-1]
    video = next((n for n in task.config.target if task.material.inputs[n].kind == "video"), None)
    if video is None or last.endswith(SHUFFLED):
        return Markup("")
    found = outcome.runs[0].predictions(last)
    queries = _spread(found.test.labels)
    similar = _cosines(found.test.representations[queries], found.train.representations)
    nearest = np.argsort(-similar, axis=1, kind="stable")[:, :_NEAREST]
    data = task.material.data
    shown = strips(data, "test", video, found.test.index[queries])
    known = strips(data, "train", video, found.train.index[nearest].ravel())
    lines = []
    for query, others, cosines in zip(queries, nearest, similar, strict=True):
        label = found.test.labels[query]
        guess = found.test.probabilities[query].argmax()
        name, says = task.class_names[label], f"test clip, taken for {task.class_names[guess]}"
        cells = [_clip(shown[int(found.test.index[query])], name, says, guess == label)]
        for other in others:
            its, says = found.train.labels[other], f"cosine {cosines[other]:.2f}"
            picture = known[int(found.train.index[other])]
            cells.append(_clip(picture, task.class_names[its], says, its == label))
        lines.append(tag("div", *cells, class_="query"))
    says = f"Test clips (left), and the nearest training clips as {last}'s student sees them."
    return section("Retrieval", tag("p", says, class_="soft"), *lines)


def _clip(picture, name, says, right):
    mark = tag("b", name, class_="good" if right else "bad")
    return tag("div", picture, mark, " ", tag("span", says, class_="soft"), class_="clip")


def _spread(labels):
    """Places of a few test samples, of as many classes as there are."""
    first = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    rounds = [group[i] for i in range(max(map(len, first))) for group in first if i < len(group)]
    return np.array(rounds[:_QUERIES])


def _cosines(a, b):
    a, b = (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12) for x in (a, b))
    return a @ b.T


def settings(outcome: Any, config: str, versions: dict[str, str]) -> Markup:
    """The command, the settings, the versions."""
    return section(
        "How it was made",
        tag("pre", outcome.command),
        details("all settings (config.toml)", tag("pre", config)),
        tag(
            "p", "; ".join(f"{name} {version}" for name, version in versions.items()), class_="soft"
        ),
        tag("p", f"{outcome.seconds:.0f} s in this call.", class_="soft"),
    )
