"""`tables.py`: resumable, and honest in what it tunes on."""

import csv
import dataclasses
import functools
import json
from pathlib import Path

import numpy as np
import pytest
import recipe_files
import tiny_task

from keras_amid.experiments import Recipe
from keras_amid.experiments.ripple_tank import RippleTankTask
from keras_amid.experiments.tables import main, session, tuning
from keras_amid.experiments.tables.plan import Plan
from keras_amid.experiments.tables.run import Run

any_backend = pytest.mark.any_backend


@pytest.fixture(autouse=True)
def fresh():
    for calls in (tiny_task.CALLS, tiny_task.BROKEN, tiny_task.CUT_AFTER):
        calls.clear()


TINY = Path(tiny_task.__file__).with_name("tiny_recipe.py")


def command(out, *arguments):
    words = ["--recipe", str(TINY), "--processes", "1", "--trials", "1",
             "--tuning-seeds", "1", "--seeds", "2", "--out", str(out), *arguments]  # fmt: skip
    return main(words, program="tables.py")


def opened(calls=None):
    calls = tiny_task.CALLS if calls is None else calls
    return [call[1:] for call in calls if call[0] == "open"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A call that was cut off in its third run, and called again."""
    out = tmp_path_factory.mktemp("tables")
    tiny_task.CALLS.clear()
    tiny_task.CUT_AFTER[:] = [2]
    with pytest.raises(SystemExit, match="130"):
        command(out, "--rows", "fixed teacher")
    first = list(tiny_task.CALLS)
    tiny_task.CALLS.clear()
    tiny_task.CUT_AFTER.clear()
    assert command(out, "--rows", "fixed teacher") == 0
    return out, first, list(tiny_task.CALLS)


@any_backend
def test_cut_off_it_goes_on_with_what_is_missing(finished):
    _, first, again = finished
    first, again = opened(first), opened(again)
    # Teacher and student: a trial and two runs each; the third was begun twice.
    assert len(first) == 3
    assert len(again) == 6 - 2
    assert sorted(first[:2] + again) == 2 * [(0, False)] + 2 * [(1, False)] + 2 * [(100, True)]


@any_backend
def test_called_again_nothing_is_run_but_a_damaged_result(finished):
    out, path = finished[0], finished[0] / "results" / "tiny.md"
    runs = sorted((out / "runs" / "fixed-teacher").glob("seed-*.json"))
    kept = [run.read_text() for run in runs]
    assert command(out, "--rows", "fixed teacher") == 0 and opened() == []
    rows = table_rows(path)

    # One is cut off; under the other's name lies another run's.
    runs[0].write_text(kept[0][: len(kept[0]) // 2])
    runs[1].write_text(kept[0])
    assert command(out, "--rows", "fixed teacher") == 0
    assert opened() == [(0, False), (1, False)]
    for run, text in zip(runs, kept, strict=True):
        assert json.loads(run.read_text())["figures"] == json.loads(text)["figures"]
    assert table_rows(path) == rows and len(rows) == 2


def table_rows(path):
    return [x for x in path.read_text().splitlines() if x.startswith("| fixed teacher")]


@any_backend
def test_tuning_only_validates_and_reporting_only_measures(finished):
    calls = finished[1] + finished[2]
    asked = {what: {seed for w, seed, _ in calls if w == what} for what in ("validate", "measure")}
    assert asked == {"validate": {100}, "measure": {0, 1}}
    assert {seed for what, seed, tuning in calls if what in ("open", "prepare") and tuning} == {100}


@any_backend
def test_outputs(finished):
    out, results = finished[0], finished[0] / "results"
    with open(results / "tiny.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["row"], r["seed"]) for r in rows if r["row"] == "fixed teacher"] == [
        ("fixed teacher", "0"), ("fixed teacher", "1"),
    ]  # fmt: skip
    for row in rows:
        (path,) = (p for p in (out / "runs" / row["row"].replace(" ", "-")).glob(
            f"seed-{row['seed']}-*.json"))  # fmt: skip
        kept = json.loads(path.read_text())["figures"]
        assert float(row["teacher top-1"]) == kept["teacher top-1"]
        assert ("student top-1" in kept) == (row["row"] == "fixed teacher")
    text = (results / "tiny.md").read_text()
    assert f"tables.py --recipe {TINY} --processes 1" in text
    assert "| fixed teacher | 0.01 / 0.00464: " in text  # the trial


@any_backend
def test_a_failed_job_is_named_and_the_others_go_on(tmp_path, capsys):
    tiny_task.BROKEN.add(0)
    assert command(tmp_path, "--rows", "student alone") == 1
    captured = capsys.readouterr()
    assert "Failed: data of seed 0" in captured.err and "no data of seed 0" in captured.err
    assert opened() == [(100, True), (1, False)]
    text = (tmp_path / "results" / "tiny.md").read_text()
    assert "- data of seed 0: ValueError: no data of seed 0" in text


def test_a_teacher_and_its_student_on_this_backend(tmp_path):
    task = tiny_task.make_task(tmp_path, epochs=1)
    teacher = Run("teacher alone", 3, False, 1e-2, 1e-3, variant="sound")
    student = dataclasses.replace(teacher, row="fixed teacher", teacher=teacher.key(task))
    for run in (teacher, student):
        run.execute(task, tmp_path)
    figures = [run.result(task, tmp_path)["figures"] for run in (teacher, student)]
    assert figures[0] == {name: v for name, v in figures[1].items() if name.startswith("teacher")}
    assert {"teacher top-1"} <= set(figures[0])
    assert {"student top-1", "per class"} < set(figures[1])
    # Without its weights a teacher is not finished.
    (weights,) = tmp_path.rglob("*.weights.h5")
    weights.unlink()
    assert teacher.result(task, tmp_path) is None


@any_backend
def test_trials_are_the_same_for_all_rows_and_spread(tmp_path):
    task = tiny_task.make_task(tmp_path)
    plan = Plan(task, tmp_path, None, (1, 2, 4, 5), range(2), trials=8, tuning_seeds=1)
    points = {row: [(t.rate, t.decay) for t in plan.trials(row)] for row in plan.rows}
    assert len({tuple(p) for p in points.values()}) == 1 and len(set(points["AMID"])) == 8
    rates = np.array(points["AMID"])[:, 0]
    assert 1e-3 <= rates.min() < 3e-3 and 3e-2 < rates.max() <= 1e-1
    assert {t.scale for t in plan.trials("AMID")} == {1.0}
    assert len({t.scale for t in plan.trials("CRD")}) == 8


@any_backend
def test_a_trial_that_failed_somewhere_is_not_chosen():
    a, b = tuning.Trial(1.0, 1.0), tuning.Trial(2.0, 2.0)
    assert tuning.best({a: [10.0, 10.0], b: [90.0]}) == a
    assert tuning.best({a: [10.0, 30.0], b: [20.0, 21.0]}) == b
    assert tuning.best({a: [], b: []}) is None


def ripple_tank(folder, smoke=False):
    config = Recipe.load(recipe_files.path("ripple_tank")).make_config(smoke, {})
    return RippleTankTask(config, folder)


@any_backend
def test_tuning_worlds_have_no_test_clips(tmp_path):
    with pytest.raises(ValueError, match="must not be those tuned on"):
        Plan(ripple_tank(tmp_path), tmp_path, None, (1,), range(99, 103), 1, 2)
    task = ripple_tank(tmp_path, smoke=True)
    task.prepare(100, tuning=True)
    world = task.open(100, True, "sound")
    assert {name.split()[0] for name in world.arrays} == {"train", "validation"}
    assert not list(tmp_path.rglob("*test*"))
    x, y = world.split("validation", ("video", "audio"))
    assert x["video"].shape == (16, 256) and x["audio"].shape == (16, 32) and y.shape == (16,)
    assert 0.5 < x["video"].std() < 10 and abs(x["video"].mean()) < 1


@any_backend
def test_command_line_is_checked(capsys, tmp_path):
    ripple_tank = str(recipe_files.path("ripple_tank"))
    for words, message in (
        (["--trials", "-1"], "`trials` must be an integer >= 0; received -1."),
        (["--rows", "XYZ"], "`rows` must be of ['student alone', "),
        (["--recipe", "mnist.py"], "`recipe` must be a Python file; received"),
        (["--trials", "0"], "`trials` must be at least 1 on ripple_tank; received 0."),
        (["--seed", "101"], "`seeds` must not be those tuned on"),
        (["--epochs", "0"], "`epochs` must be an integer >= 1; received 0."),
        (["--processes", "0"], "`processes` must be an integer >= 1; received 0."),
    ):
        with pytest.raises(SystemExit, match="2"):
            main(["--recipe", ripple_tank, "--out", str(tmp_path), *words], program="tables.py")
        assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    with pytest.raises(SystemExit, match="2"):
        main([], program="tables.py")
    assert "--recipe" in capsys.readouterr().err


@any_backend
def test_without_a_bar(tmp_path, monkeypatch):
    # What TQDM_DISABLE=1 does; tqdm reads it when it is imported.
    monkeypatch.setattr(
        session, "progress_bar", functools.partial(session.progress_bar, show=False)
    )
    finished = tiny_task.make_task(tmp_path / "data")
    trial = tuning.trials(1, finished.config.rates, finished.config.decays, (1.0, 1.0))[0]
    run = Run("student alone", 100, True, trial.rate, trial.decay, 1.0, "sound")
    run.execute(finished, tmp_path / "runs")  # is found finished, which moves the bar
    assert command(tmp_path, "--rows", "student alone") == 0
    assert opened() == [(100, True), (0, False), (1, False)]
