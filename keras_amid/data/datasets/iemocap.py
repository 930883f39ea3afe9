"""IEMOCAP from the files of the official distribution: four emotions, five sessions.

    data = iemocap.prepare("IEMOCAP_full_release", "data/iemocap")
    train, test = data.fold(1)       # session 1 is left out
    batches = data.pipeline(train, 128, {"video": RandomClip(), "text": Tokens(vocabulary)}, ...)

A sample is an utterance. Its label is in `SessionN/dialog/EmoEvaluation/<dialogue>.txt`, its words
in `dialog/transcriptions/<dialogue>.txt`, its sound in `sentences/wav/<dialogue>/<utterance>.wav`
and its picture in `dialog/avi/DivX/<dialogue>.avi`, which shows both speakers side by side. Sounds
and videos may also be of another kind (.flac, .mp4, ...) and lie elsewhere in their session; of a
release without videos only sound and words are kept, and of one with fewer sessions those.

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
from keras_amid.data.datasets.finding import Found, find_media, first_readable, relative
from keras_amid.data.datasets.listing import Listing, Problems, read_lines, refuse_root
from keras_amid.data.media import probe, read_segments, read_sound

CLASS_NAMES = ("angry", "happy", "neutral", "sad")
SAMPLE_RATE = 16000
PAPER_COUNTS = {"total": 5531}
_LABELS = {"ang": 0, "hap": 1, "exc": 1, "neu": 2, "sad": 3}  # excited counts as happy
_OTHER_EMOTIONS = ("fru", "sur", "fea", "dis", "oth", "xxx")
_SESSIONS = (1, 2, 3, 4, 5)
_SIDE_HELP = "where the speaker is: markers (their wearer on the left), female (the woman), both"
_DEPTH = 2  # folders between `root` and the sessions
_NOTICED = 0.1  # seconds by which picture and utterance may differ without a cut
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
            root: Folder that holds `Session1` .. `Session5`, or one above
                (`IEMOCAP_full_release`).

        Returns:
            A `Listing`. Rows have `group` (the session), `file` (the dialogue's video), `sound`
            (the utterance's), `segment` ([start, end] in seconds of the dialogue), `crop` (see
            `read_segments`), `text` and `speaker` ("Ses01F"). Of a release without any video, their
            `file` is the sound, and `sound`, `segment` and `crop` are missing. Among the problems:
            sessions and files that are missing.

        Raises:
            ValueError: Folders are missing: which, and where.
        """
        release = _find(Path(root))
        problems = Problems()
        sessions = [number for number in _SESSIONS if (release / f"Session{number}").is_dir()]
        for number in _SESSIONS:
            if number not in sessions:
                problems.add(f"Session{number}", "no such folder")
        files = _Files(release, sessions, problems)
        splits = {}
        for number in sessions:
            rows, seen = [], set()
            for path in _texts(release / f"Session{number}" / "dialog" / "EmoEvaluation"):
                rows += _dialogue(files, number, path, self.side, seen, problems)
            splits[f"session-{number}"] = rows
        return Listing(release, CLASS_NAMES, splits, problems.found)

    def decode(self, row: dict, source: Path) -> dict:
        """See `DataSet.decode`; without `video` where the release has none."""
        sound = source / row.get("sound", row["file"])
        values, notes, part = self._video(row, source) if "sound" in row else ({}, [], None)
        rate = probe(sound).sample_rate
        if rate != SAMPLE_RATE:
            notes.append(f"sound at {rate} Hz")
        values |= {"audio": read_sound(sound, self.sample_rate, segment=part), "text": row["text"]}
        return {**values, "notes": [*row.get("notes", ()), *notes]}

    def _video(self, row, source):
        options = {"short_side": self.short_side, "fps": self.fps, "crop": row["crop"]}
        paths = [source / file for file in (row["file"], *row.get("others", ()))]
        clip, replaced = first_readable(
            paths, lambda path: read_segments(path, [row["segment"]], **options)
        )
        notes = [*replaced, *clip.notes, *["1 frame"] * (len(clip.frames) == 1)]
        return {"video": clip.frames}, notes, _with_picture(row["segment"], clip.spans)


def _with_picture(segment, spans):
    """The part of an utterance's sound for which there is a picture; None for all of it."""
    start, end = segment
    (first, last), *_ = spans
    if first - start <= _NOTICED and end - last <= _NOTICED:
        return None
    return max(0.0, first - start), last - start


read, prepare = functions_of(IEMOCAP)


def _find(root):
    """The folder of the sessions: `root`, or the first one below."""
    for depth in range(_DEPTH + 1):
        found = sorted(root.glob("*/" * depth + "Session[1-5]"))
        if found:
            return found[0].parent
    return refuse_root(root, "IEMOCAP", [root / "Session1", root / "*/Session1"])


class _Files:
    """The media files of a release, by the names of dialogues and utterances.

    Args:
        release: Folder of the sessions.
        sessions: Their numbers.
        problems: `Problems`.

    Attributes:
        release: As above.
        has_video: Whether there is any video at all.

    Raises:
        ValueError: A session has no evaluations, transcriptions or sounds, or no videos where
            others have some.
    """

    def __init__(self, release, sessions, problems):
        self.release = release
        folders = {number: release / f"Session{number}" for number in sessions}
        self._found = {
            number: find_media([folder], _key, problems, prefer=(".avi",))
            for number, folder in folders.items()
        }
        with_video = [n for n in sessions if any(item.videos for item in self._found[n].values())]
        self.has_video = bool(with_video)
        missing = []
        for number, folder in folders.items():
            texts = (folder / "dialog" / name for name in ("EmoEvaluation", "transcriptions"))
            missing += [path for path in texts if not path.is_dir()]
            if with_video and number not in with_video:
                missing.append(folder / "dialog/avi/DivX")
            if not any(item.sounds for item in self._found[number].values()):
                missing.append(folder / "sentences/wav")
        if missing:
            refuse_root(release, "complete IEMOCAP", missing)
        if not self.has_video:
            problems.add("IEMOCAP", "no dialogue has a video: only sound and words are kept")

    def row(self, number, dialogue, name):
        """`file`, `others` and `sound` of an utterance, or what is missing (str)."""
        session = f"Session{number}"
        video, sound = (self._found[number].get(key, Found()) for key in (dialogue, name))
        missing = []
        if self.has_video and not video.videos:
            missing.append(f"{session}/dialog/avi/DivX/{dialogue}.avi")
        if not sound.sounds:
            missing.append(f"{session}/sentences/wav/{dialogue}/{name}.wav")
        if missing:
            return f"no such file: {', '.join(missing)}"
        if self.has_video:
            return Found(videos=video.videos, sounds=sound.sounds).files([self.release])
        return {"file": relative(sound.sounds[0], [self.release])}


def _key(stem):
    return stem if stem.startswith("Ses0") else None


def _texts(folder):
    # The release carries macOS's `._*.txt` along.
    return [path for path in sorted(folder.glob("*.txt")) if not path.name.startswith(".")]


def _dialogue(files, number, path, side, seen, problems):
    dialogue, session = path.stem, f"Session{number}"
    texts = _transcription(files.release / session / "dialog" / "transcriptions" / path.name)
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
        media = files.row(number, dialogue, name)
        if isinstance(media, str):
            problems.add(name, media)
            continue
        row = {"id": name, "label": label, "group": f"session-{number}", **media}
        where = _place(name, side)
        row.update(speaker=where.pop("speaker"), text=texts.get(name, ""))
        if files.has_video:
            row.update(where, segment=segment)
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
