"""A listing -> records, description and report: what the data sets' `prepare` functions share."""

import json
import os
from pathlib import Path

from keras_amid.data.datasets.prepared import DESCRIPTION, PreparedData
from keras_amid.data.media.segments import read_segments
from keras_amid.data.records.writing import write_records
from keras_amid.data.storage.files import read_json, refuse_other_settings, write_json

_FORMAT = 1
_CLIP_FRAMES = 16  # frames of a training clip


def write_dataset(listing, out, read, *, settings, shard_size, part, workers, progress):
    """Writes the records of every split, `dataset.json`, `report.txt` and `report.json`.

    Killed anywhere and called again with the same arguments, it goes on after the last whole shard.

    Args:
        listing: A `Listing`.
        out: Folder to write to.
        read: Function of a row of the listing, for `write_records`.
        settings: Dict of JSON values that say what `read` does.
        shard_size: Samples a shard.
        part: (i, n), see `write_records`.
        workers: Number of threads, or None.
        progress: Show progress bars.

    Returns:
        A `PreparedData`, or None while other parts have work to do.

    Raises:
        ValueError: There is no sample, or `out` holds data made with other settings.
    """
    out = Path(out)
    filled = {split: rows for split, rows in listing.splits.items() if rows}
    if not filled:
        listed = "; ".join(f"{item['id']}: {item['reason']}" for item in listing.problems[:5])
        raise ValueError(f"`root`: {listing.root} holds no sample that can be used ({listed}).")
    asked = {"format": _FORMAT, "name": listing.name, "shard_size": shard_size, **settings}
    # Through JSON, so that a tuple given now equals the list read back later.
    asked = json.loads(json.dumps(asked))
    found = read_json(out / DESCRIPTION)
    if found is not None:
        refuse_other_settings(out, found["settings"], asked)
    else:
        _write_json(out / DESCRIPTION, _description(listing, asked), part)
    indexes = [
        write_records(
            rows,
            out / "records" / split,
            read,
            video="jpeg",
            audio="pcm16",
            settings=settings,
            shard_size=shard_size,
            part=part,
            workers=workers,
            progress=progress,
            report=False,  # `PreparedData.report` has all splits
        )
        for split, rows in filled.items()
    ]
    if not all(index["complete"] for index in indexes):
        return None
    data = PreparedData.open(out)
    _write_report(data, part)
    return data


def read_video(root, options, row):
    """Decodes a row's video: `video` and `audio` of its `segments` (all of it without), `notes`.

    Args:
        root: `Path` that the row's `file` is relative to.
        options: Dict with `sample_rate`, `short_side` and `fps`, see `read_segments`.
        row: Dict with `file`, and optionally `segments` and `notes`.

    Returns:
        Dict for `write_records`.
    """
    clip = read_segments(root / row["file"], row.get("segments"), **options)
    notes = [*row.get("notes", ()), *clip.notes]
    if len(clip.frames) < _CLIP_FRAMES:
        plural = "s" if len(clip.frames) > 1 else ""
        notes.append(f"{len(clip.frames)} frame{plural}, fewer than {_CLIP_FRAMES}")
    return {"video": clip.frames, "audio": clip.audio, "notes": notes}


def _description(listing, settings):
    return {
        "settings": settings,
        "name": listing.name,
        "class_names": list(listing.class_names),
        "splits": {split: len(rows) for split, rows in listing.splits.items()},
        "paper_counts": listing.paper_counts,
        "problems": listing.problems,
    }


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
    own = data.folder / f".report-{part[0]}-of-{part[1]}.txt"
    own.write_text(data.report() + "\n", encoding="utf-8")
    os.replace(own, data.folder / "report.txt")


def _write_json(path, value, part):
    """Parts that run side by side write the same file, each under a name of its own at first."""
    own = path.with_name(f".{path.stem}-{part[0]}-of-{part[1]}.json")
    write_json(own, value)
    os.replace(own, path)
