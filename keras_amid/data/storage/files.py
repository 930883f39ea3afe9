"""Files that are either whole or absent, and settings that refuse to be mixed."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Writes a file under a temporary name and renames it when it is whole.

    A process killed at any moment leaves either the whole file or none at `path`. The temporary
    name is fixed (a later attempt overwrites it) and keeps the suffix, from which FFmpeg chooses
    the container. Two processes must not write the same path at once.

    Args:
        path: Where the finished file goes; missing parent folders are made.

    Yields:
        The `Path` to write to, in the same folder.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".part-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_json(path: str | Path, value: Any):
    """Writes `value` as JSON, atomically and durably.

    A byte of a file name that is no text becomes the escape that JSON has for it, and comes back.
    """
    options: Any = {"encoding": "utf-8", "errors": "backslashreplace"}
    with replacing(path) as temporary, open(temporary, "w", **options) as file:
        json.dump(value, file, indent=1, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


def read_json(path: str | Path) -> Any:
    """Reads a JSON file; None where there is no such file.

    Raises:
        ValueError: It cannot be read, or is no whole JSON file; the message names it.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no whole JSON file: {error}.") from error


def printable(text: str) -> str:
    """Returns text that can be printed and encoded: what is no character (a byte of a file name,
    half a surrogate pair) as an escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def refuse_other_settings(folder: str | Path, found: dict, asked: dict, argument: str = "folder"):
    """Raises `ValueError` naming each setting in which two dicts differ.

    Args:
        folder: The folder the settings were found in (for the message).
        found: Dict, the settings of what is there.
        asked: Dict, the settings of what was asked for.
        argument: Name of the argument that `folder` was given as.
    """
    missing = object()
    names = [k for k in {**found, **asked} if found.get(k, missing) != asked.get(k, missing)]
    if names:
        listed = "; ".join(
            f"`{k}`: {found.get(k, 'absent')!r} there, {asked.get(k, 'absent')!r} asked for"
            for k in names
        )
        raise ValueError(
            f"`{argument}` must be empty, or hold data of the same settings; received {folder}, "
            f"which holds data made with other settings ({listed}). Choose another folder, or "
            "delete this one to make it anew."
        )
