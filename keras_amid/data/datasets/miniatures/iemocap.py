"""A miniature of IEMOCAP's layout: evaluations, transcriptions, .wav and DivX .avi files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from keras_amid.data.datasets.iemocap import SAMPLE_RATE
from keras_amid.data.datasets.miniatures.content import check_counts, pattern, tone
from keras_amid.data.media.writing import write_clip, write_sound

FPS = 15
EMOTIONS = ("ang", "hap", "neu", "sad", "exc", "fru")
LABELS = {"ang": 0, "hap": 1, "exc": 1, "neu": 2, "sad": 3, "fru": 4}
_WORDS = (
    ("stop", "shouting"),
    ("what", "fun"),
    ("the", "form"),
    ("so", "lonely"),
    ("not", "again"),
)
_PAUSE = 0.25  # seconds between utterances
_LISTENING = 9  # the label of the pattern that the listener shows
_HEADER = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"


def write(
    root: str | Path,
    utterances: int = 6,
    seconds: float = 1.0,
    seed: int = 0,
    size: tuple[int, int] = (120, 180),
    awkward: bool = True,
) -> Path:
    """Writes `Session1` .. `Session5` with two dialogues each.

    The wearer of the markers is in the left half of the picture, the other speaker in the right
    one. Who speaks shows the pattern of the emotion; who listens shows another. The awkward cases
    are in the dialogue Ses01F_impro01: `F900` has a .wav of another rate (22,050 Hz), `F901` an
    empty one, `F902` none, `F903` no transcription, `F904` ends before it starts, `F905` an unknown
    emotion; one line does not parse. The only utterance of Ses01F_impro02, `F000`, has no .avi. A
    macOS file `._Ses01F_impro01.txt` lies beside the evaluations.

    Args:
        root: Folder to write to.
        utterances: Of each of the two speakers in each dialogue, 1 or more; they go through
            angry, happy, neutral, sad, excited and frustrated (which is none of the four).
        seconds: Length of an utterance.
        seed: Integer >= 0.
        size: (height, width) of the whole picture in pixels, even.
        awkward: Write the awkward cases, too.

    Returns:
        `root` as a `Path`.

    Raises:
        ValueError: A number is out of its range.
    """
    check_counts(utterances=(utterances, 1, None), seed=(seed, 0, None))
    root = Path(root)
    for session in range(1, 6):
        for wearer in "FM":
            dialogue = _Dialogue(root, session, wearer, seconds, seed, size)
            for number in range(2 * utterances):
                emotion = EMOTIONS[(number // 2 + session) % len(EMOTIONS)]
                dialogue.add("FM"[number % 2], number // 2, emotion)
            if awkward and session == 1 and wearer == "F":
                _add_awkward(dialogue)
            dialogue.write()
    if awkward:
        lonely = _Dialogue(root, 1, "F", seconds, seed, size, scene="impro02")
        lonely.add("F", 0, "neu")
        lonely.write()
        (lonely.session / "dialog" / "avi" / "DivX" / "Ses01F_impro02.avi").unlink()
    return root


class _Dialogue:
    def __init__(self, root, session, wearer, seconds, seed, size, scene="impro01"):
        self.session = root / f"Session{session}"
        self.name = f"Ses{session:02d}{wearer}_{scene}"
        self.wearer, self.seconds, self.size = wearer, seconds, size
        self.seed = [seed, session, ord(wearer)]
        self.evaluations, self.transcriptions, self.turns = [], [], []

    def add(self, speaker, number, emotion, rate=SAMPLE_RATE, transcribed=True, reversed_=False):
        """Adds an utterance, writes its .wav, and returns that file's path."""
        name = f"{self.name}_{speaker}{number:03d}"
        start = len(self.turns) * (self.seconds + _PAUSE) + _PAUSE
        end = start + self.seconds
        label = LABELS.get(emotion, 0)
        seed = [*self.seed, len(self.turns)]
        self.turns.append((speaker, label, seed))
        first, last = (end, start) if reversed_ else (start, end)
        self.evaluations.append(
            f"[{first:.4f} - {last:.4f}]\t{name}\t{emotion}\t[2.5000, 2.5000, 2.5000]\n"
            "C-E2:\tNeutral;\t()\nC-E3:\tNeutral;\t()\nA-E3:\tval 3; act 2; dom  2;\t()\n\n"
        )
        if transcribed:
            words = " ".join(_WORDS[label]).capitalize()
            self.transcriptions.append(f"{name} [{start:08.4f}-{end:08.4f}]: {words}.\n")
        path = self.session / "sentences" / "wav" / self.name / f"{name}.wav"
        write_sound(path, tone(label, seed, self.seconds, rate), rate)
        return path

    def write(self):
        dialog = self.session / "dialog"
        for folder, text in (
            ("EmoEvaluation", _HEADER + "".join(self.evaluations)),
            ("transcriptions", "".join([*self.transcriptions, "F: [LAUGHTER]\n"])),
        ):
            (dialog / folder).mkdir(parents=True, exist_ok=True)
            (dialog / folder / f"{self.name}.txt").write_text(text, encoding="utf-8")
        path = dialog / "avi" / "DivX" / f"{self.name}.avi"
        pause = np.zeros(round(_PAUSE * SAMPLE_RATE), np.float32)
        sound = [pause]
        for _, label, seed in self.turns:
            sound += [tone(label, seed, self.seconds, SAMPLE_RATE), pause]
        sound = np.concatenate(sound)
        write_clip(path, self._picture(), FPS, sound, SAMPLE_RATE, "mpeg4", "pcm_s16le")

    def _picture(self):
        height, width = self.size
        span = self.seconds + _PAUSE
        count = round((len(self.turns) * span + _PAUSE) * FPS)
        frames = np.zeros((count, height, width, 3), np.uint8)
        top, bottom = round(height * 112 / 480), round(height * 368 / 480)
        half = (bottom - top, width // 2)
        for number, (speaker, label, seed) in enumerate(self.turns):
            first, last = (
                round((number * span + t) * FPS) for t in (_PAUSE / 2, span + _PAUSE / 2)
            )
            speaks = pattern(label, seed, (last - first) / FPS, FPS, half)
            listens = pattern(_LISTENING, seed, (last - first) / FPS, FPS, half)
            pair = [speaks, listens] if speaker == self.wearer else [listens, speaks]
            both = np.concatenate(pair, axis=2)
            frames[first:last, top:bottom, : both.shape[2]] = both[: last - first]
        return frames


def _add_awkward(dialogue):
    dialogue.add("F", 900, "ang", rate=22050)
    dialogue.add("F", 901, "hap").write_bytes(b"")
    dialogue.add("F", 902, "neu").unlink()
    dialogue.add("F", 903, "sad", transcribed=False)
    dialogue.add("F", 904, "ang", reversed_=True)
    dialogue.add("F", 905, "joy")
    dialogue.evaluations.append("[12.5 - \tSes01F_impro01_F906\tneu\n")
    folder = dialogue.session / "dialog" / "EmoEvaluation"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"._{dialogue.name}.txt").write_bytes(b"\x00\x05\x16\x07 Mac OS X")
