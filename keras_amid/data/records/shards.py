"""Sharded TFRecords that several processes write, each shard whole or absent.

A folder of records holds

    shard-00000.tfrecord    what could be read of the first shard_size rows, in their order; and
                            so on
    shard-00000.json        written after its shard: it says that the shard is whole, and of which
                            rows, and holds the settings and what goes into the index
    index.json              {"settings": {...}, "complete": true, "count": 318,
                             "modalities": {"video": {"encoding": "png", "shape": [8, 64, 64, 1]}},
                             "shards": [{"file": "shard-00000.tfrecord", "count": 256, "bytes": ...,
                                         "shapes": {...}, "samples": [...], ...}, ...],
                             "left_out": [{"id": "train-00017", "file": ..., "reason": ...}, ...],
                             "notes": [{"id": "train-00018", "file": ..., "note": ...}, ...]}

A dimension in which the samples differ is null in `shape`; a modality that a sample lacks, or may
lack, also has "may_lack": true. The entries of `samples` are those of `read_samples`, with the
bytes that each example of the sample takes in the shard.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from keras_amid.data._tensorflow import tensorflow
from keras_amid.data.records.planning import digests, plan_shards
from keras_amid.data.records.sidecars import (
    file_stamp,
    read_sidecar,
    refuse_others,
    shard_number,
    whole_shards,
    write_sidecar,
)
from keras_amid.data.storage.files import read_json, refuse_other_settings, replacing, write_json
from keras_amid.data.storage.progress import progress_bar

_FRAMING = 16  # bytes that TFRecord adds to each record: its length and two checksums


@dataclasses.dataclass(frozen=True)
class Encoded:
    """A sample that is kept: its examples, the shape of each modality, what is worth noting.

    The shape is None where the sample lacks the modality.
    """

    examples: tuple
    shapes: dict
    notes: tuple = ()


@dataclasses.dataclass(frozen=True)
class LeftOut:
    """A sample that is left out: the file and what is wrong with it."""

    file: str
    reason: str


def write_shards(
    samples: Any,
    folder: Path,
    settings: dict,
    encodings: dict,
    encode: Callable,
    *,
    shard_size: int,
    part: Any,
    progress: bool,
    unit: str,
    grow: bool = False,
    may_lack: Iterable[str] = (),
):
    """Writes the missing shards of a part, and the index once every shard is there.

    Args:
        samples: List of rows: dicts with `id`, `label`, and where they have them `group`, `file`.
        folder: `Path`.
        settings: Dict of JSON values; a folder written with others is refused.
        encodings: Dict modality -> name of its encoding, for the index.
        encode: Function: list of rows -> iterator over an `Encoded` or a `LeftOut` for each.
        shard_size: Rows a shard.
        part: (i, n): write the shards whose number leaves i when divided by n.
        progress: Show a progress bar.
        unit: What the bar counts.
        grow: Take up rows that were added or changed, and files that were left out and are others
            now; without it, other samples are other settings.
        may_lack: Modalities of which the index says that samples may lack them, though none does.

    Returns:
        The index; `complete` is False while other parts have work to do.
    """
    index = read_json(folder / "index.json")
    if index is None:
        index = {"settings": settings, "complete": False}
    if not grow:
        refuse_other_settings(folder, index["settings"], settings)
        if index["complete"]:
            return index
    whole = whole_shards(folder, settings, retry=grow)
    plan = plan_shards(samples, shard_size, whole)
    refuse_others(folder, index["settings"], settings, whole, plan)
    kept = {number for number, rows in plan.items() if whole.get(number) == digests(rows)}
    if index["complete"] and index["settings"] == settings and kept == plan.keys() == whole.keys():
        return index
    _write_index(folder, {"settings": settings, "complete": False}, part)
    mine = {number: rows for number, rows in plan.items() if number % part[1] == part[0]}
    total = sum(map(len, mine.values()))
    with progress_bar(total=total, description=folder.name, unit=unit, show=progress) as bar:
        for number, rows in mine.items():
            if number in kept:
                bar.update(len(rows))
            else:
                _write_shard(_shard_path(folder, number), rows, encode, settings, bar, grow)
    return _finished(folder, settings, plan, encodings, part, set(may_lack))


def _finished(folder, settings, plan, encodings, part, may_lack):
    """The index: complete, and written, where all shards of the plan are whole."""
    sidecars = {number: read_sidecar(_shard_path(folder, number)) for number in plan}
    for number, rows in plan.items():
        sidecar = sidecars[number]
        if sidecar is None or sidecar["rows"] != digests(rows):
            return {"settings": settings, "complete": False}
    shards = [sidecar["shard"] for sidecar in sidecars.values()]
    index = _complete(settings, shards, encodings, may_lack)
    _write_index(folder, index, part)
    for path in folder.glob("shard-*"):  # of rows that are there no more
        number = shard_number(path)
        if number is not None and number not in plan:
            path.unlink(missing_ok=True)
    return index


def _shard_path(folder, number):
    return folder / f"shard-{number:05d}.tfrecord"


def check_part(part: Any, argument: str = "part"):
    """Raises `ValueError` unless `part` is (i, n) with 0 <= i < n."""
    good = isinstance(part, (tuple, list)) and len(part) == 2
    good = good and all(isinstance(n, int) and not isinstance(n, bool) for n in part)
    if not good or not 0 <= part[0] < part[1]:
        raise ValueError(f"`{argument}` must be (i, n) with 0 <= i < n; received {part!r}.")


def read_index(folder: str | os.PathLike) -> dict:
    """Reads the index of a folder of complete records.

    Args:
        folder: A folder that `write_records` or `cache_features` wrote.

    Returns:
        The index (dict; see the docstring of `keras_amid.data.records.shards`).

    Raises:
        ValueError: There are no records, or they are not complete.
    """
    index = read_json(Path(folder) / "index.json")
    if index is None:
        raise ValueError(f"`folder`: {folder} holds no records (no index.json).")
    if not index["complete"]:
        raise ValueError(
            f"`folder`: the records in {folder} are not complete; make the same call again (for "
            "each part, where there are several), it goes on where it stopped."
        )
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
    """
    samples = [s for shard in read_index(folder)["shards"] for s in shard["samples"]]
    return [{k: v for k, v in sample.items() if k != "sizes"} for sample in samples]


def _write_shard(path, rows, encode, settings, bar, stamp):
    shard = {"file": path.name, "count": 0, "bytes": 0, "shapes": None}
    shard.update(samples=[], left_out=[], notes=[])
    path.with_suffix(".json").unlink(missing_ok=True)
    with replacing(path) as temporary, tensorflow().io.TFRecordWriter(str(temporary)) as writer:
        for row, result in zip(rows, encode(rows), strict=True):
            if isinstance(result, LeftOut):
                stamps = {"stamp": file_stamp(result.file)} if stamp else {}
                shard["left_out"].append({"id": row["id"], **dataclasses.asdict(result), **stamps})
            else:
                for example in result.examples:
                    writer.write(example)
                _enter(shard, row, result)
            bar.update()
    # The shard has its name by now: what a sidecar tells of is whole.
    write_sidecar(path, settings, digests(rows), shard)


def _enter(shard, row, encoded):
    sizes = [len(example) + _FRAMING for example in encoded.examples]
    sample = {key: row[key] for key in ("id", "label", "group") if row.get(key) is not None}
    lengths = {name: shape[0] for name, shape in encoded.shapes.items() if shape}
    missing = sorted(name for name, shape in encoded.shapes.items() if shape is None)
    sample |= {"missing": missing} if missing else {}
    shard["samples"].append({**sample, "sizes": sizes, "lengths": lengths})
    shard["count"] += 1
    shard["bytes"] += sum(sizes)
    shard["shapes"] = _merge_shapes(shard["shapes"], encoded.shapes, row["id"])
    file = row.get("file")
    shard["notes"] += [{"id": row["id"], "file": file, "note": note} for note in encoded.notes]


def _merge_shapes(known, new, sample):
    """The shape that all samples share: None in the dimensions in which they differ.

    None in place of a shape where all samples so far lack the modality.
    """
    new = {name: None if shape is None else list(shape) for name, shape in new.items()}
    if known is None:
        return new
    if set(known) != set(new):
        raise ValueError(
            "`read` must return the same modalities for every sample, None for one that it lacks "
            f"(or name it in `may_lack`); received {sorted(new)} for {sample!r} after "
            f"{sorted(known)}."
        )
    both = [name for name in known if known[name] is not None and new[name] is not None]
    for name in both:
        if len(known[name]) != len(new[name]):
            raise ValueError(
                f"`read` must return {name} with the same number of dimensions for every sample, "
                f"received shape {new[name]} for {sample!r} after {known[name]}."
            )
    merged = {
        name: [a if a == b else None for a, b in zip(known[name], new[name], strict=True)]
        for name in both
    }
    one = {name: new[name] if known[name] is None else known[name] for name in known}
    return {**one, **merged}


def _complete(settings, shards, encodings, may_lack):
    shapes, samples = None, [sample for shard in shards for sample in shard["samples"]]
    may_lack = may_lack.union(*(sample.get("missing", ()) for sample in samples))
    for shard in shards:
        if shard["shapes"] is not None:
            shapes = _merge_shapes(shapes, shard["shapes"], shard["file"])
    return {
        "settings": settings,
        "complete": True,
        "count": sum(shard["count"] for shard in shards),
        "modalities": {
            name: {
                "encoding": encodings.get(name, "float32"),
                "shape": shape,
                **({"may_lack": True} if name in may_lack else {}),
            }
            for name, shape in (shapes or {}).items()
            if shape is not None
        },
        "shards": [
            {k: v for k, v in shard.items() if k not in ("left_out", "notes")} for shard in shards
        ],
        "left_out": [
            {name: item[name] for name in ("id", "file", "reason")}
            for shard in shards
            for item in shard["left_out"]
        ],
        "notes": [item for shard in shards for item in shard["notes"]],
    }


def _write_index(folder, index, part):
    """Parts that end together write the same index at once, each under a name of its own."""
    own = folder / f".index-{part[0]}-of-{part[1]}.json"
    write_json(own, index)
    os.replace(own, folder / "index.json")
