"""A miniature of ActivityNet 1.3: its annotation file and videos (.mp4 and .mkv, H.264, AAC)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from keras_amid.data.datasets.activitynet import ANNOTATIONS, VERSION
from keras_amid.data.datasets.miniatures.content import check_counts, cut_short, pattern, tone, turn
from keras_amid.data.media.writing import write_clip

FPS = 15
SAMPLE_RATE = 44100
CLASS_NAMES = (
    "Applying sunscreen",
    "Archery",
    "Arm wrestling",
    "BMX",
    "Baking cookies",
    "Ballet",
    "Bathing dog",
    "Beach soccer",
    "Belly dance",
    "Braiding hair",
    "Bullfighting",
    "Bungee jumping",
)
_AROUND = 0.5  # seconds of something else before and after the activity
_OTHER = 200  # the label of the pattern that shows something else


def write(
    root: str | Path,
    classes: int = 4,
    videos: int = 6,
    seconds: float = 2.0,
    seed: int = 0,
    size: tuple[int, int] = (72, 96),
    awkward: bool = True,
) -> Path:
    """Writes `activity_net.v1-3.min.json` and `videos/v_<id>.mp4` (every third one .mkv).

    A video shows half a second of something else, `seconds` of its activity, which is annotated,
    and half a second of something else. The awkward cases, of the first class, have ids that say
    what they are: `truncated__`, `zero_bytes_`, `silent_____`, `one_frame__`, `rotated____`,
    `vfr________` (variable frame rate), `odd_size___` (.mkv, MPEG-4), `missing____`,
    `reversed___`, `overlapping`, `two_parts__` (two segments apart), `past_end___` (one of two
    segments lies after the end), `unannotated`, `two_labels_`, and `testing____` of the subset
    without annotations.

    Args:
        root: Folder to write to.
        classes: Number of classes, 2 to 12.
        videos: Good videos a class, 2 or more; a third of them (one at least) to validate on.
        seconds: Length of the annotated activity.
        seed: Integer >= 0.
        size: (height, width) in pixels, even.
        awkward: Write the awkward cases, too.

    Returns:
        `root` as a `Path`.

    Raises:
        ValueError: A number is out of its range.
    """
    check_counts(
        classes=(classes, 2, len(CLASS_NAMES)), videos=(videos, 2, None), seed=(seed, 0, None)
    )
    root = Path(root)
    writer = _Writer(root, seconds, seed, size)
    for label in range(classes):
        for number in range(videos):
            subset = "validation" if number < max(1, videos // 3) else "training"
            suffix = "mkv" if number % 3 == 2 else "mp4"
            writer.add(f"c{label:02d}video{number:04d}", label, number, subset, suffix)
    if awkward:
        _write_awkward(writer)
    writer.write_annotations()
    return root


class _Writer:
    def __init__(self, root, seconds, seed, size):
        self.root, self.seconds, self.seed, self.size = root, seconds, seed, size
        self.segment = [_AROUND, _AROUND + seconds]
        self.database = {}

    def add(self, name, label=0, number=99, subset="training", suffix="mp4", **file):
        """Annotates a video and writes its file; returns the file's path."""
        annotation = {"segment": self.segment, "label": CLASS_NAMES[label]}
        self.annotate(name, subset, [annotation])
        return self.write_file(name, label, number, suffix, **file)

    def annotate(self, name, subset, annotations):
        self.database[name] = {
            "duration": self.seconds + 2 * _AROUND,
            "subset": subset,
            "resolution": f"{self.size[1]}x{self.size[0]}",
            "url": f"https://www.youtube.com/watch?v={name}",
            "annotations": annotations,
        }

    def write_file(
        self, name, label, number, suffix="mp4", size=None, sound=True, times=None, frames=None
    ):
        path = self.root / "videos" / f"v_{name}.{suffix}"
        seed, size = [self.seed, label, number], size or self.size
        spans = [(_OTHER, _AROUND), (label, self.seconds), (_OTHER, _AROUND)]
        picture = np.concatenate([pattern(k, seed, s, FPS, size) for k, s in spans])
        audio = np.concatenate([tone(k, seed, s, SAMPLE_RATE) for k, s in spans])
        picture = picture[:frames] if times is None else picture[: len(times)]
        odd = size[0] % 2 or size[1] % 2
        write_clip(
            path,
            picture,
            FPS,
            audio if sound else None,
            SAMPLE_RATE,
            "mpeg4" if odd else "libx264",
            "aac",
            {} if odd else {"preset": "ultrafast"},
            times,
        )
        return path

    def write_annotations(self):
        names = {a["label"] for entry in self.database.values() for a in entry["annotations"]}
        taxonomy = [
            {"parentName": "Root", "nodeName": name, "nodeId": i, "parentId": 0}
            for i, name in enumerate(sorted(names), start=1)
        ]
        content = {"taxonomy": taxonomy, "version": VERSION, "database": self.database}
        (self.root / ANNOTATIONS).write_text(json.dumps(content), encoding="utf-8")


def _write_awkward(writer):
    start, end = writer.segment
    height, width = writer.size
    cut_short(writer.add("truncated__", suffix="mkv"))
    writer.add("zero_bytes_").write_bytes(b"")
    writer.add("silent_____", sound=False)
    writer.add("one_frame__", frames=1)
    writer.annotate("one_frame__", "training", [{"segment": [0, 1], "label": CLASS_NAMES[0]}])
    turn(writer.add("rotated____"))
    length = writer.seconds + 2 * _AROUND
    half = int(length * FPS / 4)  # two thirds of the frames in the first third of the time
    slow = np.linspace(length / 2, length - 0.1, half)
    times = [*(np.arange(2 * half) / FPS), *slow[slow > 2 * half / FPS]]
    writer.add("vfr________", times=times)
    writer.add("odd_size___", suffix="mkv", size=(height - 1, width - 3))
    writer.add("missing____").unlink()

    def annotated(name, *segments, labels=(0, 0)):
        writer.add(name)
        annotations = [
            {"segment": list(segment), "label": CLASS_NAMES[label]}
            for segment, label in zip(segments, labels, strict=False)
        ]
        writer.annotate(name, "training", annotations)

    middle = (start + end) / 2
    annotated("reversed___", (end, start))
    annotated("overlapping", (start, middle + 0.2), (middle - 0.2, end))
    annotated("two_parts__", (start, middle - 0.25), (middle + 0.25, end))
    annotated("past_end___", (start, end), (end + 100, end + 110))
    annotated("unannotated")
    annotated("two_labels_", (start, start + 0.25), (start, end), labels=(1, 0))
    annotated("testing____")
    writer.annotate("testing____", "testing", [])
