"""Trials: the same for every row, chosen on validation figures alone, read back when killed."""

from types import SimpleNamespace

import pytest

from keras_amid.experiments.own import tuning
from keras_amid.experiments.own.config import OwnConfig
from keras_amid.own import settings

pytestmark = pytest.mark.any_backend


def make_task(folder):
    rows = ("student alone", "AMID")
    given = {"data": "d", "target": ("a",), "auxiliary": ("b",), "trials": 3, "rows": rows}
    config = OwnConfig.of_settings(settings.resolve({}, None, given) | {"control": True}, "Mine")
    return SimpleNamespace(config=config, folder=folder, material=SimpleNamespace(config=config))


def test_each_row_has_its_best_of_the_same_settings(tmp_path, monkeypatch):
    seen = []

    def validated(task, case, row, trial):
        assert case.seed == 100 and (tmp_path / "trials") in (task.folder / case.folder).parents
        seen.append((row, trial))
        # The student alone likes high rates, the others low ones.
        sign = 1 if row == "student alone" else -1
        return {"student top-1": 50 + sign * 1000 * trial.rate, "teacher top-1": 0.0}

    monkeypatch.setattr(tuning, "_validated", validated)
    task = make_task(tmp_path)
    scores = tuning.tune(task)
    names = ("student alone", "AMID, pairs shuffled", "AMID")
    assert tuple(scores) == names and len(seen) == 9
    tried = [trial for row, trial in seen if row == "AMID"]
    assert all([trial for r, trial in seen if r == row] == tried for row in names)
    assert all(3e-4 <= t.rate <= 1e-2 and 1e-4 <= t.decay <= 1e-1 for t in tried)
    high, low = (pick(tried, key=lambda t: t.rate) for pick in (max, min))
    for config in (task.config, task.material.config):
        assert config.rate_and_decay("student alone") == (high.rate, high.decay)
        assert config.rate_and_decay("AMID") == (low.rate, low.decay)
    chosen = [(row, rate) for row, rate, _, _, best in tuning.shown(scores) if best]
    assert chosen == [(names[0], high.rate), (names[1], low.rate), (names[2], low.rate)]

    seen.clear()
    assert tuning.tune(make_task(tmp_path)) == scores and seen == []
