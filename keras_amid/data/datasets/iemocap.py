"""IEMOCAP from the files of the official distribution: four emotions, five sessions.

    data = iemocap.prepare("IEMOCAP_full_release", "data/iemocap")
    train, test = data.fold(1)       # session 1 is left out
    batches = data.pipeline(train, 128, {"video": RandomClip(), "text": Tokens(vocabulary)}, ...)

A sample is an utterance. Its label is in `SessionN/dialog/EmoEvaluation/<dialogue>.txt`, its words
in `dialog/transcriptions/<dialogue>.txt`, its sound in `sentences/wav/<dialogue>/<utterance>.wav`
and its picture in `dialog/avi/DivX/<dialogue>.avi`, which shows both speakers side by side.

Who is where: the letter in a dialogue's name (Ses01F_impro01) says who wears the motion capture
markers, that in an utterance's name (Ses01F_impro01_M000) who speaks. The wearer of the markers is
in the left half of the picture (`side="markers"`): so one public script has it, while another holds
that the woman is always on the left (`side="female"`). Look at a few of your files, or keep both
speakers (`side="both"`). Of each half the rows 112 to 368 of 480 are taken: black bars lie above
and below.

At 10 frames a second and a short side of 128 the records should take about 3 GB (an estimate).
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from keras_amid.data.datasets import options
from keras_amid.data.datasets.data_set import DataSet, functions_of
from keras_amid.data.datasets.listing import Listing, Problems, read_lines, refuse_root
from keras_amid.data.media import probe, read_segments, read_sound

CLASS_NAMES = ("angry", "happy", "neutral", "sad")
SAMPLE_RATE = 16000
PAPER_COUNTS = {"total": 5531}
_LABELS = {"ang": 0, "hap": 1, "exc": 1, "neu": 2, "sad": 3}  # excited counts as happy
_OTHER_EMOTIONS = ("fru", "sur", "fea", "dis", "oth", "xxx")
_SESSIONS = (1, 2, 3, 4, 5)
_SIDE_HELP = "where the speaker is: markers (their wearer on the left), female (the woman), both"
_ROWS = (112 / 480, 368 / 480)
_EVALUATION = re.compile(
    r"\[\s*(?P<start>\d+(?:\.\d+)?)\s*-\s*(?P<end>\d+(?:\.\d+)?)\s*\]\s+(?P<id>\S+)\s+"
    r"(?P<emotion>\S+)\s+\[[^\]]*\]"
)
_UTTERANCE = re.compile(r"Ses\d\d(?P<wearer>[FM])_\w+_(?P<speaker>[FM])[^_]+")
_TRANSCRIPT = re.compile(r"(?P<id>Ses\w+)\s+\[[^\]]*\]\s*:\s*(?P<text>.*)")


@dataclasses.dataclass(frozen=True)
class IEMOCAP(DataSet):
    """IEMOCAP's four emotions: the splits "session-1" .. "session-5"."""

    name = "IEMOCAP"
    class_names = CLASS_NAMES
    modalities = ("video", "audio", "text")
    paper_counts = PAPER_COUNTS

    side: str = options.choice("markers", _SIDE_HELP, ("markers", "female", "both"))
    sample_rate: int = options.sample_rate(SAMPLE_RATE)
    short_side: int = options.short_side()
    fps: float | None = options.fps(10.0)

    def read(self, root: str | Path) -> Listing:
        """Reads evaluations and transcriptions and finds the files.

        Args:
            root: Folder that holds `Session1` .. `Session5`, or the one above
                (`IEMOCAP_full_release`).

        Returns:
            A `Listing`. Rows have `group` (the session), `file` (the .avi), `sound` (the .wav),
            `segment` ([start, end] in seconds of the dialogue), `crop` (see `read_segments`),
            `text` and `speaker` ("Ses01F").

        Raises:
            ValueError: Folders are missing: which, and where.
        """
        release = _find(Path(root))
        problems = Problems()
        splits = {}
        for number in _SESSIONS:
            rows, seen = [], set()
            for path in _texts(release / f"Session{number}" / "dialog" / "EmoEvaluation"):
                rows += _dialogue(release, number, path, self.side, seen, problems)
            splits[f"session-{number}"] = rows
        return Listing(release, CLASS_NAMES, splits, problems.found)

    def decode(self, row: dict, source: Path) -> dict:
        """See `DataSet.decode`."""
        rate = probe(source / row["sound"]).sample_rate
        clip = read_segments(
            source / row["file"],
            [row["segment"]],
            short_side=self.short_side,
            fps=self.fps,
            crop=row["crop"],
        )
        notes = [*row.get("notes", ()), *clip.notes]
        if len(clip.frames) == 1:
            notes.append("1 frame")
        if rate != SAMPLE_RATE:
            notes.append(f"sound at {rate} Hz")
        sound = read_sound(source / row["sound"], self.sample_rate)
        return {"video": clip.frames, "audio": sound, "text": row["text"], "notes": notes}


read, prepare = functions_of(IEMOCAP)


def _find(root):
    for release in (root, root / "IEMOCAP_full_release"):
        if (release / "Session1").is_dir():
            break
    else:
        refuse_root(root, "IEMOCAP", [root / "Session1", root / "IEMOCAP_full_release/Session1"])
    parts = ("dialog/EmoEvaluation", "dialog/transcriptions", "dialog/avi/DivX", "sentences/wav")
    wanted = [release / f"Session{number}" / part for number in _SESSIONS for part in parts]
    missing = [path for path in wanted if not path.is_dir()]
    if missing:
        refuse_root(root, "complete IEMOCAP", missing)
    return release


def _texts(folder):
    # The release carries macOS's `._*.txt` along.
    return [path for path in sorted(folder.glob("*.txt")) if not path.name.startswith(".")]


def _dialogue(release, number, path, side, seen, problems):
    dialogue, session = path.stem, f"Session{number}"
    texts = _transcription(release / session / "dialog" / "transcriptions" / path.name)
    rows = []
    for place, line in read_lines(path):
        if not line.startswith("["):
            continue
        parsed = _parse(line, dialogue)
        if isinstance(parsed, str):
            problems.add(place, f"{parsed}: {line!r}")
            continue
        name, label, segment = parsed
        if label is None:
            continue  # one of the emotions that are not among the four
        if name in seen:
            problems.add(name, f"evaluated again in {place}")
            continue
        seen.add(name)
        files = {
            "file": f"{session}/dialog/avi/DivX/{dialogue}.avi",
            "sound": f"{session}/sentences/wav/{dialogue}/{name}.wav",
        }
        missing = [file for file in files.values() if not (release / file).is_file()]
        if missing:
            problems.add(name, f"no such file: {', '.join(missing)}")
            continue
        row = {"id": name, "label": label, "group": f"session-{number}", **files}
        row.update(_place(name, side), segment=segment, text=texts.get(name, ""))
        rows.append(row if name in texts else {**row, "notes": ["no transcription"]})
    return rows


def _parse(line, dialogue):
    """(utterance, label or None, segment), or what is wrong with the line."""
    match = _EVALUATION.fullmatch(line)
    if match is None:
        return "does not parse"
    start, end = float(match["start"]), float(match["end"])
    if not match["id"].startswith(dialogue) or not _UTTERANCE.fullmatch(match["id"]):
        return "no utterance of this dialogue"
    if match["emotion"] not in _LABELS and match["emotion"] not in _OTHER_EMOTIONS:
        return f"unknown emotion {match['emotion']!r}"
    if end <= start:
        return "ends before it starts"
    return match["id"], _LABELS.get(match["emotion"]), [start, end]


def _place(name, side):
    """Who speaks, and where in the picture."""
    match = _UTTERANCE.fullmatch(name)
    left_letter = match["wearer"] if side == "markers" else "F"
    if side == "both":
        across = (0.0, 1.0)
    else:
        across = (0.0, 0.5) if match["speaker"] == left_letter else (0.5, 1.0)
    crop = [across[0], _ROWS[0], across[1], _ROWS[1]]
    return {"speaker": name[:5] + match["speaker"], "crop": crop}


def _transcription(path):
    if not path.is_file():
        return {}
    matches = (_TRANSCRIPT.fullmatch(line) for _, line in read_lines(path))
    return {match["id"]: match["text"].strip() for match in matches if match}
