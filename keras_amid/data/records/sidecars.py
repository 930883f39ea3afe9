"""What stands beside each shard of records: that it is whole, and of which rows."""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_amid.data.media.limits import current_limits
from keras_amid.data.storage.digests import (
    file_digest,
    is_signed,
    may_have_changed,
    renew,
    sample_digest,
    signed,
)
from keras_amid.data.storage.files import read_json, refuse_other_settings, write_json

#: Function of a row: the files that it is read from.
Files = Callable[[Mapping], Iterable[str | os.PathLike]]


@dataclasses.dataclass(frozen=True)
class Known:
    """A shard that was written before.

    Attributes:
        rows: Dict id -> digest, of all its rows, those left out included.
        shard: What goes into the index, with `sha256`, the digest of its file.
        again: Ids of rows that are to be read again, for their files are others now.
        sound: Whether its file is there and has its digest.
    """

    rows: dict[str, str]
    shard: dict[str, Any]
    again: frozenset[str]
    sound: bool

    def kept(self, wanted: Mapping[str, str]) -> set[str]:
        """Returns the ids of rows that need not be read; `wanted` is dict id -> digest."""
        if not self.sound:
            return set()
        same = {name for name, digest in self.rows.items() if wanted.get(name) == digest}
        return same - self.again

    def is_whole(self, wanted: Mapping[str, str]) -> bool:
        """Whether it holds just these rows, in this order, and nothing is to be read again."""
        order = list(self.rows) == list(wanted)
        return order and len(self.kept(wanted)) == len(wanted) == len(self.rows)


def write_sidecar(
    path: Path, settings: dict, rows: dict[str, str], shard: dict, stamps: Mapping[str, Any]
) -> None:
    """Writes what is known of a shard, which is whole by now.

    Args:
        path: Of the shard.
        settings: Of the records.
        rows: Dict id -> digest, of all its rows, those left out included.
        shard: What goes into the index.
        stamps: Dict id -> what `row_stamp` says of its files.
    """
    sidecar = {"settings": settings, "rows": list(rows.items()), "shard": shard, "stamps": stamps}
    write_json(path.with_suffix(".json"), signed(sidecar))


def read_sidecar(path: Path) -> dict[str, Any] | None:
    """Returns what `write_sidecar` wrote of a shard; None where it is missing or damaged."""
    try:
        sidecar = read_json(path.with_suffix(".json"))
    except ValueError:
        return None
    return sidecar if is_signed(sidecar) else None


def known_shards(
    folder: Path, settings: dict, samples: Sequence[Mapping], files: Files, *, grow: bool
) -> dict[int, Known]:
    """Finds the shards that are there; what is damaged beside a shard counts as not there.

    Args:
        folder: Of the records.
        settings: Of the records; shards of others are refused.
        samples: The rows as they are now.
        files: Of a row.
        grow: Whether rows may be others than the settings say, and files others than they were.
    """
    found, rows = {}, {row["id"]: row for row in samples}
    for path in sorted(folder.glob("shard-*.json")):
        number, shard = shard_number(path), path.with_suffix(".tfrecord")
        sidecar = read_sidecar(shard)
        if sidecar is None or number is None:
            continue
        there = sidecar["settings"]
        if grow:
            refuse_other_settings(folder, _shared(there), _shared(settings))
        else:
            refuse_other_settings(folder, there, settings)
        found[number] = Known(
            dict(sidecar["rows"]),
            sidecar["shard"],
            frozenset(_replaced(sidecar, rows, files)) if grow else frozenset(),
            _is_sound(shard, sidecar["shard"]),
        )
    return found


def shard_number(path: Path) -> int | None:
    """Returns the number of a shard, of its file or its sidecar; None of anything else."""
    number = path.stem.partition("-")[2]
    return int(number) if number.isdecimal() else None


def refuse_others(
    folder: Path, found: dict, asked: dict, known: Mapping[int, Known], names: Iterable[str]
) -> None:
    """Refuses records of other settings, and those of which no sample is asked for."""
    refuse_other_settings(folder, _shared(found), _shared(asked))
    there = {name for shard in known.values() for name in shard.rows}
    if there and there.isdisjoint(names):
        refuse_other_settings(folder, found, asked)


def row_stamp(paths: Iterable[str | os.PathLike], left_out: bool) -> list[Any]:
    """Returns what tells that a row's files are others now, as JSON values.

    Of a row that is kept that is their size, which stays the same where a data set is moved. One
    that was left out is tried again also where what is in a file is other, or where the limits of
    reading have changed.
    """
    found: list[Any] = []
    for path in paths:
        try:
            status = os.stat(path)
            regular = left_out and stat.S_ISREG(status.st_mode)  # a FIFO would be waited for
            found.append([status.st_size, *([sample_digest(path)] if regular else ())])
        except (OSError, ValueError):
            found.append(None)
    return [found, dataclasses.asdict(current_limits())] if left_out else [found]


def _replaced(sidecar, rows, files):
    """Ids of the rows of which a file is another now. One that is gone may be: it was read."""
    left_out = {item["id"]: item["file"] for item in sidecar["shard"]["left_out"]}
    for name, before in sidecar["stamps"].items():
        if name not in rows:
            continue
        if name in left_out:
            if row_stamp([left_out[name], *files(rows[name])], True) != before:
                yield name
        else:
            sizes = zip(before[0], row_stamp(files(rows[name]), False)[0], strict=False)
            if any(size is not None and now is not None and size != now for size, now in sizes):
                yield name


def _is_sound(path, shard):
    witness = path.with_suffix(".json")
    try:
        if path.stat().st_size != shard["bytes"]:
            return False
        if may_have_changed(path, witness):
            if file_digest(path) != shard["sha256"]:
                return False
            renew(witness)
    except OSError:
        return False
    return True


def _shared(settings):
    """The settings of every shard of a folder, whatever the samples."""
    return {name: value for name, value in settings.items() if name != "samples"}
