"""UCF51: the 51 classes of UCF101 that have sound, from the files of the official distribution.

    data = ucf51.prepare("UCF101", "data/ucf51")
    train = data.pipeline("train", 16, {"video": RandomClip()}, shuffle=EpochShuffle(0))

`UCF101` holds `UCF-101/<Class>/v_<Class>_gGG_cCC.avi` and `ucfTrainTestlist/{classInd,trainlist01,
testlist01}.txt`, as the two official archives unpack side by side. Names are matched without regard
to case: the files of the folder HandstandPushups are called `v_HandStandPushups_*`.

At full rate and a short side of 128 the records should take about 15 GB (an estimate).
"""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

from keras_amid.data.datasets import options
from keras_amid.data.datasets.data_set import DataSet, functions_of
from keras_amid.data.datasets.listing import Listing, Problems, read_lines, refuse_root
from keras_amid.data.datasets.videos import read_video

CLASS_NAMES = tuple(
    """ApplyEyeMakeup ApplyLipstick Archery BabyCrawling BalanceBeam BandMarching BasketballDunk
    BlowDryHair BlowingCandles BodyWeightSquats Bowling BoxingPunchingBag BoxingSpeedBag
    BrushingTeeth CliffDiving CricketBowling CricketShot CuttingInKitchen FieldHockeyPenalty
    FloorGymnastics FrisbeeCatch FrontCrawl Haircut HammerThrow Hammering HandstandPushups
    HandstandWalking HeadMassage IceDancing Knitting LongJump MoppingFloor ParallelBars PlayingCello
    PlayingDaf PlayingDhol PlayingFlute PlayingSitar Rafting ShavingBeard Shotput SkyDiving
    SoccerPenalty StillRings SumoWrestling Surfing TableTennisShot Typing UnevenBars WallPushups
    WritingOnBoard""".split()
)
PAPER_COUNTS = {"train": 4893, "test": 1944, "total": 6845}
_LABELS = {name.lower(): label for label, name in enumerate(CLASS_NAMES)}
_LINE = re.compile(r"(?P<folder>[^/\\\s]+)/(?P<file>[^/\\\s]+\.avi)(?:\s+(?P<number>\d+))?")
_CLASS_LINE = re.compile(r"(?P<number>\d+)\s+(?P<name>\S+)")


@dataclasses.dataclass(frozen=True)
class UCF51(DataSet):
    """UCF51 at one of the official splits, "train" and "test"; label i is `class_names[i]`."""

    name = "UCF51"
    class_names = CLASS_NAMES
    modalities = ("video", "audio")
    paper_counts = PAPER_COUNTS

    split: int = options.choice(1, "number of the official split: 1, 2 or 3", (1, 2, 3))
    sample_rate: int = options.sample_rate(32000)
    short_side: int = options.short_side()
    fps: float | None = options.fps(None)

    def read(self, root: str | Path) -> Listing:
        """Reads the official lists of the split and finds the files of the 51 classes.

        Args:
            root: Folder that holds `UCF-101` and `ucfTrainTestlist`; or `UCF-101` itself, with
                `ucfTrainTestlist` in it or beside it.

        Returns:
            A `Listing` of the splits "train" and "test". Label i is the i-th class in alphabetical
            order, whatever number the official lists give it. Among the problems: listed videos
            without a file, files in no list, lines that do not parse or contradict `classInd.txt`.

        Raises:
            ValueError: Files or folders are missing: which, and where.
        """
        videos, lists = _find(Path(root), self.split)
        problems = Problems()
        numbers = _class_numbers(lists / "classInd.txt", problems)
        files = _files(videos)
        rows, seen = {}, {}
        for name, path in (
            ("train", lists / f"trainlist{self.split:02d}.txt"),
            ("test", lists / f"testlist{self.split:02d}.txt"),
        ):
            rows[name] = _rows(path, numbers, files, seen, problems)
        for key in sorted(set(files) - set(seen)):
            problems.add(files[key].stem, f"in no list of split {self.split}")
        for row in (row for split_rows in rows.values() for row in split_rows):
            row["file"] = row["file"].relative_to(videos).as_posix()
        return Listing(videos, CLASS_NAMES, rows, problems.found)

    def decode(self, row: dict, source: Path) -> dict:
        """See `DataSet.decode`."""
        return read_video(
            source / row["file"],
            row,
            sample_rate=self.sample_rate,
            short_side=self.short_side,
            fps=self.fps,
        )


read, prepare = functions_of(UCF51)


def _find(root, split):
    names = ["classInd.txt", f"trainlist{split:02d}.txt", f"testlist{split:02d}.txt"]
    videos = root / "UCF-101" if (root / "UCF-101").is_dir() else root
    folders = [] if not videos.is_dir() else [path.name.lower() for path in videos.iterdir()]
    if not set(folders) & set(_LABELS):
        classes = f"{CLASS_NAMES[0]}, {CLASS_NAMES[1]}, ..."
        refuse_root(root, "UCF101", [root / "UCF-101", f"class folders ({classes}) in {videos}"])
    places = [folder / "ucfTrainTestlist" for folder in (videos, videos.parent)]
    for lists in places:
        if lists.is_dir():
            missing = [lists / name for name in names if not (lists / name).is_file()]
            if missing:
                refuse_root(root, f"lists of UCF101's split {split}", missing)
            return videos, lists
    return refuse_root(root, "lists of UCF101", places)


def _class_numbers(path, problems):
    """The official numbers of the classes, by their lower-case names."""
    numbers = {}
    for place, line in read_lines(path):
        match = _CLASS_LINE.fullmatch(line)
        if match is None:
            problems.add(place, f"does not parse: {line!r}")
        else:
            numbers[match["name"].lower()] = int(match["number"])
    missing = [name for name in CLASS_NAMES if name.lower() not in numbers]
    if len(missing) == len(CLASS_NAMES):
        raise ValueError(f"`root`: {path} names none of the 51 classes ({missing[0]}, ...).")
    for name in missing:
        problems.add(name, f"class is not in {path.name}")
    return numbers


def _files(videos):
    """The .avi files of the 51 classes, by "folder/stem" in lower case."""
    files = {}
    for folder in sorted(videos.iterdir()):
        if folder.name.lower() in _LABELS and folder.is_dir():
            for name in sorted(os.listdir(folder)):
                if name.lower().endswith(".avi") and not name.startswith("."):
                    files[f"{folder.name}/{name[:-4]}".lower()] = folder / name
    return files


def _rows(path, numbers, files, seen, problems):
    rows = []
    for place, line in read_lines(path):
        match = _LINE.fullmatch(line)
        if match is None:
            problems.add(place, f"does not parse: {line!r}")
            continue
        folder, name = match["folder"], match["file"][:-4]
        label, number = _LABELS.get(folder.lower()), match["number"]
        if label is None:
            if folder.lower() not in numbers:
                problems.add(place, f"class {folder!r} is not in classInd.txt")
            continue  # one of the 50 classes without sound
        key = f"{folder}/{name}".lower()
        wrong = number is not None and numbers.get(folder.lower()) != int(number)
        if key in seen:
            problems.add(name, f"listed again in {place}; its first place ({seen[key]}) counts")
        elif wrong:
            problems.add(name, f"class {number} in {place}, but {folder} in its path")
        elif key not in files:
            problems.add(name, f"in {path.name}, but there is no such file")
        else:
            rows.append({"id": name, "label": label, "file": files[key]})
        seen.setdefault(key, place)
    return rows
