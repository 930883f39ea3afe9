"""`index.json`: what a folder of records holds, in its own words.

    {"settings": {...}, "complete": true, "count": 318,
     "modalities": {"video": {"encoding": "png", "shape": [8, 64, 64, 1]}},
     "shards": [{"file": "shard-00000.tfrecord", "count": 256, "bytes": ..., "sha256": "...",
                 "shapes": {...}, "samples": [...]}, ...],
     "left_out": [{"id": "train-00017", "file": ..., "reason": ...}, ...],
     "notes": [{"id": "train-00018", "file": ..., "note": ...}, ...],
     "sha256": "..."}

A dimension in which the samples differ is null in `shape`; a modality that a sample lacks, or may
lack, also has "may_lack": true. The entries of `samples` are those of `read_samples`, with the
bytes that each example of the sample takes in the shard. `sha256` is of all the rest, so that an
index that was damaged or edited is not believed; that of a shard is of its file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_amid.data.records.one_shard import merge_shapes
from keras_amid.data.records.sidecars import read_sidecar
from keras_amid.data.storage.digests import (
    file_digest,
    is_signed,
    may_have_changed,
    renew,
    signed,
)
from keras_amid.data.storage.files import read_json, write_json

NAME = "index.json"
_SAME_CALL = "Make the call that wrote the records again"


def read_index(folder: str | os.PathLike) -> dict:
    """Reads the index of a folder of complete records.

    Args:
        folder: A folder that `write_records` or `cache_features` wrote.

    Returns:
        The index (dict; see the docstring of `keras_amid.data.records.index`).

    Raises:
        ValueError: There are no records, they are not complete, or something is damaged, missing
            or was edited: which file, and what to do.
    """
    index = open_index(folder, "folder")
    check_lengths(Path(folder), index, "folder")
    return index


def read_samples(folder: str | os.PathLike) -> list:
    """Lists the samples of a folder of complete records, in the order of the records.

    Args:
        folder: A folder that `write_records` or `cache_features` wrote.

    Returns:
        List of dicts with `id`, `label`, `group` (where the rows had it), `lengths`, a dict
        modality -> first dimension (frames of a video, samples of a sound), and `missing`, a list
        of the modalities that the sample lacks, where there are any. The place in the list
        is the `index` that `batches(..., with_index=True)` yields.

    Raises:
        ValueError: As `read_index`.
    """
    samples = [s for shard in read_index(folder)["shards"] for s in shard["samples"]]
    return [{k: v for k, v in sample.items() if k != "sizes"} for sample in samples]


def open_index(folder: str | os.PathLike, argument: str) -> dict[str, Any]:
    """Reads an index, and nothing else.

    Args:
        folder: Of the records.
        argument: What the folder was given as, for messages.

    Raises:
        ValueError: There is none, it is not complete, damaged, edited, or of an older version.
    """
    path = Path(folder) / NAME
    remedy = f"{_SAME_CALL}: it writes this file anew, and keeps the shards that are whole."
    try:
        index = read_json(path)
    except ValueError as error:
        raise ValueError(f"`{argument}`: {error} {remedy}") from error
    if index is None:
        raise ValueError(f"`{argument}`: {folder} holds no records (no {NAME}).")
    settings = index.get("settings") if isinstance(index, dict) else None
    if isinstance(settings, dict) and "sha256" not in index:
        raise ValueError(
            f"`{argument}`: {path} has no sha256: it was edited, or written by an earlier version "
            f"of this package. {_SAME_CALL}; records of an earlier version have to be made anew, "
            "in another folder."
        )
    if not is_signed(index):
        raise ValueError(
            f"`{argument}`: {path} is damaged, or was edited: its contents do not have its sha256. "
            f"{remedy}"
        )
    if not index["complete"]:
        raise ValueError(
            f"`{argument}`: the records in {folder} are not complete; make the same call again "
            "(for each part, where there are several), it goes on where it stopped."
        )
    return index


def peek(folder: Path) -> dict[str, Any] | None:
    """Returns the index of records that may not be complete; None where it cannot be believed."""
    try:
        index = read_json(folder / NAME)
    except ValueError:
        return None
    return index if is_signed(index) else None


def check_lengths(folder: Path, index: dict, argument: str) -> None:
    """Raises `ValueError` unless the shards are there, and as long as the index says."""
    for shard in index["shards"]:
        path = folder / shard["file"]
        there = path.stat().st_size if path.is_file() else "no"
        if there != shard["bytes"]:
            raise ValueError(
                f"`{argument}` must name folders of whole records; received {folder}, where "
                f"{path.name} has {there} bytes, but {shard['bytes']} in the index. "
                f"{remedy(path.name)}"
            )


def check_digests(folder: Path, index: dict, argument: str, every: bool = False) -> None:
    """Raises `ValueError` where a shard is not the one that the index tells of.

    Its file is read where it may have changed since it was written, as the sidecar's time tells;
    with `every`, in any case.
    """
    for shard in index["shards"]:
        path = folder / shard["file"]
        witness, sidecar = path.with_suffix(".json"), read_sidecar(path)
        digest, read = sidecar["shard"]["sha256"] if sidecar else None, False
        if every or sidecar is None or may_have_changed(path, witness):
            digest, read = file_digest(path), True
        if digest != shard["sha256"]:
            raise ValueError(
                f"`{argument}` must name folders of whole records; received {folder}, where "
                f"{path.name} does not have the sha256 that {NAME} says: one of the two is "
                f"damaged, or another one. {remedy(path.name)}"
            )
        if read and sidecar is not None:
            renew(witness)


def remedy(name: str) -> str:
    """Returns what to do about a shard that is not as it should be."""
    return f"{_SAME_CALL}: it finds {name} broken, and reads again what belongs there."


def complete_index(
    settings: dict, shards: Sequence[dict], encodings: dict, may_lack: set[str]
) -> dict[str, Any]:
    """Returns the index of records all of whose shards are whole.

    Args:
        settings: Of the records.
        shards: What the sidecars say of the shards.
        encodings: Dict modality -> encoding; "float32" for those it lacks.
        may_lack: Modalities that samples may lack, though none does.
    """
    shapes, samples = None, [sample for shard in shards for sample in shard["samples"]]
    may_lack = may_lack.union(*(sample.get("missing", ()) for sample in samples))
    for shard in shards:
        if shard["shapes"] is not None:
            shapes = merge_shapes(shapes, shard["shapes"], shard["file"])
    modalities = {
        name: {
            "encoding": encodings.get(name, "float32"),
            "shape": shape,
            **({"may_lack": True} if name in may_lack else {}),
        }
        for name, shape in (shapes or {}).items()
        if shape is not None
    }
    apart = ("left_out", "notes")
    return signed(
        {
            "settings": settings,
            "complete": True,
            "count": sum(shard["count"] for shard in shards),
            "modalities": modalities,
            "shards": [{k: v for k, v in shard.items() if k not in apart} for shard in shards],
            "left_out": [item for shard in shards for item in shard["left_out"]],
            "notes": [item for shard in shards for item in shard["notes"]],
        }
    )


def write_index(folder: Path, index: dict, part: tuple[int, int]) -> None:
    """Parts that end together write the same index at once, each under a name of its own."""
    own = folder / f".index-{part[0]}-of-{part[1]}.json"
    write_json(own, index)
    os.replace(own, folder / NAME)
