"""The guides in docs/: their commands and code run on recordings that are written here."""

import ast
import contextlib
import io
import re
import shlex
from pathlib import Path

import numpy as np
import own_data
import pytest
import recordings as rec

from keras_amid.command.main import main
from keras_amid.data import write_sound

ROOT = Path(__file__).resolve().parents[1]


def blocks(name):
    """The (language, text) of the code blocks of a guide, in their order."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    return re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL)


def run(name, replaced=("\0", "")):
    """Runs a guide's commands and code, with one text replaced; returns what each block printed."""
    printed, names = [], {}
    for language, text in blocks(name):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            if language == "sh":
                for line in text.replace("\\\n", " ").splitlines():
                    command(shlex.split(line))
            elif language == "python":
                exec(text.replace(*replaced), names)
        printed.append((language, out.getvalue()))
    return printed


def command(words):
    """Runs one line of a shell, in this process; training in its smoke form."""
    smoke = ["--smoke", "--extractor", "video=clip_mlp"] if words[1] == "train" else []
    assert words[:1] == ["keras-amid"] and main(words[1:] + smoke) == 0


def printed_of(name, language, number=0):
    """A block of a guide that shows what is printed."""
    return [text for kind, text in blocks(name) if kind == language][number]


@pytest.mark.slow
@pytest.mark.any_backend
def test_own_media(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    people = ["anna", "ben", "carl", "dora", "emil", "fay"]
    rows = []
    for number in range(24):
        person = people[number // 4]
        file = f"takes/{person}-{number % 4 + 1:02d}.mp4"
        label = ["wave", "point", "wave", "point"][number % 4]
        label = "" if number in (8, 9, 14, 15) else label
        rows.append({"video": file, "label": label, "group": person})
        rec.write_film(tmp_path / file, number)
    rec.write_csv(tmp_path / "clips.csv", rows)
    own_data.train_eagerly(monkeypatch)
    header = printed_of("own-media.md", "csv").splitlines()[0]
    assert (tmp_path / "clips.csv").read_text().splitlines()[0] == header
    printed = run("own-media.md")
    prepared, used = [text for language, text in printed if language == "sh"]
    assert prepared.startswith(printed_of("own-media.md", "text"))
    assert (tmp_path / "runs" / "mine" / "report.html").exists()
    header, *rows = used.splitlines()[-3:]
    assert header == "file,label,probability,p(point),p(wave)" and rows[1].startswith(
        "takes/fay-02.mp4,"
    )
    (trained,) = [text for language, text in printed if language == "python"]
    assert "(6, 32, 48, 3) ('point', 'wave') {'train': 16" in trained
    assert "(4, 8, 32, 32, 3) (4, 4000) tf.Tensor(" in trained


@pytest.mark.any_backend
def test_sensors(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = []
    for number in range(12):
        row = {"id": f"walk-{number:02d}", "label": ["level", "stairs"][number % 2]}
        row["split"] = "train" if number < 8 else ["validation", "test"][number > 9]
        row |= {"group": ["ann", "bob"][number % 4 > 1], "watch": f"walk-{number:02d}.npy"}
        rows.append({**row, "weather.rain": 0.5 * number, "weather.wind": 3})
        np.save(row["watch"], np.full((40 + number, 3), number))
    rec.write_csv(tmp_path / "walks.csv", rows)
    printed = dict(run("sensors.md"))
    assert printed["sh"].startswith(printed_of("sensors.md", "text"))
    assert printed["python"] == "(None, 3)\n(4, 50, 3) (4, 2)\n"


@pytest.mark.any_backend
def test_text_and_sound(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = []
    for number in range(16):
        session, late = f"s{number // 2}", number % 2
        times = {"start": [0.0, 0.5][late], "end": [0.4, ""][late], "group": session}
        words = f"{['go away', 'please come'][late]} {session}"
        label = ["angry", "calm"][late]
        row = {"id": f"{session}-{late}", "label": label, "speech": f"{session}.wav"}
        rows.append({**row, "words": words, **times})
        write_sound(tmp_path / f"{session}.wav", np.tile(rec.sound(number), 2), rec.RATE)
    rec.write_csv(tmp_path / "talk.csv", rows)
    printed = dict(run("text-and-sound.md"))
    assert printed["sh"].startswith(printed_of("text-and-sound.md", "text"))
    # four words, the sessions to train on, and the two tokens that are no words
    assert printed["python"] == "(2, 6400) (2, 3) 12\n"


@pytest.mark.slow
@pytest.mark.any_backend
def test_few_labels(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    centers, rows = rng.normal(size=(3, 20)), []
    for number in range(72):
        label, name = number % 3, f"d-{number:03d}"
        values = 3 * centers[label] + rng.normal(size=20)
        row = {"id": name, "split": "train", "label": ["four", "five", "six"][label]}
        if number >= 48:
            row["split"] = ["validation", "test"][number % 2]
        elif number >= 12:
            row["label"] = ""
        for modality, value in {"sketch": values[:8], "photo": values[8:]}.items():
            row[modality] = f"{name}-{modality}.npy"
            np.save(tmp_path / row[modality], value)
        rows.append(row)
    rec.write_csv(tmp_path / "digits.csv", rows)
    quick = ("model.compile(", "model.compile(jit_compile=False, ")
    printed = dict(run("few-labels.md", quick))
    assert "36 rows without label" in printed["sh"]
    figures = ast.literal_eval(printed["python"])
    assert figures["student_accuracy"] > 0.6 and np.isfinite(figures["loss"])
