"""The recipe of UCF51 and its tables, run as a user runs them, on a miniature of the data set."""

import json

import pytest
from recipe_files import run, run_tables


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
        "Warm-up of 0 epochs in place of 2",
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

    other = run("ucf51", "--smoke", "--epochs", "3", "--out", out, expect=2)
    assert "`epochs`: 2 there, 3 asked for" in other.stderr


@pytest.mark.slow
@pytest.mark.any_backend
def test_tables_of_ucf51_are_tuned_on_held_out_training_videos(ucf51, tmp_path, capsys):
    _, out = ucf51
    arguments = (
        "--data-folder", out, "--out", tmp_path, "--smoke", "--processes", "1", "--epochs", "1",
        "--rows", "AMID", "--tables", "1", "--seeds", "1", "--trials", "1", "--tuning-seeds", "1",
    )  # fmt: skip
    assert run_tables("ucf51", *arguments) == 0
    text = capsys.readouterr().out
    assert "| AMID |" in text and "73.8" in text and "## Trials" in text
    trial, reported = (
        json.loads(p.read_text())
        for p in sorted((tmp_path / "runs/amid").glob("*seed-[01]*.json"), reverse=True)
    )
    assert trial["settings"]["tuning"]
    sides, names = ("student", "teacher"), ("top-1", "WA", "UA")
    expected = {f"{side} {name}" for side in sides for name in names} | {"per class"}
    assert set(trial["figures"]) == expected  # and no retrieval
    assert not reported["settings"]["tuning"] and "student R@1" in reported["figures"]


@pytest.mark.slow
@pytest.mark.any_backend
def test_tables_want_prepared_data_of_the_same_numbers(ucf51, tmp_path, capsys):
    _, out = ucf51
    for folder, message in (
        (tmp_path, "run the recipe with --out"),
        (out, "`sound_seconds`: 1.0 there, 10.0 asked for"),
    ):
        with pytest.raises(SystemExit, match="2"):
            run_tables("ucf51", "--data-folder", folder)
        assert message in capsys.readouterr().err
