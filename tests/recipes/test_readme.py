"""recipes/README.md: its table lists every recipe, its code runs as it stands."""

import re

import numpy as np
import pytest
from recipe_files import RECIPES

from keras_amid.data.datasets import prepare
from keras_amid.data.datasets.miniatures import ucf51 as miniature
from keras_amid.experiments import main, read_history

TEXT = (RECIPES / "README.md").read_text(encoding="utf-8")
VIDEOS, ANY = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.any_backend
def test_every_recipe_is_listed():
    listed = re.findall(r"^\| \[(\w+\.py)\]", TEXT, re.MULTILINE)
    assert sorted(listed) == sorted(path.name for path in RECIPES.glob("*.py"))
    for name in listed:
        assert f"recipes/{name}" in TEXT


@pytest.mark.any_backend
def test_videos_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.chdir(RECIPES.parent)
    root = miniature.write(tmp_path / "root", classes=2, videos=2, awkward=False) / "UCF-101"
    names = {"__name__": "mine"}
    exec(VIDEOS, names)
    config = names["CONFIG"]
    data = prepare(config["dataset"], root, tmp_path / "data")
    assert data.counts["train"] == data.counts["test"] == 2 and data.sample_rate == 32000
    assert sorted(data.class_names) == sorted(path.name for path in root.iterdir())
    assert config["frames"] == 16 and config["name"] == "mine"
    # The options of the videos' recipes are its own.
    with pytest.raises(SystemExit, match="2"):
        main(config, None, "", ["--depth", "11"])


def test_any_data_of_ones_own(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    data = {
        split: (
            {"pulse": rng.normal(size=(n, 8)), "motion": rng.normal(size=(n, 4))},
            np.arange(n) % 3,
        )
        for split, n in (("train", 35), ("test", 10))
    }
    exec(ANY, names := {"__name__": "mine", "data": data})
    main(names["CONFIG"], None, "", ["--rows", "AMID", "--epochs", "2", "--no-export"])
    (shown,) = re.findall(r"\| AMID \| (\d+\.\d) \|", capsys.readouterr().out)
    assert float(shown) % 10 == 0  # of 10 test samples
    history = read_history(tmp_path / "build" / "mine" / "seed-0" / "AMID" / "history.csv")
    assert len(history["mi_student_loss"]) == 2
