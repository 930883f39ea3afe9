"""UCF51: the 51 classes of UCF101 that have sound, from the files of the official distribution.

    data = ucf51.prepare("UCF101", "data/ucf51")
    train = data.pipeline("train", 16, {"video": RandomClip()}, shuffle=EpochShuffle(0))

`UCF101` holds `UCF-101/<Class>/v_<Class>_gGG_cCC.avi` and `ucfTrainTestlist/{classInd,trainlist01,
testlist01}.txt`, as the two official archives unpack side by side. But the files are known by their
names, wherever below `UCF101` they lie (in class folders or in one, `UCF-101/UCF-101`, `videos` and
`annotations`, ...); a video may be recoded (.mp4, .mkv, ...), or be a folder `v_<Class>_gGG_cCC` of
its pictures with a .wav of the same name. Names are matched without regard to case: the files of
the class HandstandPushups are called `v_HandStandPushups_*`.

At full rate and a short side of 128 the records should take about 15 GB (an estimate).
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from keras_amid.data.datasets import options
from keras_amid.data.datasets.data_set import DataSet, functions_of
from keras_amid.data.datasets.finding import Found, find_media
from keras_amid.data.datasets.listing import Listing, Problems, read_lines, refuse_root
from keras_amid.data.datasets.videos import VideoReader

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
_VIDEO = re.compile(r"v_(?P<name>[^_/\\\s]+)_g\d+_c\d+", re.IGNORECASE)
_LINE = re.compile(
    rf"(?P<folder>[^/\\\s]+)/(?P<id>{_VIDEO.pattern})\.\w+(?:\s+(?P<number>\d+))?", re.IGNORECASE
)
_CLASS_LINE = re.compile(r"(?P<number>\d+)\s+(?P<name>\S+)")
# Where the lists lie beside the folder of the videos.
_BESIDE = (
    "ucfTrainTestlist",
    "UCF101TrainTestSplits-RecognitionTask/ucfTrainTestlist",
    "annotations",
)


@dataclasses.dataclass(frozen=True)
class UCF51(DataSet):
    """UCF51 at one of the official splits, "train" and "test"; label i is `class_names[i]`."""

    name = "UCF51"
    class_names = CLASS_NAMES
    modalities = ("video", "audio")
    paper_counts = PAPER_COUNTS
    paper_note = (
        "Split 1 lists 4901 + 1944 = 6845 videos of the 51 classes, the paper's total; its 4893 "
        "training videos are those but for 8 without a sound track (v_BasketballDunk_g15_c04 to "
        "c07, v_HandStandPushups_g14_c01 to c04)."
    )

    split: int = options.choice(1, "number of the official split: 1, 2 or 3", (1, 2, 3))
    sample_rate: int = options.sample_rate(32000)
    short_side: int = options.short_side()
    fps: float | None = options.fps(None)
    missing: str = options.missing("leave-out")

    def read(self, root: str | Path) -> Listing:
        """Reads the official lists of the split and finds the files of the 51 classes.

        Args:
            root: Folder below which the videos and the lists lie; or the folder of the videos,
                with the lists beside it.

        Returns:
            A `Listing` of the splits "train" and "test". Label i is the i-th class in alphabetical
            order, whatever number the official lists give it. Among the problems: listed videos
            without a file, files in no list, lines that do not parse or contradict `classInd.txt`.

        Raises:
            ValueError: Files or folders are missing: which, and where.
        """
        root = Path(root)
        names = ["classInd.txt", f"trainlist{self.split:02d}.txt", f"testlist{self.split:02d}.txt"]
        problems = Problems()
        found = find_media([root], _key_of([Path(n).stem for n in names]), problems, (".avi",))
        texts = [path for name in names for path in found.pop(Path(name).stem, Found()).others]
        if not any(item.is_video() for item in found.values()):
            example = "v_ApplyEyeMakeup_g01_c01.avi"
            refuse_root(root, "UCF101", [root / "UCF-101", f"files such as {example} below {root}"])
        lists = _lists(root, names, texts)
        reader = _ListReader(found, _base(root), problems)
        reader.read_numbers(lists / names[0])
        splits = {
            split: reader.rows(lists / name, split)
            for split, name in zip(("train", "test"), names[1:], strict=True)
        }
        for key in sorted(set(found) - set(reader.seen)):
            problems.add(found[key].name, f"in no list of split {self.split}")
        return Listing(_base(root), CLASS_NAMES, splits, problems.found, reader.listed)

    def decode(self, row: dict, source: Path) -> dict:
        """See `DataSet.decode`."""
        reader = VideoReader(self.sample_rate, self.short_side, self.fps, self.missing == "mask")
        return reader.read(row, source)

    def may_lack(self) -> tuple[str, ...]:
        """See `DataSet.may_lack`."""
        return ("audio",) if self.missing == "mask" else ()


read, prepare = functions_of(UCF51)


def _key_of(lists):
    """A function of a file's name: the video or the list that it is, or None."""

    def key_of(stem):
        match = _VIDEO.fullmatch(stem)
        if match is not None and match["name"].lower() in _LABELS:
            return stem.lower()
        return stem if stem in lists else None

    return key_of


def _base(root):
    """What the files of the rows are relative to."""
    while (root / "UCF-101").is_dir():
        root = root / "UCF-101"
    return root


def _lists(root, names, texts):
    """The folder of the official lists."""
    beside = [root.parent / name for name in _BESIDE]
    found = [*{path.parent: None for path in texts}, *(path for path in beside if path.is_dir())]
    if not found:
        refuse_root(root, "lists of UCF101", [root / _BESIDE[0], *beside])
    missing = {
        folder: [folder / name for name in names if not (folder / name).is_file()]
        for folder in found
    }
    best = min(found, key=lambda folder: (len(missing[folder]), len(folder.parts)))
    if missing[best]:
        refuse_root(best, "lists of UCF101", missing[best])
    return best


class _ListReader:
    """Reads the official lists.

    Args:
        found: Dict name in lower case -> `Found`.
        base: What the files of the rows are to be relative to.
        problems: `Problems`.

    Attributes:
        seen: Dict name in lower case -> the place where it was listed first.
        listed: Dict split -> number of videos of the 51 classes that its list names.
    """

    def __init__(self, found, base, problems):
        self._found, self._base, self._problems = found, base, problems
        self._numbers = {}
        self.seen, self.listed = {}, {}

    def read_numbers(self, path):
        """Reads the official numbers of the classes, by which the lists are checked."""
        for place, line in read_lines(path):
            match = _CLASS_LINE.fullmatch(line)
            if match is None:
                self._problems.add(place, f"does not parse: {line!r}")
            else:
                self._numbers[match["name"].lower()] = int(match["number"])
        missing = [name for name in CLASS_NAMES if name.lower() not in self._numbers]
        if len(missing) == len(CLASS_NAMES):
            raise ValueError(f"`root`: {path} names none of the 51 classes ({missing[0]}, ...).")
        for name in missing:
            self._problems.add(name, f"class is not in {path.name}")

    def rows(self, path, split):
        """Returns the rows of the list of a split."""
        rows, before = [], len(self.seen)
        for place, line in read_lines(path):
            match = _LINE.fullmatch(line)
            if match is None:
                self._problems.add(place, f"does not parse: {line!r}")
            elif match["folder"].lower() in _LABELS:
                rows += self._row(match, place)
            elif match["folder"].lower() not in self._numbers:
                self._problems.add(place, f"class {match['folder']!r} is not in classInd.txt")
        self.listed[split] = len(self.seen) - before
        return rows

    def _row(self, match, place):
        """A list of the row, or an empty one."""
        key = match["id"].lower()
        item = self._found.get(key, Found())
        wrong = self._contradiction(match, place) or _lacking(item, place)
        self.seen.setdefault(key, place)
        if wrong:
            self._problems.add(match["id"], wrong)
            return []
        label = _LABELS[match["folder"].lower()]
        return [{"id": match["id"], "label": label, **item.files([self._base])}]

    def _contradiction(self, match, place):
        key, folder, number = match["id"].lower(), match["folder"], match["number"]
        if key in self.seen:
            return f"listed again in {place}; its first place ({self.seen[key]}) counts"
        if number is not None and self._numbers.get(folder.lower()) != int(number):
            return f"class {number} in {place}, but {folder} in its path"
        if match["name"].lower() != folder.lower():
            return f"class {folder} in {place}, but {match['name']} in its name"
        return None


def _lacking(item, place):
    if item.is_video():
        return None
    there = item.describe()
    return f"in {place.split(':')[0]}, but there is no such file" + (
        f": {there} instead of a video" if there else ""
    )
