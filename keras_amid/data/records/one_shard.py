"""One shard of records: written whole or not at all, from rows that are read and such that are
there."""

from __future__ import annotations

import contextlib
import dataclasses
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_amid.data._tensorflow import tensorflow, written
from keras_amid.data.records.planning import digests
from keras_amid.data.records.sidecars import Files, Known, row_stamp, write_sidecar
from keras_amid.data.storage.digests import file_digest
from keras_amid.data.storage.files import replacing

_HEAD, _TAIL = 12, 4  # bytes around each record: its length and a checksum of that, and of it


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


def write_shard(
    path: Path,
    rows: Sequence[dict],
    encode: Callable,
    settings: dict,
    files: Files,
    known: Known | None,
    done: Callable[[], Any],
) -> None:
    """Writes a shard and its sidecar.

    Args:
        path: Of the shard.
        rows: Its rows, in their order.
        encode: Function: list of rows -> iterator over an `Encoded` or a `LeftOut` for each.
        settings: Of the records.
        files: Of a row.
        known: What is there of the shard: rows that are in it unchanged are not read.
        done: Called after every row.
    """
    wanted = digests(rows)
    kept = known.kept(wanted) if known is not None else set()
    shard: dict[str, Any] = {"file": path.name, "count": 0, "bytes": 0, "shapes": None}
    shard |= {"samples": [], "left_out": [], "notes": []}
    stamps = {}
    # The sidecar before it stays until it is replaced: other parts plan by it, and as long as it
    # tells of another digest nobody takes the shard for whole.
    with replacing(path) as temporary, contextlib.ExitStack() as stack:
        writer = stack.enter_context(_Writer(temporary))
        old = _Old(path, known, stack) if known is not None and kept else None
        to_read = [row for row in rows if row["id"] not in kept]
        new = encode(to_read) if to_read else iter(())
        for row in rows:
            result = old.get(row["id"]) if old and row["id"] in kept else next(new)
            if isinstance(result, LeftOut):
                shard["left_out"].append({"id": row["id"], **dataclasses.asdict(result)})
                stamps[row["id"]] = row_stamp([result.file, *files(row)], True)
            else:
                for example in result.examples:
                    writer.write(example)
                _enter(shard, row, result)
                stamps[row["id"]] = row_stamp(files(row), False)
            done()
        next(new, None)  # its threads end
        stack.close()
        shard["sha256"] = file_digest(temporary)
    # The shard has its name by now: what a sidecar tells of is whole.
    write_sidecar(path, settings, wanted, shard, stamps)


class _Writer:
    """TensorFlow's writer of records; what it says of a full disk is an OSError."""

    def __init__(self, path: Path):
        with written(path):
            self._path, self._writer = path, tensorflow().io.TFRecordWriter(str(path))

    def __enter__(self):
        return self

    def write(self, example: bytes):
        """Adds a record."""
        with written(self._path):
            self._writer.write(example)

    def __exit__(self, *_):
        with written(self._path):
            self._writer.close()


class _Old:
    """The rows of a shard as they were written."""

    def __init__(self, path: Path, known: Known, stack: contextlib.ExitStack):
        self._file = stack.enter_context(open(path, "rb"))
        self._names = list(known.shard["shapes"] or {})
        self._left_out = {item["id"]: item for item in known.shard["left_out"]}
        self._notes = known.shard["notes"]
        self._places, place = {}, 0
        for sample in known.shard["samples"]:
            self._places[sample["id"]] = (place, sample)
            place += sum(sample["sizes"])

    def get(self, name: str) -> Encoded | LeftOut:
        """Returns what was written of a row."""
        if name in self._left_out:
            return LeftOut(self._left_out[name]["file"], self._left_out[name]["reason"])
        place, sample = self._places[name]
        self._file.seek(place)
        examples = tuple(self._record(size) for size in sample["sizes"])
        notes = tuple(item["note"] for item in self._notes if item["id"] == name)
        return Encoded(examples, self._shapes(examples[0], sample.get("missing", ())), notes)

    def _record(self, size):
        framed = self._file.read(size)
        (length,) = struct.unpack_from("<Q", framed)
        return framed[_HEAD : _HEAD + length]

    def _shapes(self, example, missing):
        features = tensorflow().train.Example.FromString(example).features.feature
        shapes: dict[str, Any] = dict.fromkeys(self._names)
        for name in shapes:
            if name not in missing:  # a text has no shape
                shapes[name] = tuple(features[f"{name}/shape"].int64_list.value)
        return shapes


def _enter(shard, row, encoded):
    sizes = [len(example) + _HEAD + _TAIL for example in encoded.examples]
    sample = {key: row[key] for key in ("id", "label", "group") if row.get(key) is not None}
    lengths = {name: shape[0] for name, shape in encoded.shapes.items() if shape}
    missing = sorted(name for name, shape in encoded.shapes.items() if shape is None)
    sample |= {"missing": missing} if missing else {}
    shard["samples"].append({**sample, "sizes": sizes, "lengths": lengths})
    shard["count"] += 1
    shard["bytes"] += sum(sizes)
    shard["shapes"] = merge_shapes(shard["shapes"], encoded.shapes, row["id"])
    file = row.get("file")
    shard["notes"] += [{"id": row["id"], "file": file, "note": note} for note in encoded.notes]


def merge_shapes(known: dict | None, new: Mapping[str, Any], sample: str) -> dict:
    """Returns the shape that all samples share: None in the dimensions in which they differ.

    None in place of a shape where all samples so far lack the modality.

    Args:
        known: Dict modality -> shape so far; None before the first.
        new: Likewise, of a sample or a shard.
        sample: What it is called.

    Raises:
        ValueError: Samples differ in their modalities, or in the number of dimensions.
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
