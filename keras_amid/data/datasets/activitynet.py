"""ActivityNet 1.3 from its annotation file and whatever videos are there.

    data = activitynet.prepare("ActivityNet", "data/activitynet")
    train = data.pipeline("train", 16, {"video": RandomClip()}, shuffle=EpochShuffle(0))

`ActivityNet` holds `activity_net.v1-3.min.json` and, anywhere below, `v_<id>.mp4` (or .mkv, .webm,
.avi). One sample is one video: the segments that are annotated with its activity, in their order,
without what lies between, at `fps` frames a second. By default that is 8: 16 frames then span two
seconds. A minute of activity should take about 5 MB of pictures and 4 MB of sound at 32 kHz, and
train and validation some 150 GB; at the videos' own rate it would be some 400 GB (estimates).
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from pathlib import Path

from keras_amid.data.datasets import options
from keras_amid.data.datasets.data_set import DataSet, functions_of
from keras_amid.data.datasets.listing import Listing, Problems, refuse_root
from keras_amid.data.datasets.videos import read_video

ANNOTATIONS = "activity_net.v1-3.min.json"
VERSION = "VERSION 1.3"
NUM_CLASSES = 200
PAPER_COUNTS = {"train": 10024, "validation": 4926}
_SPLITS = {"training": "train", "validation": "validation"}
_SUFFIXES = (".mp4", ".mkv", ".webm", ".avi")  # the first that is there counts


@dataclasses.dataclass(frozen=True)
class ActivityNet(DataSet):
    """ActivityNet 1.3: the splits "train" and "validation" (the labels of "testing" are secret)."""

    name = "ActivityNet"
    modalities = ("video", "audio")
    paper_counts = PAPER_COUNTS
    shard_size = 16

    sample_rate: int = options.sample_rate(32000)
    short_side: int = options.short_side()
    fps: float | None = options.fps(8.0)

    def read(self, root: str | Path) -> Listing:
        """Reads the annotations and finds the videos.

        Args:
            root: Folder that holds `activity_net.v1-3.min.json`; videos lie in it or below.

        Returns:
            A `Listing`. Label i is the i-th of the annotated labels in alphabetical order. Rows
            have `segments`, a list of [start, end] in seconds, rising and apart. Among the
            problems: videos that are missing, and annotations that cannot be used.

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
        return Listing(root, tuple(labels), splits, problems.found)

    def decode(self, row: dict, source: Path) -> dict:
        """See `DataSet.decode`."""
        return read_video(
            source / row["file"],
            row,
            sample_rate=self.sample_rate,
            short_side=self.short_side,
            fps=self.fps,
        )


read, prepare = functions_of(ActivityNet)


def _database(path):
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version, database = content.get("version"), content.get("database")
    except (ValueError, AttributeError) as error:
        raise ValueError(f"`root`: {path} is no ActivityNet annotation file: {error}.") from error
    if version != VERSION:
        raise ValueError(f"`root`: {path} must be of {VERSION!r}; received {version!r}.")
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
