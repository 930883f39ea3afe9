"""The recipes of the real data sets, run as a user runs them, on miniatures of the data sets."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
sys.path.insert(0, str(RECIPES))
import video_recognition  # noqa: E402


def run(recipe, *arguments, expect=0):
    done = subprocess.run(
        [sys.executable, str(RECIPES / f"{recipe}.py"), *map(str, arguments)],
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == expect, done.stderr[-3000:]
    return done


@pytest.mark.any_backend
@pytest.mark.parametrize("recipe", ["ucf51", "activitynet", "iemocap"])
def test_help_and_what_is_required(recipe, capsys):
    module = importlib.import_module(recipe)

    def stopped(*arguments):
        with pytest.raises(SystemExit):
            if recipe == "iemocap":
                module.main(arguments)
            else:
                video_recognition.main(module.BENCHMARK, module.__doc__, arguments)
        return "".join(capsys.readouterr())

    text = stopped("--help")
    for word in ("--root", "--rows", "--epochs", "--tensorboard", "--smoke", "Table", "Protocol"):
        assert word in text
    assert "--root is required without --smoke" in stopped()
    wrong = stopped("--rows", "AMIT", "--smoke")
    assert "AMIT" in wrong and "CRCD" in wrong
    assert "--epochs must be at least 1; received 0" in stopped("--smoke", "--epochs", "0")


@pytest.fixture(scope="module")
def ucf51(tmp_path_factory):
    """The output of a run of the recipe, and its folder."""
    folder = tmp_path_factory.mktemp("ucf51")
    return run("ucf51", "--smoke", "--epochs", "2", "--tensorboard", "--out", folder), folder


@pytest.mark.slow
def test_ucf51(ucf51):
    done, out = ucf51
    for text in (
        "v_ApplyEyeMakeup_g21_c02",  # zero bytes: left out and named
        "trainlist01.txt:2",  # a line that does not parse
        "4893",  # the paper's count beside ours
        "over 2 epochs that saves",
        "| student alone |",
        "| 73.8 |",
        "loaded and compared with predict",
    ):
        assert text in done.stdout, text
    folder = out / "seed-0" / "AMID"
    result = json.loads((folder / "result.json").read_text())
    # 8 test videos: top-1 is a multiple of 1/8.
    assert (result["student top-1"] / 12.5) % 1 == 0 and "teacher top-1" in result
    assert 0 <= result["student R@1"] <= result["student R@5"] <= 100
    assert len(result["per class"]) == 51 and result["per class"].count(None) == 47
    assert list((folder / "tensorboard" / "train").iterdir())
    assert (out / "saved_models" / "ucf51" / "1" / "saved_model.pb").exists()

    other = run("ucf51", "--smoke", "--epochs", "3", "--out", out, expect=1)
    assert "epochs: 2, now 3" in other.stderr


@pytest.mark.slow
@pytest.mark.any_backend
def test_tables_of_ucf51_are_tuned_on_held_out_training_videos(ucf51, tmp_path):
    _, out = ucf51
    done = run(
        "tables", "--data", "ucf51", "--data-folder", out, "--out", tmp_path, "--processes", "1",
        "--rows", "AMID", "--tables", "1", "--seeds", "1", "--trials", "1", "--tuning-seeds", "1",
    )  # fmt: skip
    assert "| AMID |" in done.stdout and "73.8" in done.stdout and "## Trials" in done.stdout
    trial, reported = (
        json.loads(p.read_text())
        for p in sorted((tmp_path / "runs/amid").glob("*seed-[01]*.json"), reverse=True)
    )
    assert trial["settings"]["tuning"] and set(trial["figures"]) == {
        "student top-1",
        "teacher top-1",
    }
    assert not reported["settings"]["tuning"] and "student R@1" in reported["figures"]
    empty = run("tables", "--data", "ucf51", "--data-folder", tmp_path, expect=1)
    assert "run python recipes/ucf51.py --out" in empty.stderr


@pytest.mark.slow
@pytest.mark.any_backend
def test_activitynet_with_sound_cropped_anew_in_every_step(tmp_path):
    done = run(
        "activitynet", "--smoke", "--epochs", "1", "--random-sound", "--rows", "AMID",
        "fixed teacher", "CRD", "--out", tmp_path,
    )  # fmt: skip
    assert "zero_bytes_" in done.stdout and "10024" in done.stdout
    assert "that saves" not in done.stdout  # nothing was cached
    assert "| AMID |" in done.stdout and "| 53.6 |" in done.stdout


@pytest.mark.slow
def test_iemocap_from_raw_files(tmp_path):
    arguments = ("--smoke", "--folds", "1", "2", "--setups", "AL-V", "--epochs", "3")
    done = run("iemocap", *arguments, "--out", tmp_path)
    for text in ("Ses01F_impro01_F901", "5531", "text features of", "| AMID |", "| 53.8 |", "+-"):
        assert text in done.stdout, text
    results = [
        json.loads((tmp_path / "AL-V" / f"session-{k}" / "AMID" / "result.json").read_text())
        for k in (1, 2)
    ]
    assert {"student WA", "student UA", "teacher WA", "teacher UA"} < set(results[0])
    assert len(results[0]["per class"]) == 4
    mean = (results[0]["student WA"] + results[1]["student WA"]) / 2
    assert f"| AMID | {mean:.1f} +- " in done.stdout
    assert (tmp_path / "saved_models" / "iemocap" / "1" / "saved_model.pb").exists()


@pytest.mark.slow
@pytest.mark.any_backend
def test_iemocap_from_feature_files(tmp_path):
    done = run(
        "iemocap", "--smoke", "--features", "mmin", "--folds", "5", "--setups", "V", "A-V",
        "--epochs", "1", "--out", tmp_path,
    )  # fmt: skip
    assert "| student alone |" in done.stdout and "Ses01F_impro99_F002" in done.stdout

    done = run(
        "tables", "--data", "iemocap", "--data-folder", tmp_path, "--out", tmp_path / "tables",
        "--rows", "AMID", "--seeds", "1", "--trials", "0", "--processes", "1", "--epochs", "1",
    )  # fmt: skip
    assert "## Table 3" in done.stdout and "| AL-V | AMID |" in done.stdout
    assert "are given, not tuned here" in done.stdout
