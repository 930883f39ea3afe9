"""ActivityNet 1.3 from its annotation file and whatever videos are there.

    data = activitynet.prepare("ActivityNet", "data/activitynet")
    train = data.pipeline("train", 16, {"video": RandomClip()}, shuffle=EpochShuffle(0))

`ActivityNet` holds `activity_net.v1-3.min.json` and, anywhere below, `v_<id>.mp4` (or .mkv, .webm,
.avi). One sample is one video: the segments that are annotated with its activity, in their order,
without what lies between, at `fps` frames a second. By default that is 8: 16 frames then span two
seconds. A minute of activity should take about 5 MB of pictures and 4 MB of sound at 32 kHz, and
train and validation some 150 GB; at the videos' own rate it would be some 400 GB (estimates).
"""

import functools
import json
import math
import os
from pathlib import Path

from keras_amid.data.datasets.listing import Listing, Problems, refuse_root

ANNOTATIONS = "activity_net.v1-3.min.json"
VERSION = "VERSION 1.3"
NUM_CLASSES = 200
PAPER_COUNTS = {"train": 10024, "validation": 4926}
_SPLITS = {"training": "train", "validation": "validation"}
_SUFFIXES = (".mp4", ".mkv", ".webm", ".avi")  # the first that is there counts


def read(root):
    """Reads the annotations and finds the videos.

    Args:
        root: Folder that holds `activity_net.v1-3.min.json`; videos lie in it or below.

    Returns:
        A `Listing` of the splits "train" and "validation" (the labels of "testing" are secret).
        Label i is the i-th of the annotated labels in alphabetical order. Rows have `segments`, a
        list of [start, end] in seconds, rising and apart. Among the problems: videos that are
        missing, and annotations that cannot be used.

    Raises:
        ValueError: The annotation file is missing, cannot be read, or is of another version.
    """
    root = Path(root)
    path = root / ANNOTATIONS
    if not path.is_file():
        refuse_root(root, "ActivityNet annotations", [path])
    database = _database(path)
    problems = Problems()
    labels = _labels(database)
    if len(labels) != NUM_CLASSES:
        problems.add(ANNOTATIONS, f"annotates {len(labels)} classes instead of {NUM_CLASSES}")
    files = _files(root)
    splits = {split: [] for split in _SPLITS.values()}
    for name in sorted(database):
        subset = database[name].get("subset")
        if subset in _SPLITS:
            row = _row(name, database[name], labels, files, problems)
            if row is not None:
                splits[_SPLITS[subset]].append(row)
        elif subset != "testing":
            problems.add(name, f"subset {subset!r} is unknown")
    for row in (row for rows in splits.values() for row in rows):
        row["file"] = row["file"].relative_to(root).as_posix()
    return Listing("ActivityNet", root, tuple(labels), splits, problems.found, PAPER_COUNTS)


def prepare(
    root,
    out,
    *,
    sample_rate=32000,
    short_side=128,
    fps=8.0,
    shard_size=16,
    part=(0, 1),
    workers=None,
    progress=True,
):
    """Writes the annotated segments of the videos, with their sound, to records.

    Goes on where it was stopped.

    Args:
        root: See `read`.
        out: Folder to write to.
        sample_rate: Samples a second of the sound.
        short_side: Pixels of the pictures' shorter side.
        fps: Frames a second to take; None for every frame.
        shard_size: Samples a shard.
        part: (i, n): write every n-th shard, see `write_records`.
        workers: Number of threads, None for one a processor core; the result is the same.
        progress: Show progress bars.

    Returns:
        A `PreparedData`, or None while other parts have work to do.

    Raises:
        ValueError: An argument is wrong, the layout is not there, or `out` holds other data.
    """
    from keras_amid.data.datasets.preparing import read_video, write_dataset

    options = {"sample_rate": sample_rate, "short_side": short_side, "fps": fps}
    listing = read(root)
    return write_dataset(
        listing,
        out,
        functools.partial(read_video, listing.root, options),
        settings=options,
        shard_size=shard_size,
        part=part,
        workers=workers,
        progress=progress,
    )


def _database(path):
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version, database = content.get("version"), content.get("database")
    except (ValueError, AttributeError) as error:
        raise ValueError(f"`root`: {path} is no ActivityNet annotation file: {error}.") from error
    if version != VERSION:
        raise ValueError(f"`root`: {path} must be of {VERSION!r}, received {version!r}.")
    if not isinstance(database, dict) or not database:
        raise ValueError(f"`root`: {path} has no `database`.")
    return {name: entry if isinstance(entry, dict) else {} for name, entry in database.items()}


def _annotations(entry):
    annotations = entry.get("annotations")
    annotations = annotations if isinstance(annotations, list) else []
    return [a for a in annotations if isinstance(a, dict) and isinstance(a.get("label"), str)]


def _labels(database):
    names = {a["label"] for entry in database.values() for a in _annotations(entry)}
    return {name: label for label, name in enumerate(sorted(names))}


def _files(root):
    """The videos below `root` by their ids; one walk, as there may be tens of thousands."""
    files = {}
    for folder, _, names in os.walk(root):
        for name in names:
            stem, suffix = os.path.splitext(name)
            if suffix.lower() in _SUFFIXES and stem.startswith("v_"):
                rank = (_SUFFIXES.index(suffix.lower()), os.path.join(folder, name))
                files[stem[2:]] = min(files.get(stem[2:], rank), rank)
    return {name: Path(path) for name, (_, path) in files.items()}


def _row(name, entry, labels, files, problems):
    notes = []
    by_label = {}
    for annotation in _annotations(entry):
        segment = _segment(annotation.get("segment"), notes)
        if segment is not None:
            by_label.setdefault(annotation["label"], []).append(segment)
    if not by_label:
        problems.add(name, "; ".join(["no segment that can be used", *notes]))
        return None
    if name not in files:
        problems.add(name, "no such file")
        return None
    # The label with most annotated time; official files have one label a video.
    times = {label: sum(e - s for s, e in segments) for label, segments in by_label.items()}
    label = max(sorted(times), key=times.get)
    if len(by_label) > 1:
        notes.append(f"several labels ({', '.join(sorted(by_label))}), {label} is kept")
    segments = _joined(by_label[label], notes)
    row = {"id": name, "label": labels[label], "file": files[name], "segments": segments}
    return {**row, "notes": notes} if notes else row


def _segment(value, notes):
    """[start, end] with 0 <= start < end, or None; what had to be changed goes to `notes`."""
    try:
        start, end = (float(seconds) for seconds in value)
    except (TypeError, ValueError):
        start = end = math.nan
    if not (math.isfinite(start) and math.isfinite(end)) or start == end:
        notes.append(f"segment {value!r} is not used")
        return None
    if end < start:
        notes.append(f"segment {value!r} is reversed")
        start, end = end, start
    return [max(start, 0.0), end] if end > 0 else None


def _joined(segments, notes):
    joined = []
    for start, end in sorted(segments):
        if joined and start < joined[-1][1]:
            notes.append(f"segments overlap at {start:g} s")
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    return joined
