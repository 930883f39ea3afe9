"""The settings of `keras-amid train` and `compare`: defaults, help, the TOML file. Without Keras.

Every number stands here, once. A file has the same names, flat, and two tables:

    data = "data/mine"
    target = ["video"]
    auxiliary = ["audio"]
    epochs = 60
    [extractor]
    video = "r2plus1d_18"
    [checkpoint]
    audio = "Cnn14_mAP=0.431.pth"
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PER_MODALITY = "modality"


@dataclasses.dataclass(frozen=True)
class Entry:
    """A setting.

    Attributes:
        default: its value where neither the command line nor the file has it.
        help: of the option.
        kind: type of the value, or of the items of a list.
        many: None: one value; "+": a list; a number: a list of so many; "modality": a dict.
    """

    default: Any
    help: str
    kind: type = str
    many: str | int | None = None


ENTRIES = {
    "target": Entry([], "modalities that the student will have when it is used", many="+"),
    "auxiliary": Entry(
        None, "modalities that only training has (default: all others)", many="+"
    ),
    "out": Entry("runs/mine", "folder of all outputs"),
    "extractor": Entry(
        {}, "network of a modality: NAME, or MODULE:FUNCTION, see below", many=_PER_MODALITY
    ),
    "checkpoint": Entry(
        {}, "weights of a modality's network: a file, or a keras-hub preset", many=_PER_MODALITY
    ),
    "rows": Entry(
        ["student alone", "AMID"], "methods, the one to export last (AMID, CCL, CRD, ...)", many="+"
    ),
    "control": Entry(
        False, "also the last row with its pairs shuffled: a gain counts only beyond it", bool
    ),
    "seed": Entry(0, "the first seed", int),
    "seeds": Entry(1, "how many seeds", int),
    "trials": Entry(
        0, "learning rates and weight decays tried for each row on the validation split", int
    ),
    "rates": Entry([3e-4, 1e-2], "lowest and highest learning rate of the trials", float, 2),
    "decays": Entry([1e-4, 1e-1], "lowest and highest weight decay of the trials", float, 2),
    "tuning_seed": Entry(100, "seed of the trials", int),
    "epochs": Entry(30, "of every run", int),
    "warmup_epochs": Entry(10, "without AMID's own terms; at most a quarter of the epochs", int),
    "batch": Entry(16, "samples a training step", int),
    "labelled_fraction": Entry(
        0.5, "share of labelled samples in a training step, where some have no label", float
    ),
    "rate": Entry(2e-3, "learning rate; it goes to 0 by a cosine", float),
    "decay": Entry(1e-3, "weight decay", float),
    "discriminator_rate": Entry(3e-4, "learning rate of the discriminators", float),
    "representation_dim": Entry(64, "size D of the representations", int),
    "negative_slope": Entry(0.2, "of the Leaky ReLU", float),
    "temperature": Entry(0.5, "of Eq. 7", float),
    "mi_student_weight": Entry(4.0, "of L_MIs in Eq. 17", float),
    "mi_auxiliary_weight": Entry(1.6, "of L_MIa in Eq. 17", float),
    "adversarial_weight": Entry(1.0, "of L_adv in Eq. 17", float),
    "smoothing": Entry(0.9, "beta of Eq. 14", float),
    "train_auxiliary": Entry(
        False, "also train auxiliary networks that have a checkpoint or nothing to train", bool
    ),
    "frames": Entry(
        8, "of a clip, one after the other; of 25 a second, 8 are a third of a second: `keras-amid "
        "prepare --fps` takes fewer. Videos are tested on all their windows", int,
    ),
    "size": Entry(40, "height and width of a clip, pixels", int),
    "flip": Entry(True, "mirror training clips left and right, at random", bool),
    "seconds": Entry(0.0, "of a sound; 0: the median of the training sounds, 10 at most", float),
    "length": Entry(0, "steps of an array or words of a text; 0: the longest, 512 at most", int),
    "limit": Entry(0, "samples of each split at most; 0: all", int),
    "xla": Entry(False, "on TensorFlow, compile steps with XLA", bool),
    "workers": Entry(0, "threads that read media; 0: one a core", int),
}  # fmt: skip
#: Entries of which a run on next to nothing has others.
SMOKE = {
    "epochs": 2, "warmup_epochs": 0, "frames": 4, "size": 32, "limit": 24, "representation_dim": 16,
    "batch": 8,
}  # fmt: skip


def add_options(parser: argparse.ArgumentParser, defaults: Mapping[str, Any]) -> None:
    """Gives a command line an option for each entry; its namespace holds what was given alone.

    Args:
        parser: of the command.
        defaults: entries that have other defaults than `ENTRIES`; shown in the help.
    """
    for name, entry in ENTRIES.items():
        default = defaults.get(name, entry.default)
        shown = "" if default in (None, [], {}) else f" (default: {_shown(default)})"
        options: dict[str, Any] = {"help": entry.help.replace("%", "%%") + shown}
        if entry.kind is bool:
            options["action"] = argparse.BooleanOptionalAction
        elif entry.many == _PER_MODALITY:
            options |= {"action": "append", "type": _pair, "metavar": "MODALITY=NAME"}
        else:
            options |= {"type": entry.kind, "nargs": entry.many, "metavar": name.upper()}
        parser.add_argument(f"--{name.replace('_', '-')}", default=argparse.SUPPRESS, **options)


def _shown(value):
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _pair(text):
    name, sign, value = text.partition("=")
    if not (name and sign and value):
        raise argparse.ArgumentTypeError(f"must be MODALITY=NAME; received {text!r}")
    return name, value


def resolve(
    defaults: Mapping[str, Any], file: str | Path | None, given: Mapping[str, Any]
) -> dict[str, Any]:
    """The settings: defaults, over them those of a file, over them those of the command line.

    Args:
        defaults: as of `add_options`; with "smoke" among them those of `SMOKE` win over the rest.
        file: TOML, or None.
        given: of the command line.

    Returns:
        dict with every entry, and "data".

    Raises:
        ValueError: the file is none, or has a key that is none or a value of another type.
    """
    values = {name: entry.default for name, entry in ENTRIES.items()} | dict(defaults)
    if file is not None:
        values |= read(file)
    for name, value in given.items():
        per_modality = name in ENTRIES and ENTRIES[name].many == _PER_MODALITY
        values[name] = {**values[name], **dict(value)} if per_modality else value
    return values


def read(path: str | Path) -> dict[str, Any]:
    """The entries of a TOML file.

    Raises:
        ValueError: there is no such file; it is no TOML; a key is unknown, or a value does not fit.
    """
    try:
        with open(path, "rb") as file:
            found = tomllib.load(file)
    except OSError as error:
        raise ValueError(
            f"`config` must be a file; received {str(path)!r}: {error.strerror}."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"`config` must be TOML; {str(path)!r} is not: {error}.") from error
    known = {"data": Entry("", ""), **ENTRIES}
    for name, value in found.items():
        if name not in known:
            raise ValueError(
                f"`config` must have keys among {sorted(known)}; {str(path)!r} has {name!r}."
            )
        if not _fits(value, known[name]):
            raise ValueError(
                f"`{name}` must be {_wanted(known[name])}; received {value!r} in {str(path)!r}."
            )
    return found


def _fits(value, entry):
    if entry.many == _PER_MODALITY:
        return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    if entry.many is not None:
        right = isinstance(value, list) and entry.many in ("+", len(value))
        return right and all(_is(item, entry.kind) for item in value)
    return _is(value, entry.kind)


def _is(value, kind):
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _wanted(entry):
    kind = {str: "text", int: "an integer", float: "a number", bool: "true or false"}[entry.kind]
    if entry.many == _PER_MODALITY:
        return "a table, modality -> text"
    return kind if entry.many is None else f"a list, each {kind}"


def written(values: Mapping[str, Any]) -> str:
    """Settings as TOML, which `read` reads back."""
    lines, tables = [], []
    for name, value in values.items():
        if isinstance(value, Mapping):
            tables += [f"\n[{name}]", *(f"{_key(k)} = {_value(v)}" for k, v in value.items())]
        elif value is not None:
            lines.append(f"{name} = {_value(value)}")
    return "\n".join([*lines, *tables]) + "\n"


def _key(text):
    plain = text and all(c.isascii() and (c.isalnum() or c in "-_") for c in text)
    return text if plain else _value(text)


def _value(value):
    """TOML of a str, bool, number or list of them; basic strings are JSON's, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
