"""The code in README.md and CONTRIBUTING.md runs as it stands."""

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import processes
import pytest
import tiny

import keras_amid as ka

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_readme_example_trains_and_exports(tmp_path):
    text = (ROOT / "README.md").read_text()
    example, *_ = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(example.splitlines()) <= 30
    (tmp_path / "example.py").write_text(example)
    done = processes.run("example.py", cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "saved_models" / "mine" / "1" / "saved_model.pb").exists()


def test_readme_example_of_data(tmp_path, monkeypatch):
    text = (ROOT / "README.md").read_text()
    _, example, _ = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    rng = np.random.default_rng(0)
    clips = {str(i): rng.integers(0, 256, (20, 24, 32, 3), "uint8") for i in range(18)}
    network = keras.Sequential(
        [keras.Input((400,)), keras.layers.Reshape((4, 100)), keras.layers.GlobalMaxPooling1D()]
    )
    names = {
        "rows": [{"id": i, "label": int(i) % 3} for i in clips],
        "read": lambda row: {"video": clips[row["id"]], "audio": np.full(400, int(row["id"]) / 20)},
        "frozen_network": network,
    }
    monkeypatch.chdir(tmp_path)
    exec(example, names)
    x, y = next(names["train"].as_numpy_iterator())
    assert x["video"].shape == (16, 16, 112, 112, 3) and x["audio"].shape == (16, 100)
    ids = np.round(x["audio"][:, 0] * 20).astype(int)
    np.testing.assert_array_equal(ids % 3, y)  # each sample's own features


def test_readme_example_of_unlabelled_and_missing():
    text = (ROOT / "README.md").read_text()
    *_, example = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    rng = np.random.default_rng(0)
    names = {
        "ka": ka,
        "np": np,
        "EpochShuffle": ka.data.EpochShuffle,
        "x": {m: rng.normal(size=(200, n)) for m, n in (("video", 5), ("audio", 4))},
        "y": rng.integers(0, 10, 200),
        "target": {"video": tiny.extractor(tiny.VIDEO, 8, "v")},
        "auxiliary": {"audio": tiny.extractor(tiny.AUDIO, 8, "a")},
    }
    exec(example, names)
    history = names["model"].history.history
    assert len(history["auxiliary_accuracy"]) == 4 and np.isfinite(history["loss"]).all()
    assert len(names["train"]) == 19


def test_readme_request_has_the_shape_of_a_clip():
    text = (ROOT / "README.md").read_text()
    (code,) = re.findall(r"python3 -c '(.*?)' > request.json", text)
    request = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    (instance,) = json.loads(request)["instances"]
    clip = np.array(instance["video"])
    assert clip.shape == (8, 64, 64, 1) == ka.extractors.clip_mlp().input_shape[1:]


def test_contributing_example_is_a_method():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    (example,) = re.findall(r"(      @keras.*?)\n\n\S", text, re.DOTALL)
    names = {"keras": keras, "ka": ka}
    exec(textwrap.dedent(example), names)
    model = names["LogitMatching"](
        {"video": tiny.extractor(tiny.VIDEO, 4, "v")},
        {"audio": tiny.extractor(tiny.AUDIO, 4, "a")},
        num_classes=3,
        representation_dim=4,
    )
    model.compile(optimizer="adam")
    x, y = tiny.data(8)
    history = model.fit(x, y, epochs=1, verbose=0).history
    total = history["classification_loss"][0] + history["divergence_loss"][0]
    assert history["loss"][0] == pytest.approx(total, rel=1e-5)
    assert history["divergence_loss"][0] > 0
