"""What stands beside each shard of records: that it is whole, and of which rows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_amid.data.storage.files import read_json, refuse_other_settings, write_json


def write_sidecar(path: Path, settings: dict, rows: dict[str, str], shard: dict) -> None:
    """Writes what is known of a shard, which is whole by now.

    Args:
        path: Of the shard.
        settings: Of the records.
        rows: Dict id -> digest, of all its rows, those left out included.
        shard: What goes into the index.
    """
    sidecar = {"settings": settings, "rows": rows, "shard": shard}
    write_json(path.with_suffix(".json"), sidecar)


def read_sidecar(path: Path) -> dict[str, Any] | None:
    """Returns what `write_sidecar` wrote; None unless the shard is whole."""
    sidecar = read_json(path.with_suffix(".json"))
    if sidecar is None or "rows" not in sidecar:
        return None
    whole = path.exists() and path.stat().st_size == sidecar["shard"]["bytes"]
    return sidecar if whole else None


def whole_shards(folder: Path, settings: dict, *, retry: bool) -> dict[int, dict[str, str]]:
    """Returns dict number -> rows (id -> digest) of the shards that are whole.

    Args:
        folder: Of the records.
        settings: Of the records; shards of others are refused.
        retry: Leave out those of which a file that was left out is another one now.
    """
    whole = {}
    for path in sorted(folder.glob("shard-*.json")):
        sidecar, number = read_sidecar(path.with_suffix(".tfrecord")), shard_number(path)
        if sidecar is None or number is None:
            continue
        refuse_other_settings(folder, _shared(sidecar["settings"]), _shared(settings))
        left_out = sidecar["shard"]["left_out"]
        if not (retry and any(file_stamp(item["file"]) != item.get("stamp") for item in left_out)):
            whole[number] = sidecar["rows"]
    return whole


def shard_number(path: Path) -> int | None:
    """Returns the number of a shard, of its file or its sidecar; None of anything else."""
    number = path.stem.partition("-")[2]
    return int(number) if number.isdecimal() else None


def refuse_others(
    folder: Path,
    found: dict,
    asked: dict,
    whole: Mapping[int, Mapping[str, str]],
    plan: Mapping[int, Sequence[Mapping]],
) -> None:
    """Refuses records of other settings, and those of which no sample is in the plan."""
    refuse_other_settings(folder, _shared(found), _shared(asked))
    known = {name for rows in whole.values() for name in rows}
    if known and known.isdisjoint(row["id"] for rows in plan.values() for row in rows):
        refuse_other_settings(folder, found, asked)


def file_stamp(file: str) -> list[int] | None:
    """Returns size and time of change of a file; None where there is none."""
    try:
        status = os.stat(file)
    except (OSError, ValueError):
        return None
    return [status.st_size, status.st_mtime_ns]


def _shared(settings):
    """The settings of every shard of a folder, whatever the samples."""
    return {name: value for name, value in settings.items() if name != "samples"}
