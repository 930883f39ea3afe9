"""Sharded TFRecords that several processes write, each shard whole or absent.

A folder of records holds

    shard-00000.tfrecord    what could be read of the first shard_size rows, in their order; and
                            so on
    shard-00000.json        written after its shard: it says that the shard is whole, and of which
                            rows, and holds the settings, digests, and what goes into the index
    index.json              written when all shards are whole; see `keras_amid.data.records.index`
    .lock                   while a process writes; see `keras_amid.data.storage.one_writer`
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from keras_amid.data.records import index as indexes
from keras_amid.data.records.one_shard import write_shard
from keras_amid.data.records.planning import digests, plan_shards
from keras_amid.data.records.sidecars import (
    Files,
    known_shards,
    refuse_others,
    shard_number,
)
from keras_amid.data.storage.digests import signed
from keras_amid.data.storage.files import refuse_other_settings
from keras_amid.data.storage.one_writer import one_writer
from keras_amid.data.storage.progress import progress_bar


@dataclasses.dataclass(frozen=True)
class Work:
    """What is to be written.

    Attributes:
        samples: List of rows: dicts with `id`, `label`, and where they have them `group`, `file`.
        folder: Where to.
        settings: Dict of JSON values; a folder written with others is refused.
        encodings: Dict modality -> name of its encoding, for the index.
        encode: Function: list of rows -> iterator over an `Encoded` or a `LeftOut` for each.
        shard_size: Rows a shard.
        part: (i, n): write the shards whose number leaves i when divided by n.
        grow: Take up rows that were added or changed, and files that are others now; without it,
            other samples are other settings.
        may_lack: Modalities of which the index says that samples may lack them, though none does.
        files: Function of a row: the files that it is read from.
    """

    samples: Any
    folder: Path
    settings: dict
    encodings: dict
    encode: Callable
    shard_size: int
    part: Any = (0, 1)
    grow: bool = False
    may_lack: Iterable[str] = ()
    files: Files = lambda row: ()


def write_shards(work: Work, *, progress: bool, unit: str) -> dict[str, Any]:
    """Writes the missing and broken shards of a part, and the index once every shard is there.

    Args:
        work: What is to be written.
        progress: Show a progress bar, and say what has changed since the last call.
        unit: What the bar counts.

    Returns:
        The index; `complete` is False while other parts have work to do.

    Raises:
        ValueError: The folder holds records of other settings, or another process writes it.
    """
    state = _State(work)
    if state.is_complete():
        return state.index
    with one_writer(work.folder, "folder", work.part):
        state = _State(work)  # what another one has done by now
        if not state.is_complete():
            state.clear_remains()
            state.write(progress, unit)
        return state.index


class _State:
    """What there is of the work, and what is to be done."""

    def __init__(self, work: Work) -> None:
        self.work = work
        found, settings = indexes.peek(work.folder), work.settings
        if found is None:
            found = signed({"settings": settings, "complete": False})
        self.index: dict[str, Any] = found
        if not work.grow:
            refuse_other_settings(work.folder, found["settings"], settings)
        samples = work.samples
        self.known = known_shards(work.folder, settings, samples, work.files, grow=work.grow)
        self.plan = plan_shards(
            samples, work.shard_size, {number: shard.rows for number, shard in self.known.items()}
        )
        names = [row["id"] for row in samples]
        refuse_others(work.folder, found["settings"], settings, self.known, names)
        self.wanted = {number: digests(rows) for number, rows in self.plan.items()}
        self.whole = {
            n for n, shard in self.known.items() if shard.is_whole(self.wanted.get(n, {}))
        }

    def is_complete(self) -> bool:
        """Whether all is there."""
        done = self.index["complete"] and self.index["settings"] == self.work.settings
        if not done or not self.whole == self.plan.keys() == self.known.keys():
            return False
        told = {shard["file"]: shard["sha256"] for shard in self.index["shards"]}
        there = {s.shard["file"]: s.shard["sha256"] for s in self.known.values()}
        return told == there

    def clear_remains(self) -> None:
        """Removes what killed processes have left; of several parts one may be at work."""
        if self.work.part[1] == 1:
            for pattern in (".part-*", ".index-*"):
                for path in self.work.folder.glob(pattern):
                    path.unlink(missing_ok=True)

    def write(self, progress: bool, unit: str) -> None:
        """Writes what is missing."""
        work = self.work
        if progress and self.known and self.index["complete"]:
            print(f"{work.folder}: {self._changes()}", flush=True)
        self._write_index({"settings": work.settings, "complete": False})
        part, parts = work.part
        mine = {number: rows for number, rows in self.plan.items() if number % parts == part}
        total = sum(map(len, mine.values()))
        name = work.folder.name
        with progress_bar(total=total, description=name, unit=unit, show=progress) as bar:
            for number, rows in mine.items():
                if number in self.whole:
                    bar.update(len(rows))
                    continue
                path, known = self._path(number), self.known.get(number)
                write_shard(path, rows, work.encode, work.settings, work.files, known, bar.update)
        self._finish()

    def _finish(self):
        """The index: complete, and written, where all shards of the plan are whole."""
        work, now = self.work, _State(self.work)
        if not now.whole >= self.plan.keys():
            self.index = signed({"settings": work.settings, "complete": False})
            return
        shards = [now.known[number].shard for number in self.plan]
        self.index = indexes.complete_index(
            work.settings, shards, work.encodings, set(work.may_lack)
        )
        self._write_index(self.index)
        for path in work.folder.glob("shard-*"):  # of rows that are there no more
            if shard_number(path) not in (None, *self.plan):
                path.unlink(missing_ok=True)

    def _write_index(self, index):
        indexes.write_index(self.work.folder, signed(index), self.work.part)

    def _path(self, number):
        return self.work.folder / f"shard-{number:05d}.tfrecord"

    def _changes(self) -> str:
        """What is read again, and why."""
        before = {name: digest for s in self.known.values() for name, digest in s.rows.items()}
        now = {name: digest for wanted in self.wanted.values() for name, digest in wanted.items()}
        changed = {name for name in now.keys() & before.keys() if now[name] != before[name]}
        again = {name for shard in self.known.values() for name in shard.again}
        broken = {n for s in self.known.values() if not s.sound for n in s.rows}
        kinds: Mapping[str, Iterable[str]] = {
            "new": now.keys() - before.keys(),
            "with another row": changed,
            "with another file": again - changed,
            "in broken shards": broken - again - changed,
            "gone": before.keys() - now.keys(),
        }
        said = [f"{_named(sorted(ids))} {kind}" for kind, ids in kinds.items() if ids]
        return "; ".join(said or ["the index is written anew"]) + "; the rest stays as it is"


def _named(ids):
    shown = [repr(name) for name in ids[:3]] + [f"{len(ids) - 3} more"] * (len(ids) > 3)
    return f"{len(ids)} samples ({', '.join(shown)})" if len(ids) > 1 else f"sample {shown[0]}"


def check_part(part: Any, argument: str = "part"):
    """Raises `ValueError` unless `part` is (i, n) with 0 <= i < n."""
    good = isinstance(part, (tuple, list)) and len(part) == 2
    good = good and all(isinstance(n, int) and not isinstance(n, bool) for n in part)
    if not good or not 0 <= part[0] < part[1]:
        raise ValueError(f"`{argument}` must be (i, n) with 0 <= i < n; received {part!r}.")
