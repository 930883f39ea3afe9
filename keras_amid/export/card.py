"""The model card beside an export: what the student takes and gives, and what was measured of it.

`model_card.json` is for programs; `model_card.md` shows the same to people. Of a bare student the
card holds shapes, dtypes, classes and versions; a run adds rates, figures, data and its command:

    {"name", "created", "format", "quantized", "parameters",
     "inputs": {name: {"shape", "dtype", "kind", "sample_rate", "fps"}},
     "outputs": {name: {"shape", "dtype"}}, "classes": [name],
     "row", "seed", "target", "auxiliary",
     "figures": {row: {figure: {"mean", "standard_error", "values"}}}, "figures_note", "control",
     "data": {"name", "counts": {split: samples}, ...}, "versions": {name: version}, "command"}
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any

import keras

FILES = ("model_card.json", "model_card.md")
_PACKAGES = ("keras_amid", "keras", "tensorflow", "jax", "torch", "numpy", "onnx", "tf2onnx")


def model_card(
    student: keras.Model,
    inputs: Mapping[str, Any],
    class_names: Sequence[str] | None,
    further: Mapping[str, Any],
) -> dict[str, Any]:
    """The card of a student.

    Args:
        student: functional `keras.Model`, a dict of outputs.
        inputs: input name of the served model -> `keras.KerasTensor`.
        class_names: one a class, or None.
        further: entries to be added; dicts are merged with what is there.

    Returns:
        dict of JSON values.
    """
    outputs = {name: {**_described(t), "dtype": "float32"} for name, t in student.output.items()}
    known = {
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "parameters": student.count_params(),
        "inputs": {name: _described(tensor) for name, tensor in inputs.items()},
        "outputs": outputs,
        "classes": None if class_names is None else list(class_names),
        "versions": _versions(),
    }
    return _merged(known, further)


def _described(tensor):
    return {"shape": [None, *tensor.shape[1:]], "dtype": tensor.dtype}


def _versions():
    found = {"backend": keras.backend.backend(), "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _merged(known, further):
    merged = dict(known)
    for name, value in further.items():
        both = isinstance(value, Mapping) and isinstance(known.get(name), Mapping)
        merged[name] = _merged(known[name], value) if both else value
    return merged


def checked_card(card: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a user adds to a card.

    Raises:
        ValueError: it is no dict of JSON values.
    """
    if card is None:
        return {}
    if not isinstance(card, Mapping):
        raise ValueError(f"`card` must be a dict of JSON values, or None; received {card!r}.")
    try:
        return json.loads(json.dumps(dict(card), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f"`card` must be a dict of JSON values; {error}: {card!r}.") from error


def write_card(folder: str | os.PathLike, card: Mapping[str, Any]) -> None:
    """Writes `FILES` into an existing folder."""
    texts = (json.dumps(card, indent=1, ensure_ascii=False) + "\n", as_markdown(card))
    for name, text in zip(FILES, texts, strict=True):
        with open(os.path.join(folder, name), "w", encoding="utf-8", newline="\n") as file:
            file.write(text)


def as_markdown(card: Mapping[str, Any]) -> str:
    """The card for people."""
    quantized = f", {card['quantized']}" if card.get("quantized") else ""
    lines = [
        f"# Model card: {card['name']}",
        f"{card['format']}{quantized}, {card['parameters']:,} parameters, exported by keras_amid "
        f"on {card['created']}. No auxiliary modality is needed to use it.",
        *_taught(card),
        "## Inputs",
        _table(
            ("name", "shape", "dtype", "what", "rate"),
            [
                (n, _shape(i), i["dtype"], i.get("kind"), _rate(i))
                for n, i in _items(card, "inputs")
            ],
        ),
        "## Outputs",
        _table(
            ("name", "shape", "dtype"),
            [(n, _shape(o), o["dtype"]) for n, o in _items(card, "outputs")],
        ),
        *_classes(card),
        *_figures(card),
        *_data(card),
        "## Versions",
        _table(("of", "version"), _items(card, "versions")),
    ]
    if card.get("command"):
        lines += ["## Command", f"```sh\n{card['command']}\n```"]
    return "\n\n".join(lines) + "\n"


def _items(card, name):
    return list((card.get(name) or {}).items())


def _table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    cells = (["" if c is None else str(c).replace("|", r"\|") for c in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def _shape(described):
    return " x ".join("batch" if size is None else str(size) for size in described["shape"])


def _rate(described):
    rates = [(described.get("fps"), "fps"), (described.get("sample_rate"), "Hz")]
    return ", ".join(f"{rate:g} {unit}" for rate, unit in rates if rate)


def _taught(card):
    if "row" not in card:
        return []
    auxiliary = ", ".join(card.get("auxiliary") or ()) or "no other modality"
    return [
        f"Taught by {card['row']} (seed {card['seed']}) on {', '.join(card['target'])}, with "
        f"{auxiliary} in training only."
    ]


def _classes(card):
    if not card["classes"]:
        return []
    return ["## Classes", _table(("number", "name"), enumerate(card["classes"]))]


def _figures(card):
    rows = _items(card, "figures")
    if not rows:
        return []
    names = list(dict.fromkeys(name for _, figures in rows for name in figures))
    cells = [(row, *(_cell(figures.get(name)) for name in names)) for row, figures in rows]
    notes = [card.get("figures_note"), *(card.get("control") or ())]
    return ["## Figures", _table(("", *names), cells), *(note for note in notes if note)]


def _cell(figure):
    if figure is None:
        return ""
    error = figure.get("standard_error")
    return f"{figure['mean']:.1f}" + ("" if error is None else f" +- {error:.1f}")


def _data(card):
    data = card.get("data")
    if not data:
        return []
    counts = _table(("split", "samples"), _items(data, "counts"))
    others = [f"- {n}: {v}" for n, v in data.items() if n not in ("name", "counts")]
    shown = [data.get("name"), counts if data.get("counts") else None, "\n".join(others)]
    return ["## Data", *(part for part in shown if part)]
