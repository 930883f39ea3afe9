"""A data set -> records, description and report: one `prepare` for all of them."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from keras_amid.data.datasets import description
from keras_amid.data.datasets.data_set import DataSet
from keras_amid.data.datasets.listing import Listing
from keras_amid.data.datasets.prepared import PreparedData
from keras_amid.data.datasets.reporting import by_reason
from keras_amid.data.records.shards import check_part
from keras_amid.data.records.writing import write_records
from keras_amid.data.storage.files import printable, refuse_other_settings
from keras_amid.data.storage.one_writer import one_writer
from keras_amid.data.storage.parallel import check_workers
from keras_amid.validation.scalars import check_positive_int

_FORMAT = 2


def prepare(
    dataset: DataSet,
    root: str | Path | Sequence[str | Path] | None,
    out: str | Path,
    *,
    shard_size: int | None = None,
    part: tuple[int, int] = (0, 1),
    workers: int | None = None,
    progress: bool = True,
) -> PreparedData | None:
    """Writes a data set's samples to records, `dataset.json`, `report.txt` and `report.json`.

    Killed anywhere and called again with the same arguments, it goes on after the last whole shard.
    Called again later, it reads what was added to the data set since, what was left out and has
    been mended, and what is broken in `out`; the rest stays.

    Args:
        dataset: The data set with its options, such as `UCF51(split=2)`.
        root: Folder that holds it (or several folders, see `DataSet.several_roots`); None for one
            that is generated: its files are written to `out`.
        out: Folder to write to.
        shard_size: Samples a shard; None for what suits the data set.
        part: (i, n): write every n-th shard, see `write_records`.
        workers: Number of threads, None for one a processor core; the result is the same.
        progress: Show progress bars.

    Returns:
        A `PreparedData` (of a ripple tank a `RippleTank`), or None while other parts have work to
        do.

    Raises:
        ValueError: An argument is wrong, the layout is not there, there is no sample, or `out`
            cannot be written to, holds other data, or is being written by another process.
        OSError: The work cannot go on, as where the disk is full; what is whole stays.
    """
    out = Path(out)
    shard_size = dataset.shard_size if shard_size is None else shard_size
    size = check_positive_int("shard_size", shard_size)
    check_workers(workers)
    check_part(part)
    _check_writable(out)
    options = {"shard_size": size, "part": part, "workers": workers, "progress": progress}
    with contextlib.ExitStack() as stack:
        hold: Callable[[], Any] = functools.partial(stack.enter_context, one_writer(out, part=part))
        if dataset.generated or out.exists():
            hold()
            hold = _nothing
        return _prepared(dataset, root, out, options, hold)


def _nothing():
    """It is held."""


def _prepared(dataset, root, out, options, hold):
    part, workers, progress = (options[name] for name in ("part", "workers", "progress"))
    if root is None:
        root = dataset.write_files(out, workers=workers, progress=progress)
    dataset = dataset.settled(root, out)
    listing = dataset.read(root)
    described = _described(dataset, listing, options["shard_size"])
    hold()  # nothing is written, not even the folder, before all is checked
    if part[1] == 1:  # what a killed process has left
        for path in out.glob(".*-of-*.*"):
            path.unlink(missing_ok=True)
    if _known(out, described) is None:
        _write_json(out / description.NAME, described, part)
    for name, text in dataset.files().items():
        _write(out / name, text, part)
    if progress and dataset.summary:
        print(dataset.summary, flush=True)
    indexes = _write_splits(dataset, listing, out / "records", options)
    if not all(index["complete"] for index in indexes):
        return None
    _write_json(out / description.NAME, described, part)  # what is found may have changed
    data = dataset.open_prepared(out)
    _write_report(data, part)
    return data


def _check_writable(out):
    """Refuses what is no folder, or none to write to, before any work is done."""
    there = next(folder for folder in (out, *out.resolve().parents) if folder.exists())
    try:
        if not there.is_dir():
            raise NotADirectoryError(f"{there} is a file")
        tempfile.TemporaryFile(dir=there).close()
    except OSError as error:
        raise ValueError(
            f"`out` must be a folder to write to; received {out} ({error.strerror or error})."
        ) from error


def _described(dataset, listing: Listing, shard_size):
    if not any(listing.splits.values()):
        _, *lines = by_reason("", listing.problems, ids=3)
        reasons = "; ".join(line.strip() for line in lines[:3])
        raise ValueError(
            f"`root` must hold samples that can be used; received {listing.root} ({reasons})."
        )
    own = {"format": _FORMAT, "name": dataset.name, "shard_size": shard_size}
    return description.signed(
        {
            "name": dataset.name,
            "settings": {**own, **dataset.settings()},
            "class_names": listing.class_names,
            "splits": {split: len(rows) for split, rows in listing.splits.items()},
            "listed": listing.listed,
            "paper_counts": dataset.paper_counts,
            "paper_note": dataset.paper_note,
            "problems": listing.problems,
        }
    )


def _known(out, described):
    """What `out` is known to hold, None where that is unknown; refuses other settings."""
    try:
        known = description.read_description(out)
    except ValueError:
        return None  # damaged: it is written anew; the records have the settings, too
    if known is not None:
        refuse_other_settings(out, known["settings"], described["settings"], "out")
    return known


def _write_splits(dataset, listing, folder, options):
    """Writes the records of every split that has samples; returns their indexes."""
    with dataset.opened(listing.root) as source:
        return [
            write_records(
                rows,
                folder / split,
                functools.partial(dataset.decode, source=source),
                video=dataset.picture_encoding,
                audio="pcm16",
                encodings=dataset.encodings(),
                settings=dataset.decoding(),
                grow=dataset.grows,
                may_lack=dataset.may_lack(),
                files=functools.partial(dataset.files_of, root=listing.root),
                report=False,  # `PreparedData.report` has all splits
                **options,
            )
            for split, rows in listing.splits.items()
            if rows
        ]


def _write_report(data, part):
    names = ("name", "counts", "listed", "paper_counts", "left_out", "problems", "notes")
    report = {name: getattr(data, name) for name in names}
    _write_json(data.folder / "report.json", report, part)
    _write(data.folder / "report.txt", data.report() + "\n", part)


def _write_json(path, value, part):
    _write(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n", part)


def _write(path, text, part):
    """Parts that run side by side write the same file, each under a name of its own at first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.read_bytes() == printable(text).encode():
        return
    own = path.with_name(f".{path.stem}-{part[0]}-of-{part[1]}{path.suffix}")
    own.write_text(printable(text), encoding="utf-8")
    os.replace(own, path)
