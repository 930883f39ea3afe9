"""Rows on a few measurements: unlabelled pairs, the two-step, the auxiliary alone."""

import dataclasses

import keras
import numpy as np
import pytest

from keras_amid.experiments import read_history, runs
from keras_amid.experiments.few_labels import FewLabelsConfig, FewLabelsTask
from keras_amid.experiments.few_labels.pairs import Pairs
from keras_amid.experiments.tables.run import Run


@dataclasses.dataclass(frozen=True)
class Two:
    """Two views of classes: the second tells them apart, the first hardly."""

    views = ("dim", "clear")

    def check(self, raw):
        pass

    def read(self, raw):
        rng = np.random.default_rng(0)
        y = np.arange(120) % 3
        x = {
            "dim": rng.normal(size=(120, 5)) + 0.2 * y[:, None],
            "clear": np.eye(3)[y] * 4 + rng.normal(size=(120, 3)) * 0.1,
        }
        if raw:
            x = {name: np.repeat(v[:, None], 60, axis=1) for name, v in x.items()}
        return Pairs({k: v.astype("float32") for k, v in x.items()}, y, ["a", "b", "c"])

    def settings(self):
        return {}


def make_task(folder, **changed):
    values = dict(
        name="two", title="Two", source=Two(), target="dim", auxiliary="clear", labels=9,
        unlabelled=21, validation=10, test=40, validation_groups=0, test_groups=0, halving_seed=1,
        units=(6, 4), steps=4, evaluation_batch=10, batch=6, epochs=2, warmup_epochs=0,
        representation_dim=4, xla=False, rate=0.05, decay=0.0,
    )  # fmt: skip
    return FewLabelsTask(FewLabelsConfig.of({**values, **changed}), folder)


@pytest.mark.any_backend
def test_the_first_pairs_have_their_labels(tmp_path):
    task = make_task(tmp_path)
    experiment = task.open(3, False, "")
    y = experiment.arrays["train y"]
    assert (y[:9] >= 0).all() and (y[9:] == -1).all() and len(y) == 30
    assert experiment.settings().semi_supervised and not experiment.retrieval
    assert {name.split()[0] for name in task.open(3, True, "").arrays} == {"train", "validation"}
    labelled = make_task(tmp_path, all_labelled=True).open(3, False, "")
    np.testing.assert_array_equal(labelled.arrays["train y"], y[:9])
    assert not labelled.settings().semi_supervised and labelled.retrieval
    assert "9 labelled and 21 unlabelled training pairs" in task.remark


@pytest.mark.slow
def test_a_teacher_names_the_pairs_and_the_student_learns_the_names(tmp_path):
    task = make_task(tmp_path, epochs=15)
    teacher = Run("teacher alone", 3, False, 0.05, 0.0)
    student = Run("two-step pseudo-labels", 3, False, 0.05, 0.0, teacher=teacher.key(task))
    for run in (teacher, student):
        run.execute(task, tmp_path)
    figures = [run.result(task, tmp_path)["figures"] for run in (teacher, student)]
    assert figures[0]["teacher top-1"] > 70  # of 33 by chance
    assert "student top-1" in figures[1] and "teacher top-1" not in figures[1]

    experiment = task.open(3, False, "")
    keras.utils.set_random_seed(3)
    model, callbacks = runs.build(experiment, "teacher alone", 0.05, 0.0)
    experiment.fit(model, callbacks, tmp_path / "teacher")
    assert len(read_history(tmp_path / "teacher" / "history.csv")["val_teacher_accuracy"]) == 15
    named, changed = runs.taught_by(experiment, "two-step pseudo-labels", model)
    assert changed == {} and (experiment.arrays["train y"][9:] == -1).all()
    x, _ = experiment.split("train", ("dim", "clear"))
    logits = keras.ops.convert_to_numpy(model(x)["teacher_logits"])
    np.testing.assert_array_equal(named.train_labels[9:], logits[9:].argmax(axis=1))
    np.testing.assert_array_equal(named.train_labels[:9], experiment.train_labels[:9])
    np.testing.assert_array_equal(named.arrays["train y"], named.train_labels)


@pytest.mark.any_backend
@pytest.mark.slow
def test_with_all_labelled_the_two_step_is_the_student_alone(tmp_path):
    task = make_task(tmp_path, all_labelled=True)
    teacher = Run("teacher alone", 3, False, 0.05, 0.0)
    alone = Run("student alone", 3, False, 0.05, 0.0)
    two = Run("two-step pseudo-labels", 3, False, 0.05, 0.0, teacher=teacher.key(task))
    for run in (teacher, alone, two):
        run.execute(task, tmp_path)
    assert alone.result(task, tmp_path)["figures"] == two.result(task, tmp_path)["figures"]


@pytest.mark.any_backend
def test_the_auxiliary_alone_is_judged_by_itself(tmp_path):
    task = make_task(tmp_path, epochs=15)
    run = Run("auxiliary alone", 3, True, 0.05, 0.0)
    run.execute(task, tmp_path)
    figures = run.result(task, tmp_path)["figures"]
    assert figures["auxiliary top-1"] > 90 and not any("student" in name for name in figures)


@pytest.mark.any_backend
def test_signals_have_a_convolution(tmp_path):
    experiment = make_task(tmp_path, raw=True).open(3, False, "")
    (network,) = experiment.extractors(with_auxiliary=False)[0].values()
    assert network.input_shape == (None, 60, 5) and network.output_shape == (None, 4)
    assert any(isinstance(layer, keras.layers.Conv1D) for layer in network.layers)
