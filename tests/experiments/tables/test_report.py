"""The tables of `tables.py`: their numbers, sentences and figures, from given results."""

import json
import math

import numpy as np
import pytest
import tiny_task
from scipy import stats

from keras_amid.data.storage.files import write_json
from keras_amid.experiments.tables import claims, figures
from keras_amid.experiments.tables.plan import Plan
from keras_amid.experiments.tables.report import Report
from keras_amid.experiments.tables.results import Results

pytestmark = pytest.mark.any_backend


def test_the_tables_numbers_are_those_of_the_runs(tmp_path):
    task = tiny_task.make_task(tmp_path)
    rows = ["student alone", "AMID", "CCL"]
    plan = Plan(task, tmp_path, rows, (1, 6), range(4), trials=2, tuning_seeds=2)
    rng = np.random.default_rng(0)
    for run in plan.tuning(False):
        better = run.rate == plan.trials(run.row)[1].rate
        write(run, task, tmp_path, {"student top-1": 60.0 + run.seed if better else 50.0})
    plan.choose()
    for run in plan.reported(False):
        names = ("student top-1", "student R@1", "student R@5", "teacher top-1")
        write(run, task, tmp_path, {name: float(rng.uniform(20, 80)) for name in names})

    assert plan.tuned == {row: plan.trials(row)[1] for row in rows}
    text = Report(plan, Results(plan.results(), "sound")).markdown("command", "time", [])
    kept = read_back(tmp_path)
    lines = [line for line in text.splitlines() if " +- " in line]
    cells = {
        row: [cell.strip() for cell in line.split("|")[2:-1]]
        for row in rows
        for line in lines
        if line.startswith(f"| {row} | ")
    }
    for row in rows:
        values = {k: v for k, v in kept.items() if k[0] == row and not k[1]}
        expected = [by_hand(values[row, (), f"student {f}"]) for f in ("top-1", "R@1", "R@5")]
        shown = cells[row]
        assert [shown[0], shown[2], shown[3]] == expected
        amid = kept["AMID", (), "student top-1"]
        mine = kept[row, (), "student top-1"]
        if row == "AMID":
            assert shown[4:] == ["", "", ""] and shown[1].startswith("50.0")
            continue
        p = stats.ttest_rel(mine, amid).pvalue
        wins = sum(a > b for a, b in zip(mine, amid, strict=True))
        difference = sum(mine) / 4 - sum(amid) / 4
        assert shown[4:] == [f"{difference:+.1f}", f"{p:.1g}", f"{wins} of 4"]
    swept = by_hand(kept["AMID", (("adversarial_weight", 0.7),), "student top-1"])
    (line,) = (x for x in text.split("| a3 |")[1].splitlines() if x.startswith("| student top-1"))
    assert line.split("|")[2].strip() == swept
    assert "60.0" not in text and ": 160.5*" in text  # the mean over seeds 100 and 101


def write(run, task, folder, figures):
    value = {"settings": run.settings(task), "figures": figures, "history": {}, "seconds": 1.0}
    write_json(folder / f"{run.key(task)}.json", value)


def read_back(folder):
    """(row, changed, figure) -> values in the order of the seeds, from the files alone."""
    found = {}
    for path in folder.rglob("*.json"):
        result = json.loads(path.read_text())
        s = result["settings"]
        if not s["tuning"]:
            changed = tuple(map(tuple, s["changed"]))
            for name, value in result["figures"].items():
                found.setdefault((s["row"], changed, name), {})[s["seed"]] = value
    return {key: [values[seed] for seed in range(4)] for key, values in found.items()}


def by_hand(values):
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return f"{mean:.1f} +- {math.sqrt(variance / len(values)):.1f}"


def results(**student):
    return Results(
        {
            (row, "", ()): {
                seed: {"figures": {"student top-1": value}} for seed, value in enumerate(values)
            }
            for row, values in student.items()
        },
        "",
    )


def test_a_gain_counts_only_beyond_the_control():
    alone, gained = [20.0, 21.0, 22.0, 23.0], [30.1, 30.9, 32.2, 33.0]
    both = {"student alone": alone, "AMID": gained, "two-step pseudo-labels": gained}
    for control, said in (([21.0, 20.0, 23.0, 22.0], "holds"), (gained[::-1], "does not show")):
        lines = claims.sentences(results(**both, **{"AMID, pairs shuffled": control}))
        (own,) = (line for line in lines if "AMID's student beats the student alone" in line)
        (other,) = (line for line in lines if "two-step pseudo-labels beats the student" in line)
        for line in (own, other):  # a row without a control of its own must beat the best there is
            assert line.startswith(f"**{said}**")
            assert "; over AMID, pairs shuffled: " in line and "+10.1 +- 0.1 points" in line
    (line,) = claims.sentences(results(**{"student alone": alone, "AMID": gained}))
    assert line.startswith("**holds**") and "over AMID" not in line


def test_sentences_follow_the_numbers():
    base = [20.0, 21.0, 22.0, 23.0]
    shifted = [40.1, 40.9, 42.2, 43.0]
    p = stats.ttest_rel(shifted, base).pvalue
    assert claims.sentences(results(AMID=shifted, **{"no warm-up": base})) == [
        f"**holds**: a warm-up helps (Table 5): +20.1 +- 0.1 points, p = {p:.1g}, ahead in 4 of 4 "
        "seeds."
    ]
    (text,) = claims.sentences(results(AMID=base, **{"no warm-up": shifted}))
    assert text.startswith("**the reverse shows**: a warm-up helps")
    (text,) = claims.sentences(results(AMID=base, **{"no warm-up": [21.0, 20.0, 23.0, 22.0]}))
    assert text.startswith("**does not show**") and "+0.0 +- 0.6 points, p = 1," in text


def test_figures_are_of_the_rows_that_are_there(tmp_path):
    history = {
        "class_cosine": [0.1, 0.2], "test_class_cosine": [0.1, 0.1],
        "test_student_accuracy": [0.1, 0.2], "test_teacher_accuracy": [0.2, 0.4],
    }  # fmt: skip
    result = {"figures": {"per class": [50.0, None]}, "history": history}
    task = tiny_task.make_task(tmp_path)
    runs = {("AMID", "sound", ()): {3: result}, ("CCL", "sound", ()): {3: result}}
    text = figures.write(Results(runs, "sound"), task, tmp_path)
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == {f"tiny_{name}.png" for name in ("per_class", "gap", "cosine")}
    assert all(f"](tiny_{name}.png)" in text for name in ("per_class", "gap", "cosine"))
    assert "seed 3, AMID against CCL" in text
    assert figures.write(Results({}, "sound"), task, tmp_path) == ""
