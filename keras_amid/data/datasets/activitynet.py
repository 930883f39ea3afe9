"""ActivityNet 1.3 from its annotation file and whatever videos are there.

    data = activitynet.prepare("ActivityNet", "data/activitynet")
    train = data.pipeline("train", 16, {"video": RandomClip()}, shuffle=EpochShuffle(0))

`ActivityNet` holds `activity_net.v1-3.min.json` and, anywhere below, `v_<id>.mp4` or `<id>.mp4` (or
.mkv, .webm, ...; links are followed); several folders may be given. One sample is one video: the
segments that are annotated with its activity, in their order, without what lies between, at `fps`
frames a second. By default that is 8: 16 frames then span two seconds. Where all its segments are
shorter than a tenth of a second (some fifty of the official ones are), the whole video counts.

A minute of activity should take about 5 MB of pictures and 4 MB of sound at 32 kHz, and train and
validation some 150 GB; at the videos' own rate it would be some 400 GB (estimates).
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path

from keras_amid.data.datasets import options
from keras_amid.data.datasets.data_set import DataSet, functions_of
from keras_amid.data.datasets.finding import Found, find_media, walk
from keras_amid.data.datasets.listing import Listing, Problems, refuse_root
from keras_amid.data.datasets.videos import VideoReader

ANNOTATIONS = "activity_net.v1-3.min.json"
VERSION = "VERSION 1.3"
NUM_CLASSES = 200
PAPER_COUNTS = {"train": 10024, "validation": 4926}
_SPLITS = {"training": "train", "validation": "validation"}
_SUFFIXES = (".mp4", ".mkv", ".webm", ".avi")  # in the order in which they are tried
_SHORTEST = 0.1  # seconds; a shorter segment is a slip of the annotator's
_TOO_SHORT = f"only segments shorter than {_SHORTEST:g} s: the whole video is used"


@dataclasses.dataclass(frozen=True)
class ActivityNet(DataSet):
    """ActivityNet 1.3: the splits "train" and "validation" (the labels of "testing" are secret)."""

    name = "ActivityNet"
    modalities = ("video", "audio")
    paper_counts = PAPER_COUNTS
    shard_size = 16

    several_roots = True

    sample_rate: int = options.sample_rate(32000)
    short_side: int = options.short_side()
    fps: float | None = options.fps(8.0)
    missing: str = options.missing("leave-out")
    annotations: str | None = options.path(f"{ANNOTATIONS}, where it is not in the root")

    def read(self, root: str | Path | Sequence[str | Path]) -> Listing:
        """Reads the annotations and finds the videos.

        Args:
            root: Folder, or several, below which the videos and the annotation file lie.

        Returns:
            A `Listing`. Label i is the i-th of the annotated labels in alphabetical order. Rows
            have `segments`, a list of [start, end] in seconds, rising and apart; none where the
            whole video counts. Among the problems: videos that are missing, and annotations that
            cannot be used.

        Raises:
            ValueError: The annotation file is missing, cannot be read, or is of another version.
        """
        roots = [Path(root)] if isinstance(root, str | Path) else [Path(path) for path in root]
        for folder in roots:
            if not folder.is_dir():
                refuse_root(folder, "ActivityNet", [folder / ANNOTATIONS])
        problems = Problems()
        database = _database(_annotation_file(self.annotations, roots, Problems()))
        labels = _labels(database)
        if len(labels) != NUM_CLASSES:
            problems.add(ANNOTATIONS, f"annotates {len(labels)} classes instead of {NUM_CLASSES}")
        found = find_media(roots, lambda stem: _id(stem, database), problems, _SUFFIXES)
        splits = {split: [] for split in _SPLITS.values()}
        for name in sorted(database):
            subset = database[name].get("subset")
            if isinstance(subset, str) and subset in _SPLITS:
                row = _row(name, database[name], labels, found.get(name, Found()), roots)
                if isinstance(row, dict):
                    splits[_SPLITS[subset]].append(row)
                else:
                    problems.add(name, row)
            elif subset != "testing":
                problems.add(name, f"subset {subset!r} is unknown")
        where = roots[0] if len(roots) == 1 else tuple(roots)
        return Listing(where, tuple(labels), splits, problems.found)

    def decode(self, row: dict, source: Path | tuple[Path, ...]) -> dict:
        """See `DataSet.decode`."""
        reader = VideoReader(self.sample_rate, self.short_side, self.fps, self.missing == "mask")
        return reader.read(row, source)

    def may_lack(self) -> tuple[str, ...]:
        """See `DataSet.may_lack`."""
        return ("audio",) if self.missing == "mask" else ()


read, prepare = functions_of(ActivityNet)


def _annotation_file(path, roots, problems):
    """The annotation file: the one that is given, or the first that is found."""
    if path is not None:
        if not Path(path).is_file():
            raise ValueError(f"`annotations` must be a file; received {path!r}, which is none.")
        return Path(path)
    others = []
    for root in roots:
        for folder, _, names in walk(root, problems):
            if ANNOTATIONS in names:
                return folder / ANNOTATIONS
            others += [folder / name for name in names if name.endswith(".json")]
    looked_for = [f"{root}/{ANNOTATIONS}, or the same below" for root in roots]
    return refuse_root(roots[0], "ActivityNet's annotations", looked_for, others)


def _database(path):
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        version, database = content.get("version"), content.get("database")
    except (ValueError, AttributeError, RecursionError) as error:
        raise ValueError(f"`root`: {path} is no ActivityNet annotation file: {error}.") from error
    if version != VERSION:
        raise ValueError(f"`root`: {path} must be of {VERSION!r}; received {version!r}.")
    if not isinstance(database, dict) or not database:
        raise ValueError(f"`root`: {path} has no `database`.")
    return {name: entry if isinstance(entry, dict) else {} for name, entry in database.items()}


def _id(stem, database):
    """The video that a file belongs to, by its name without suffix: v_<id>, or <id>."""
    if stem.startswith("v_") and stem[2:] in database:
        return stem[2:]
    return stem if stem in database else None


def _annotations(entry):
    annotations = entry.get("annotations")
    annotations = annotations if isinstance(annotations, list) else []
    return [a for a in annotations if isinstance(a, dict) and isinstance(a.get("label"), str)]


def _labels(database):
    names = {a["label"] for entry in database.values() for a in _annotations(entry)}
    return {name: label for label, name in enumerate(sorted(names))}


def _row(name, entry, labels, item, roots):
    """The row of a video, or what is wrong with it (str)."""
    notes, by_label = [], {}
    for annotation in _annotations(entry):
        segment = _segment(annotation.get("segment"), notes)
        if segment is not None:
            by_label.setdefault(annotation["label"], []).append(segment)
    if not by_label:
        return "; ".join(["no segment that can be used", *notes])
    if not item.videos:
        there = item.describe()
        return f"no such file: {there} instead of a video" if there else "no such file"
    # The label with most annotated time; official files have one label a video.
    times = {label: sum(e - s for s, e in segments) for label, segments in by_label.items()}
    label = max(sorted(times), key=times.get)
    if len(by_label) > 1:
        notes.append(f"several labels ({', '.join(sorted(by_label))}), {label} is kept")
    # Only the videos: segments of sounds and pictures beside them cannot be read.
    row = {"id": name, "label": labels[label], **Found(videos=item.videos).files(roots)}
    segments = by_label[label]
    if all(end - start < _SHORTEST for start, end in segments):
        notes.append(_TOO_SHORT)
    else:
        row["segments"] = _joined(segments, notes)
    return {**row, "notes": notes} if notes else row


def _segment(value, notes):
    """[start, end] with 0 <= start <= end, or None; what had to be changed goes to `notes`."""
    try:
        start, end = (float(seconds) for seconds in value)
    except (TypeError, ValueError, OverflowError):
        start = end = math.nan
    if not (math.isfinite(start) and math.isfinite(end)):
        notes.append(f"segment {value!r} is not used")
        return None
    if end < start:
        notes.append(f"segment {value!r} is reversed")
        start, end = end, start
    return [max(start, 0.0), end] if end >= 0 else None


def _joined(segments, notes):
    joined = []
    for start, end in sorted(segments):
        if start == end:
            notes.append(f"segment {[start, end]} is not used")
            continue
        if joined and start < joined[-1][1]:
            notes.append(f"segments overlap at {start:g} s")
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], end)
        else:
            joined.append([start, end])
    return joined
