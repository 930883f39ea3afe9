"""The ripple tank recipe run as a user runs it, on a tiny world."""

import json
import os
import re
import shutil
import signal

import processes
import pytest
import recipe_files

from keras_amid.data import prepare
from keras_amid.experiments import read_history

ROWS = ("student_alone", "AMID")


def run(out, *arguments, expect=0):
    return recipe_files.run("ripple_tank", "--smoke", "--out", out, *arguments, expect=expect)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The data that the recipe makes for its smoke run."""
    out = tmp_path_factory.mktemp("world")
    sizes = {"train": 32, "validation": 16, "test": 16, "sounds": 32}
    options = [word for name, size in sizes.items() for word in (f"--{name}", str(size))]
    assert prepare.main(["ripple_tank", "--out", str(out), "--quiet", *options]) == 0
    return out


@pytest.mark.slow
def test_smoke_prints_draws_exports_and_lists_a_broken_file(tmp_path, world):
    """A clip broken on disk is left out and named; the rest goes on to an exported student."""
    shutil.copytree(world, tmp_path / "seed-0" / "data")
    media = tmp_path / "seed-0" / "data" / "media" / "train"
    clip = media / "train-00007.mkv"
    clip.write_bytes(clip.read_bytes()[:2000])
    for index in (tmp_path / "seed-0/data/records/train").iterdir():
        index.unlink()

    done = run(tmp_path, "--seeds", "2")
    assert "train-00007" in done.stdout
    for text in ("student alone", "AMID", "student top-1", "teacher top-1", "gap", "p = "):
        assert text in done.stdout, text
    assert (tmp_path / "training.png").stat().st_size > 10_000
    ((path, difference),) = re.findall(
        r"student of 'AMID': (\S+), .* difference (\S+)", done.stdout
    )
    assert float(difference) < 1e-5 and path.startswith(str(tmp_path))
    assert os.path.exists(f"{path}/saved_model.pb")
    history = read_history(tmp_path / "seed-0" / "AMID" / "history.csv")
    assert len(history["val_teacher_accuracy"]) == 4

    # Another setting is refused rather than mixed in.
    done = run(tmp_path, "--epochs", "5", expect=2)
    assert "`epochs`: 4 there, 5 asked for" in done.stderr


@pytest.mark.slow
def test_two_auxiliaries_and_the_convolutional_extractor(tmp_path, world):
    shutil.copytree(world, tmp_path / "seed-0" / "data")
    done = run(tmp_path, "--auxiliary", "audio", "text", "--extractor", "r2plus1d", "--epochs", "2")
    assert "teacher top-1" in done.stdout


@pytest.mark.slow
def test_killed_in_training_goes_on_and_ends_as_if_uninterrupted(tmp_path, world):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for folder in (whole, cut):
        shutil.copytree(world, folder / "seed-0" / "data")
    options = ("--epochs", "6", "--no-export")
    run(whole, *options)
    recipe = recipe_files.path("ripple_tank")
    process = processes.Process(recipe, "--smoke", "--out", cut, *options)
    log = cut / "seed-0" / "AMID" / "history.csv"
    process.wait_until(lambda: log.exists() and log.read_text().count("\n") >= 3)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not (cut / "seed-0" / "AMID" / "result.json").exists()
    run(cut, *options)
    for row in ROWS:
        results = [
            json.loads((f / "seed-0" / row / "result.json").read_text()) for f in (whole, cut)
        ]
        assert results[0] == results[1]
        histories = [read_history(f / "seed-0" / row / "history.csv") for f in (whole, cut)]
        assert histories[0] == histories[1] and len(histories[0]["loss"]) == 6
