"""A student in every format: size, accuracy, and time, side by side."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_amid as ka
from keras_amid.data.storage.files import write_json
from keras_amid.experiments import markdown
from keras_amid.experiments.experiment import Experiment
from keras_amid.export.formats import FORMATS
from keras_amid.export.runtimes import Runtime, load_runtime

#: Values by modality, labels, and the numbers of the samples that they are windows of.
Windows = Iterable[tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]]
#: Training windows by which int8 chooses its ranges.
SAMPLES = 256
BATCHES = (1, 16)
_SECONDS, _CALLS = 1.0, 10  # each time is the median of at least so much


@dataclasses.dataclass(frozen=True)
class Measured:
    """What a format came to.

    Attributes:
        name: of the format.
        note: why it was not measured, or empty.
        megabytes: of what the runtime loads.
        top_1: percent of the test samples.
        difference: of the test windows' probabilities from the Keras student's, the largest.
        milliseconds: one for each of `BATCHES`, the median.
    """

    name: str
    note: str = ""
    megabytes: float = 0.0
    top_1: float = 0.0
    difference: float = 0.0
    milliseconds: tuple[float, ...] = ()


def compare_formats(
    student: keras.Model,
    class_names: Sequence[str] | None,
    samples: Mapping[str, np.ndarray],
    windows: Callable[[], Windows],
    out: Path,
    card: Mapping[str, Any] | None = None,
) -> str:
    """Exports a student in every format and measures each.

    Args:
        student: trained.
        class_names: names of the labels, or None.
        samples: target modality -> training windows, by which int8 chooses its ranges.
        windows: gives the test windows; called once a format.
        out: for the exports (`out/<format>/<version>`), `formats.md` and `formats.json`.
        card: see `keras_amid.export_student`.

    Returns:
        The table, in Markdown.
    """
    expected = [student.predict_on_batch(x)["probabilities"] for x, _, _ in windows()]
    names, found = class_names and list(class_names), []
    for name, made in FORMATS.items():
        for quantize in (None, "int8") if made.quantizes else (None,):
            title = f"{name} {quantize}" if quantize else name
            try:
                version = ka.export_student(
                    student, out / title.replace(" ", "-"), names, format=name, quantize=quantize,
                    representative=samples if quantize else None, card=card,
                )  # fmt: skip
                found.append(_measured(title, Path(version), windows, expected))
            except (ImportError, RuntimeError) as error:
                found.append(Measured(title, note=" ".join(str(error).split())))
            print(f"{title}: {found[-1].note or 'done'}", flush=True)
    write_json(out / "formats.json", [dataclasses.asdict(one) for one in found])
    text = _table(found)
    (out / "formats.md").write_text(text, encoding="utf-8")
    return text


def labelled_windows(experiment: Experiment, names: Sequence[str]) -> Windows:
    """The windows of the test samples that have a label.

    Args:
        experiment: whose batches they are.
        names: of the target modalities.
    """
    for x, y in experiment.batches("test", names):
        y, index = np.asarray(y), np.asarray(x["index"])
        kept = y >= 0
        if kept.any():
            yield {name: np.asarray(x[name])[kept] for name in names}, y[kept], index[kept]


def drawn(batches: Iterable, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Target modality -> `SAMPLES` windows at most of batches, drawn at random."""
    parts = [x for x, _ in batches]
    joined = {name: np.concatenate([np.asarray(x[name]) for x in parts]) for name in names}
    count = len(next(iter(joined.values())))
    chosen = np.random.default_rng(0).permutation(count)[:SAMPLES]
    return {name: value[chosen] for name, value in joined.items()}


def _measured(title, version, windows, expected):
    run = load_runtime(version)
    answers, labels, index = [], [], []
    for x, y, whose in windows():
        answers.append(run(x)["probabilities"])
        labels.append(y)
        index.append(whose)
        batch = x
    gaps = [np.abs(a - b).max() for a, b in zip(answers, expected, strict=True)]
    return Measured(
        title,
        megabytes=_size(version) / 1e6,
        top_1=_top_1(*map(np.concatenate, (answers, labels, index))),
        difference=float(max(gaps)),
        milliseconds=tuple(_milliseconds(run, batch, size) for size in BATCHES),
    )


def _size(version):
    """Bytes of what the runtime loads."""
    files = [version / made.file for made in FORMATS.values() if made.file]
    found = [file for file in files if file.is_file()]
    if not found:
        found = [version / "saved_model.pb", *(version / "variables").iterdir()]
    return sum(file.stat().st_size for file in found)


def _top_1(probabilities, labels, index):
    """Percent of samples whose mean over the windows is highest at the label."""
    samples, where = np.unique(index, return_inverse=True)
    sums = np.zeros((len(samples), probabilities.shape[1]))
    np.add.at(sums, where, probabilities)
    known = np.zeros(len(samples), int)
    known[where] = labels
    return 100 * float(np.mean(sums.argmax(axis=1) == known))


def _milliseconds(run: Runtime, values: Mapping[str, np.ndarray], size: int) -> float:
    """The median time of a batch of so many windows."""
    batch: dict[str, Any] = {n: np.resize(v, (size, *v.shape[1:])) for n, v in values.items()}
    run(batch)
    times, start = [], time.perf_counter()
    while len(times) < _CALLS or time.perf_counter() - start < _SECONDS:
        begin = time.perf_counter()
        run(batch)
        times.append(time.perf_counter() - begin)
    return 1000 * statistics.median(times)


def _table(found):
    head = [
        "format", "MB", "test top-1, %", "largest difference", *(f"ms, batch {b}" for b in BATCHES),
    ]  # fmt: skip
    rows = [
        [one.name, one.note] + [""] * (len(head) - 2)
        if one.note
        else [one.name, f"{one.megabytes:.2f}", f"{one.top_1:.1f}", f"{one.difference:.1e}"]
        + [f"{value:.2f}" for value in one.milliseconds]
        for one in found
    ]
    return (
        f"{markdown.table(head, rows)}\nDifferences are of the test windows' probabilities, from "
        "the Keras student's; times are medians, on all cores of this machine.\n"
    )
