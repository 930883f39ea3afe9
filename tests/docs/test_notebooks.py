"""The notebooks run as they stand, in their smoke form: every line, on next to nothing."""

import json
from pathlib import Path

import numpy as np
import pytest

import keras_amid as ka

pytestmark = [pytest.mark.any_backend, pytest.mark.slow]

NOTEBOOKS = Path(__file__).resolve().parents[2] / "docs" / "notebooks"


def run(name, monkeypatch, folder):
    """Runs the cells in order; returns their names. Steps eagerly, which spares the tracing."""
    compile_model = ka.Distiller.compile
    quickly = {"run_eagerly": True, "jit_compile": False}
    monkeypatch.setattr(ka.Distiller, "compile", lambda *a, **k: compile_model(*a, **k, **quickly))
    monkeypatch.setenv("KERAS_AMID_SMOKE", "1")
    monkeypatch.chdir(folder)
    notebook = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    names = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            exec("".join(cell["source"]), names)
    return names


def test_first_steps(monkeypatch, tmp_path, capsys):
    names = run("first-steps", monkeypatch, tmp_path)
    assert [len(values) for values in names["figures"].values()] == [2, 2, 2]
    printed = capsys.readouterr().out
    assert "labelled: 16" in printed and "CCL, pairs shuffled " in printed
    first = {"upper": names["x_test"]["upper"][:4]}
    np.testing.assert_allclose(
        np.asarray(names["student"](first)["probabilities"]),
        names["model"].predict(first, verbose=0),
        rtol=1e-4,
        atol=1e-6,
    )


def test_sound_at_test_time(monkeypatch, tmp_path, capsys):
    names = run("sound-at-test-time", monkeypatch, tmp_path)
    assert list(names["amid"].student.input) == ["audio"]
    served = ka.export.load_runtime(tmp_path / "saved_models" / "listener" / "1")
    waveform = names["waveform"][None]
    np.testing.assert_allclose(
        served({"audio": waveform})["probabilities"][0], names["probabilities"], atol=1e-5
    )
    assert capsys.readouterr().out.count("% of test sounds") == 3
