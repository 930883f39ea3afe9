"""The student for use: a SavedModel that says how its inputs are decoded, and `student.keras`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_amid.data.storage.files import read_json, replacing, write_json
from keras_amid.experiments.exporting import export_and_compare
from keras_amid.experiments.own.runs import OwnRuns
from keras_amid.experiments.own.task import OwnTask
from keras_amid.experiments.run_card import run_card
from keras_amid.own.inputs import CARD, FILE


def described_inputs(task: OwnTask) -> dict:
    """How `keras-amid predict` decodes what the student takes, as JSON values.

    `{"modalities": {name: {"kind", "shape", "sample_rate", "vocabulary", "columns"}}, "fps",
    "short_side"}`: shapes of one sample; of a video all windows of so many frames are shown to the
    student, taken at `fps` (null: the file's own); `columns` are those of numbers in a table.
    """
    material = task.material
    settings = material.data.settings
    columns = settings.get("columns", {})
    return {
        "modalities": {
            name: {**material.inputs[name].described(), "columns": columns.get(name)}
            for name in task.config.target
        },
        "fps": settings.get("fps"),
        "short_side": settings.get("short_side"),
    }


def export(
    runs: OwnRuns,
    row: str,
    path: Path,
    figures: Mapping[str, Sequence[Mapping[str, Any]]],
    called: str,
) -> str:
    """Exports the student of a row, unless this run has done so before.

    Args:
        runs: whose row is exported.
        row: name.
        path: folder of the served model's versions.
        figures: row -> its figures, one dict a seed, for the model card.
        called: the command line, likewise.

    Returns:
        The version's folder.
    """
    task = runs.task
    known = task.folder / "exported.json"
    version = read_json(known)
    if version is not None and version["path"] == str(path) and Path(version["version"]).is_dir():
        return version["version"]
    model, experiment = runs.trained(row), runs.experiment
    with replacing(task.folder / "student.keras") as temporary:
        model.student.save(temporary)
    write_json(task.folder / FILE, described_inputs(task))
    card = run_card(runs, row, figures, called)
    write_json(task.folder / CARD, card)
    names = "".join(f"{name}\n" for name in task.class_names)
    (task.folder / "class_names.txt").write_text(names, encoding="utf-8")
    version, _ = export_and_compare(
        model, experiment.example(), path, experiment.class_names,
        {FILE: json.dumps(described_inputs(task))}, card,
    )  # fmt: skip
    write_json(known, {"path": str(path), "version": version})
    return version
