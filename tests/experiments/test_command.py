"""The command of a recipe, on a user's own task."""

import json
import re

import numpy as np
import pytest
import tiny_task

from keras_amid.experiments import Row, main, read_history

CONFIG = {**tiny_task.VALUES, "task": tiny_task.TinyTask, "workers": 1}


@pytest.mark.slow
def test_rows_are_trained_measured_exported_and_read_back(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = {**CONFIG, "own_rows": {"mine": Row("StudentOnly", arguments={"negative_slope": 0.5})}}
    words = ["--rows", "fixed teacher", "AMID", "mine", "--seeds", "2", "--out", "out"]
    main(own, None, "", words)
    text = capsys.readouterr().out
    for row in ("fixed teacher", "AMID", "mine"):
        assert re.search(rf"\| {row} \| \d+\.\d \+- \d+\.\d \|", text)
    assert "2 seeds, mean +- standard error" in text
    assert (tmp_path / "out" / "training.png").exists()
    version = tmp_path / "saved_models" / "tiny" / "1"
    assert (version / "saved_model.pb").exists()
    card = json.loads((version / "model_card.json").read_text())
    assert (card["row"], card["seed"]) == ("mine", 1)
    for row, name in (("AMID", "AMID"), ("mine", "mine"), ("fixed teacher", "fixed_teacher")):
        kept = [
            json.loads((tmp_path / "out" / seed / name / "result.json").read_text())
            for seed in ("seed-0", "seed-1")
        ]
        values = [result["student top-1"] for result in kept]
        found = card["figures"][row]["student top-1"]
        assert found["values"] == values and found["mean"] == pytest.approx(np.mean(values))
        error = np.std(values, ddof=1) / np.sqrt(2)
        assert found["standard_error"] == pytest.approx(error)
    # The teacher of the fixed one was trained beside it.
    folder = tmp_path / "out" / "seed-1"
    assert len(read_history(folder / "teacher_alone" / "history.csv")["loss"]) == 2
    written = {path: path.stat().st_mtime_ns for path in folder.rglob("*.h5")}

    main(own, None, "", [*words, "--no-export"])
    assert capsys.readouterr().out.splitlines()[:8] == text.splitlines()[:8]
    assert written == {path: path.stat().st_mtime_ns for path in folder.rglob("*.h5")}


@pytest.mark.any_backend
def test_the_teacher_alone_is_measured_where_nothing_is_exported(tmp_path, capsys):
    words = ["--rows", "teacher alone", "--out", str(tmp_path / "out"), "--epochs", "1"]
    with pytest.raises(SystemExit, match="2"):
        main(CONFIG, None, "", words)
    message = "`rows` must end with a row whose student is taught, for it is exported; received 't"
    assert message in capsys.readouterr().err and not (tmp_path / "out").exists()
    main(CONFIG, None, "", [*words, "--no-export"])
    text = capsys.readouterr().out
    assert re.search(r"\| teacher alone \| \d+\.\d \|", text) and "Exported" not in text
    assert "student top-1" not in text


@pytest.mark.any_backend
def test_an_example_is_of_target_modalities_alone(tmp_path):
    task = tiny_task.make_task(tmp_path)
    experiment = task.open_case(task.cases()[0])
    example = experiment.example()
    assert set(example) == {"video"}
    np.testing.assert_array_equal(example["video"], experiment.x["video"][:6])
