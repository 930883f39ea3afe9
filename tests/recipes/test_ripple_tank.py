"""The ripple tank recipe run as a user runs it, on a tiny world."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def command(out, *arguments):
    return [
        sys.executable, str(ROOT / "recipes" / "ripple_tank.py"), "--smoke",
        "--out", str(out), *arguments,
    ]  # fmt: skip


def run(out, *arguments, expect=0):
    done = subprocess.run(command(out, *arguments), capture_output=True, text=True, timeout=600)
    assert done.returncode == expect, done.stderr[-3000:]
    return done


def test_help_names_the_options():
    done = subprocess.run(
        [sys.executable, str(ROOT / "recipes" / "ripple_tank.py"), "--help"],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    for option in (
        "--seed",
        "--seeds",
        "--epochs",
        "--extractor",
        "--auxiliary",
        "--smoke",
        "--out",
    ):
        assert option in done.stdout


@pytest.mark.slow
def test_smoke_prints_draws_exports_and_lists_a_broken_file(tmp_path):
    """A clip broken on disk is left out and named; the rest goes on to an exported student."""
    media = tmp_path / "seed-0" / "data" / "media" / "train"
    subprocess.run(
        [
            sys.executable, "-m", "keras_amid.data.prepare", "ripple_tank",
            "--out", str(tmp_path / "seed-0/data"),
            "--train", "48", "--validation", "32", "--test", "32", "--sounds", "64", "--quiet",
        ],
        check=True, timeout=300,
    )  # fmt: skip
    clip = media / "train-00007.mkv"
    clip.write_bytes(clip.read_bytes()[:2000])
    for index in (tmp_path / "seed-0/data/records/train").iterdir():
        index.unlink()

    done = run(tmp_path, "--seeds", "2")
    assert "train-00007" in done.stdout
    for text in ("student alone", "AMID", "student top-1", "teacher top-1", "gap", "p = "):
        assert text in done.stdout, text
    assert (tmp_path / "training.png").stat().st_size > 10_000
    result = json.loads((tmp_path / "seed-0" / "result.json").read_text())
    assert result["export"]["difference"] < 1e-5
    assert (Path(result["export"]["path"]) / "saved_model.pb").exists()
    assert len(result["histories"]["AMID"]["val_teacher_accuracy"]) == 4

    # Another setting is refused rather than mixed in.
    done = run(tmp_path, "--epochs", "5", expect=1)
    assert "epochs: 4, now 5" in done.stderr


@pytest.mark.slow
def test_two_auxiliaries_and_the_convolutional_extractor(tmp_path):
    done = run(tmp_path, "--auxiliary", "audio", "text", "--extractor", "r2plus1d", "--epochs", "2")
    assert "teacher top-1" in done.stdout


@pytest.mark.slow
def test_killed_in_training_goes_on_and_ends_as_if_uninterrupted(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    run(whole, "--epochs", "6")
    process = subprocess.Popen(
        command(cut, "--epochs", "6"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    log = cut / "seed-0" / "AMID" / "history.csv"
    deadline = time.time() + 300
    while not (log.exists() and log.read_text().count("\n") >= 3):
        assert process.poll() is None and time.time() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (cut / "seed-0" / "result.json").exists()
    run(cut, "--epochs", "6")
    results = [json.loads((f / "seed-0" / "result.json").read_text()) for f in (whole, cut)]
    assert results[0]["rows"] == results[1]["rows"]
    assert results[0]["histories"] == results[1]["histories"]
