"""Rows of the paper's tables on real data, one after the other: trained, measured, exported.

A finished run is read back, a cut one goes on; see `comparison.fit`.
"""

import dataclasses
import json

import keras
import numpy as np

import keras_amid as ka
from keras_amid.experiments import rows as methods
from keras_amid.experiments import training as comparison


def trained(experiment, row, seed, folder, rate, decay):
    """The trained model of a row, with the weights of the last epoch.

    Args:
        experiment: `task.Experiment`.
        row: str, one of `methods.ROWS`.
        seed: int, of the initial weights.
        folder: `Path` of this seed's runs.
        rate, decay: floats, learning rate and weight decay of the main optimizer.

    Returns:
        A `Distiller`.
    """
    settings = experiment.settings()
    if methods.needs_teacher(row):
        teacher = trained(experiment, methods.TEACHER, seed, folder, rate, decay)
        settings = dataclasses.replace(settings, fixed_teacher=teacher)
    keras.utils.set_random_seed(seed)
    model, callbacks = methods.build(row, *experiment.extractors(), settings)
    methods.compile_model(
        model, lambda: experiment.optimizer(rate, decay), experiment.discriminator_rate
    )
    experiment.fit(model, callbacks, folder / file_name(row))
    return model


def figures(experiment, row, seed, folder, rate, decay):
    """Test figures of a row, percent; a finished run is read back. Arguments as of `trained`."""
    done = folder / file_name(row) / "result.json"
    if done.exists():
        return json.loads(done.read_text())
    model = trained(experiment, row, seed, folder, rate, decay)
    result = experiment.measure(model)
    if not methods.row(row).has_student:  # its student is one that was never taught
        result = {name: value for name, value in result.items() if name.startswith("teacher")}
    comparison.write_json(done, result)
    return result


def file_name(row):
    """A row's name as that of a folder."""
    return row.replace(" ", "_").replace("+", "_and_")


def paper_table(columns, results, paper):
    """A Markdown table: each figure beside the paper's.

    Args:
        columns: names of figures, such as "student top-1".
        results: dict, row -> list of dicts, name -> percent; one for each seed or fold.
        paper: dict, row -> dict, name -> percent.

    Returns:
        str. With two seeds or folds or more: mean +- standard deviation over them.
    """
    shown = [c for c in columns if any(c in r for rows in results.values() for r in rows)]
    lines = [
        "| %, test | " + " | ".join(f"{c} | paper" for c in shown) + " |",
        "|---" * (1 + 2 * len(shown)) + "|",
    ]
    for row, measured in results.items():
        cells = []
        for column in shown:
            values = [result[column] for result in measured if column in result]
            expected = paper.get(row, {}).get(column)
            cells += [_cell(values), "" if expected is None else f"{expected:.1f}"]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(values):
    if len(values) < 2:
        return "".join(f"{value:.1f}" for value in values)
    return f"{np.mean(values):.1f} +- {np.std(values, ddof=1):.1f}"


def export(model, example, path, class_names):
    """Exports the student, loads the export without Keras and compares it with `predict`.

    Args:
        model: trained `Distiller`.
        example: dict, target modality -> array `(batch, ...)`.
        path: where the numbered version folders go.
        class_names: names of the labels.

    Returns:
        Tuple of the version's folder (str) and the largest difference of the probabilities.

    Raises:
        RuntimeError: they differ by 1e-5 or more.
    """
    import tensorflow as tf

    version = ka.export_student(model, path, class_names=list(class_names))
    served = tf.saved_model.load(version).signatures["serving_default"]
    answer = served(**{name: tf.constant(value) for name, value in example.items()})
    expected = model.predict(example, verbose=0)
    difference = float(np.abs(answer["probabilities"].numpy() - expected).max())
    if not difference < 1e-5:
        raise RuntimeError(f"{version} differs from `predict` by {difference:.1e}.")
    return version, difference
