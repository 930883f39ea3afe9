"""A miniature of UCF101's layout: .avi files (MPEG-4, MP3) and the official lists."""

from __future__ import annotations

from pathlib import Path

from keras_amid.data.datasets.miniatures.content import check_counts, cut_short, pattern, tone
from keras_amid.data.datasets.ucf51 import CLASS_NAMES
from keras_amid.data.media.writing import write_clip

FPS = 25
SAMPLE_RATE = 44100
# The 50 classes without sound; the official lists name all 101.
SILENT_CLASSES = tuple(
    """BaseballPitch Basketball BenchPress Biking Billiards BreastStroke CleanAndJerk Diving
    Drumming Fencing GolfSwing HighJump HorseRace HorseRiding HulaHoop JavelinThrow
    JugglingBalls JumpingJack JumpRope Kayaking Lunges MilitaryParade Mixing Nunchucks
    PizzaTossing PlayingGuitar PlayingPiano PlayingTabla PlayingViolin PoleVault PommelHorse
    PullUps Punch PushUps RockClimbingIndoor RopeClimbing Rowing SalsaSpin SkateBoarding
    Skiing Skijet SoccerJuggling Swing TaiChi TennisSwing ThrowDiscus TrampolineJumping
    VolleyballSpiking WalkingWithDog YoYo""".split()
)


def write(
    root: str | Path,
    classes: int = 4,
    videos: int = 6,
    seconds: float = 1.0,
    seed: int = 0,
    size: tuple[int, int] = (72, 96),
    awkward: bool = True,
) -> Path:
    """Writes `UCF-101/<Class>/v_*.avi` and `ucfTrainTestlist/*.txt`.

    The classes are HandstandPushups (whose files are called v_HandStandPushups_*) and the first of
    the others. The awkward cases, all of the first class but where said otherwise:

    - in the training list: `g21_c01` is cut short, `g21_c02` has zero bytes, `g21_c03` is silent,
      `g22_c01` has one frame, `g22_c02` is of odd size, `g22_c03` is tiny, `g23_c01` has no file,
      `g23_c02` is listed with another class's number; one line does not parse;
    - `g24_c01` is in no list;
    - a class without sound is listed, and has a file.

    Args:
        root: Folder to write to.
        classes: Number of classes with files, 1 to 51.
        videos: Good videos a class, 2 or more; a third of them (one at least) to test on.
        seconds: Length of a video.
        seed: Integer >= 0.
        size: (height, width) in pixels, even.
        awkward: Write the awkward cases, too.

    Returns:
        `root` as a `Path`.

    Raises:
        ValueError: A number is out of its range.
    """
    check_counts(
        classes=(classes, 1, len(CLASS_NAMES)), videos=(videos, 2, None), seed=(seed, 0, None)
    )
    root = Path(root)
    trap = "HandstandPushups"
    names = sorted([trap, *[name for name in CLASS_NAMES if name != trap][: classes - 1]])
    lists = {"trainlist": [], "testlist": []}
    numbers = {name: n for n, name in enumerate(sorted([*CLASS_NAMES, *SILENT_CLASSES]), start=1)}
    for name in names:
        for number in range(videos):
            test = number < max(1, videos // 3)
            # Official split 1 tests on the groups 1 to 7.
            group = number % 7 + 1 if test else number % 18 + 8
            stem = _stem(name, f"g{group:02d}_c{number // 7 + 1:02d}")
            label = CLASS_NAMES.index(name)
            _write(root, name, stem, label, [seed, label, number], seconds, size)
            line = f"{name}/{stem}.avi"
            lists["testlist" if test else "trainlist"].append(
                line if test else f"{line} {numbers[name]}"
            )
    if awkward:
        _write_awkward(root, names[0], numbers, lists["trainlist"], seconds, seed, size)
    folder = root / "ucfTrainTestlist"
    folder.mkdir(parents=True, exist_ok=True)
    lists["classInd"] = [f"{number} {name}" for name, number in numbers.items()]
    for name, lines in lists.items():
        for split in ("01", "02", "03") if name != "classInd" else ("",):
            (folder / f"{name}{split}.txt").write_bytes("".join(f"{x}\r\n" for x in lines).encode())
    return root


def _stem(name, rest):
    return f"v_{name.replace('HandstandPushups', 'HandStandPushups')}_{rest}"


def _write(root, name, stem, label, seed, seconds, size, sound=True):
    path = root / "UCF-101" / name / f"{stem}.avi"
    audio = tone(label, seed, seconds, SAMPLE_RATE) if sound else None
    frames = pattern(label, seed, seconds, FPS, size)
    write_clip(path, frames, FPS, audio, SAMPLE_RATE, "mpeg4", "libmp3lame")
    return path


def _write_awkward(root, name, numbers, lines, seconds, seed, size):
    label, number = CLASS_NAMES.index(name), numbers[name]

    def add(rest, seconds=seconds, size=size, sound=True, listed=number):
        stem = _stem(name, rest)
        if listed is not None:
            lines.append(f"{name}/{stem}.avi {listed}")
        return _write(root, name, stem, label, [seed, label, 99], seconds, size, sound)

    cut_short(add("g21_c01"))
    add("g21_c02").write_bytes(b"")
    add("g21_c03", sound=False)
    add("g22_c01", seconds=1 / FPS)
    add("g22_c02", size=(size[0] - 1, size[1] - 3))
    add("g22_c03", size=(16, 20))
    add("g23_c01").unlink()
    add("g23_c02", listed=number + 1)
    add("g24_c01", listed=None)
    lines.insert(1, "this line does not parse")
    lines.insert(2, f"Basketball/v_Basketball_g08_c01.avi {numbers['Basketball']}")
    _write(root, "Basketball", "v_Basketball_g08_c01", 50, [seed, 50, 0], seconds, size)
