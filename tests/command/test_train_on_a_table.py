"""`keras-amid prepare` and `train` on a table in which labels and auxiliary values are missing."""

import csv
import io
import json

import numpy as np
import own_data
import pytest
import recordings

from keras_amid.command.main import main
from keras_amid.data.datasets import read_prepared
from keras_amid.experiments import read_history
from keras_amid.experiments.own.experiment import OwnExperiment
from keras_amid.experiments.own.predictions import Predictions

pytestmark = [pytest.mark.any_backend, pytest.mark.slow]
SPLITS = {"train": 24, "validation": 6, "test": 6}


def write_table(folder):
    """Numbers of two sensors; every third training row has no label, every fourth no `far`.

    No test row has `far`: its split lacks a modality altogether.
    """
    rng, rows = np.random.default_rng(0), []
    for split, count in SPLITS.items():
        for i in range(count):
            label = i % 2
            near, far = rng.normal(label, 1, 3), rng.normal(3 * label, 1, 2)
            there = i % 4 != 3 if split == "train" else split == "validation"
            rows.append(
                {
                    "id": f"{split}-{i}",
                    "split": split,
                    "label": "" if split == "train" and i % 3 == 2 else ("low", "high")[label],
                    **{f"near.{k}": f"{value:.4f}" for k, value in enumerate(near)},
                    **{f"far.{k}": f"{v:.4f}" if there else "" for k, v in enumerate(far)},
                }
            )
    with open(folder / "table.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder / "table.csv"


def check_predictions(table, out, folder, capsys):
    """`keras-amid predict` on a table says what the run's student says of the test split."""
    with open(table, newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    rows.append({**rows[0], "id": "half", "near.1": ""})
    new = recordings.write_csv(folder / "new.csv", rows)
    capsys.readouterr()
    assert main(["predict", str(new), f"--model={out / 'saved_model'}"]) == 1
    said = capsys.readouterr()
    assert "left out: new.csv, row 8, column `near.1`: empty" in said.err
    found = list(csv.DictReader(io.StringIO(said.out)))
    assert [row["file"] for row in found] == [row["id"] for row in rows[:-1]]
    kept = Predictions.load(out / "seed-0" / "CCL" / "predictions.npz").test.probabilities
    values = [[float(row[f"p({name})"]) for name in ("high", "low")] for row in found]
    np.testing.assert_allclose(values, kept, atol=2e-5)
    with pytest.raises(SystemExit):
        main(["predict", str(folder / "table.csv"), str(new), f"--model={out / 'saved_model'}"])
    columns = [{name: row[name] for name in ("id", "near.0", "near.1")} for row in rows]
    with pytest.raises(SystemExit):
        other = recordings.write_csv(folder / "other.csv", columns)
        main(["predict", str(other), f"--model={out / 'saved_model'}"])
    assert "must be a table with a column 'near.2'" in capsys.readouterr().err


def test_few_labels_and_missing_values_train(tmp_path, monkeypatch, capsys):
    data, out = tmp_path / "data", tmp_path / "run"
    table = write_table(tmp_path)
    assert main(["prepare", str(table), f"--out={data}", "--workers=1"]) == 0
    own_data.train_eagerly(monkeypatch)
    made, steps = OwnExperiment.__init__, set()

    def make(self, *given):
        made(self, *given)
        steps.add(self.steps)

    monkeypatch.setattr(OwnExperiment, "__init__", make)
    words = ["--target=near", "--rows", "student alone", "CCL", "--epochs=2", "--batch=4"]
    command = ["train", str(data), f"--out={out}", "--labelled-fraction=0.25", *words]
    assert main([*command, "--representation-dim=4"]) == 0
    # 16 of the 24 have a label: one of them a step.
    assert steps == {16}
    history = read_history(out / "seed-0" / "CCL" / "history.csv")
    assert all(np.isfinite(values).all() for values in history.values())
    assert len(history["auxiliary_accuracy"]) == 2
    result = json.loads((out / "seed-0" / "CCL" / "result.json").read_text())
    assert 0 <= result["student top-1"] <= 100 and "teacher top-1" not in result
    x, _ = next(iter(read_prepared(data).pipeline("test", 6, ["near", "far"])))
    assert not x["present"]["far"].numpy().any() and x["far"].numpy().tolist() == [[0, 0]] * 6
    assert (out / "report.html").exists()
    check_predictions(table, out, tmp_path, capsys)

    with pytest.raises(SystemExit) as exit:
        main([*command[:-5], "--target=far", f"--out={tmp_path / 'other'}"])
    assert exit.value.code == 2
    assert "'far' is missing in 6 of the split 'train'" in capsys.readouterr().err


def test_sound_that_no_test_clip_has_and_a_run_repeated_elsewhere(tmp_path, monkeypatch):
    """The sound's network is frozen, its features cached; config.toml alone repeats the run."""
    rows = []
    for number, split in enumerate(("train",) * 8 + ("validation",) * 2 + ("test",) * 2):
        name = f"clip{number}.mkv"
        recordings.write_video(tmp_path / name, number, silent=split == "test")
        rows.append({"video": name, "label": ("low", "high")[number % 2], "split": split})
    table = recordings.write_csv(tmp_path / "table.csv", rows)
    data, out, again = tmp_path / "data", tmp_path / "run", tmp_path / "again"
    assert main(["prepare", str(table), f"--out={data}", "--workers=1", "--short-side=24"]) == 0
    own_data.train_eagerly(monkeypatch)
    command = ["train", str(data), f"--out={out}", "--target=video", "--rows", "GMC", "--batch=4",
               "--extractor", "video=clip_mlp", "--size=16", "--frames=4", "--epochs=2",
               "--representation-dim=4"]  # fmt: skip
    assert main(command) == 0
    result = json.loads((out / "seed-0" / "GMC" / "result.json").read_text())
    assert 0 <= result["student top-1"] <= 100 and "teacher top-1" not in result
    assert sorted(path.name for path in (out / "features" / "audio").iterdir()) == [
        "train",
        "validation",
    ]

    assert main(["train", "--config", str(out / "config.toml"), f"--out={again}"]) == 0
    found, expected = (
        Predictions.load(folder / "seed-0" / "GMC" / "predictions.npz").test.probabilities
        for folder in (again, out)
    )
    np.testing.assert_array_equal(found, expected)
    assert (again / "table.md").read_text() == (out / "table.md").read_text()
