"""`dataset.json`: what a folder of prepared data holds, in its own words.

    {"name": "UCF51", "settings": {...}, "class_names": [...], "splits": {"train": 4901, ...},
     "listed": {...}, "paper_counts": {...}, "paper_note": "...", "problems": [...],
     "sha256": "..."}

Label i is the i-th of `class_names`; `splits` counts the rows, of which some may be left out of the
records; `sha256` is of all the rest, so that a file that was damaged or edited is not believed.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from keras_amid.data.storage.files import read_json

NAME = "dataset.json"
_KEYS = (
    "name", "settings", "class_names", "splits", "listed", "paper_counts", "paper_note", "problems",
)  # fmt: skip


def signed(description: dict) -> dict:
    """Returns a description as it is written: JSON values with their digest."""
    # Through JSON, so that a tuple given now equals the list read back later.
    plain = json.loads(json.dumps(description))
    return {**plain, "sha256": _digest(plain)}


def read_description(folder: Path) -> dict | None:
    """Reads the description of a folder; None where it has none.

    Raises:
        ValueError: It is damaged, or was edited.
    """
    path = folder / NAME
    try:
        found = read_json(path)
        if found is not None:
            if found["sha256"] != _digest(found):
                raise ValueError("its contents do not have its sha256")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is damaged, or was edited ({error}). Make the same preparation again: it "
            "writes this file anew, and keeps the records."
        ) from error
    return found


def _digest(description):
    text = json.dumps({key: description[key] for key in _KEYS}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
