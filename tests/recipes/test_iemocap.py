"""The recipe of IEMOCAP and its tables, run as a user runs them, on miniatures of the data."""

import json

import pytest
from recipe_files import run, run_tables


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
    pair = [result["student WA"] for result in results]
    # The standard error of two values is half their distance.
    cell = f"| AMID | {sum(pair) / 2:.1f} +- {abs(pair[0] - pair[1]) / 2:.1f} | 53.8 |"
    assert cell in done.stdout and "2 folds, mean +- standard error." in done.stdout
    assert (tmp_path / "saved_models" / "iemocap" / "1" / "saved_model.pb").exists()


@pytest.mark.slow
@pytest.mark.any_backend
def test_iemocap_from_feature_files(tmp_path, capsys):
    features = ("--smoke", "--features", "mmin", "--epochs", "1")
    done = run(
        "iemocap", *features, "--folds", "5", "--setups", "V", "A-V", "--out", tmp_path,
    )  # fmt: skip
    assert "| student alone |" in done.stdout and "Ses01F_impro99_F002" in done.stdout

    arguments = ("--data-folder", tmp_path, "--out", tmp_path / "tables")
    only = ("--rows", "AMID", "--seeds", "1", "--processes", "1")
    assert run_tables("iemocap", *features, *arguments, *only) == 0
    text = capsys.readouterr().out
    assert "## Table 3" in text and "| AL-V | AMID |" in text
    assert "are given, not tuned here" in text
