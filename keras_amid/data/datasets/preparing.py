"""A data set -> records, description and report: one `prepare` for all of them."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path

from keras_amid.data.datasets.data_set import DataSet
from keras_amid.data.datasets.listing import Listing
from keras_amid.data.datasets.prepared import DESCRIPTION, PreparedData
from keras_amid.data.records.shards import check_part
from keras_amid.data.records.writing import write_records
from keras_amid.data.storage.files import read_json, refuse_other_settings
from keras_amid.data.storage.parallel import check_workers
from keras_amid.validation.arguments import check_positive_int

_FORMAT = 1


def prepare(
    dataset: DataSet,
    root: str | Path | None,
    out: str | Path,
    *,
    shard_size: int | None = None,
    part: tuple[int, int] = (0, 1),
    workers: int | None = None,
    progress: bool = True,
) -> PreparedData | None:
    """Writes a data set's samples to records, `dataset.json`, `report.txt` and `report.json`.

    Killed anywhere and called again with the same arguments, it goes on after the last whole shard.

    Args:
        dataset: The data set with its options, such as `UCF51(split=2)`.
        root: Folder that holds it; None for one that is generated: its files are written to `out`.
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
            holds other data.
    """
    out = Path(out)
    size = check_positive_int(
        "shard_size", dataset.shard_size if shard_size is None else shard_size
    )
    check_workers(workers)
    check_part(part)
    if root is None:
        root = dataset.write_files(out, workers=workers, progress=progress)
    listing = dataset.read(root)
    _describe(dataset, listing, out, size, part)
    options = {"shard_size": size, "part": part, "workers": workers, "progress": progress}
    indexes = _write_splits(dataset, listing, out / "records", options)
    if not all(index["complete"] for index in indexes):
        return None
    data = dataset.prepared.open(out)
    _write_report(data, part)
    return data


def _describe(dataset, listing: Listing, out, shard_size, part):
    """Writes `dataset.json`, or refuses one that tells of other settings."""
    if not any(listing.splits.values()):
        listed = "; ".join(f"{item['id']}: {item['reason']}" for item in listing.problems[:5])
        raise ValueError(f"`root`: {listing.root} holds no sample that can be used ({listed}).")
    own = {"format": _FORMAT, "name": dataset.name, "shard_size": shard_size}
    # Through JSON, so that a tuple given now equals the list read back later.
    settings = json.loads(json.dumps({**own, **dataset.settings()}))
    found = read_json(out / DESCRIPTION)
    if found is not None:
        refuse_other_settings(out, found["settings"], settings)
        return
    description = {
        "settings": settings,
        "name": dataset.name,
        "class_names": list(listing.class_names),
        "splits": {split: len(rows) for split, rows in listing.splits.items()},
        "paper_counts": dataset.paper_counts,
        "problems": listing.problems,
    }
    _write_json(out / DESCRIPTION, description, part)


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
                settings=dataset.decoding(),
                report=False,  # `PreparedData.report` has all splits
                **options,
            )
            for split, rows in listing.splits.items()
            if rows
        ]


def _write_report(data, part):
    report = {
        "name": data.name,
        "counts": data.counts,
        "paper_counts": data.paper_counts,
        "left_out": data.left_out,
        "problems": data.problems,
        "notes": data.notes,
    }
    _write_json(data.folder / "report.json", report, part)
    _write(data.folder / "report.txt", data.report() + "\n", part)


def _write_json(path, value, part):
    _write(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n", part)


def _write(path, text, part):
    """Parts that run side by side write the same file, each under a name of its own at first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    own = path.with_name(f".{path.stem}-{part[0]}-of-{part[1]}{path.suffix}")
    own.write_text(text, encoding="utf-8")
    os.replace(own, path)
