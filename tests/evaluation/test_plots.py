import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from keras_amid.evaluation.plots import (
    accuracy_gap_figure,
    class_cosine_figure,
    per_class_figure,
    training_figure,
)

pytestmark = pytest.mark.any_backend

STUDENT = {"student_accuracy": [0.1, 0.2, 0.3], "val_student_accuracy": [0.1, 0.15, 0.2]}
AMID = {
    "val_student_accuracy": [0.1, 0.3, 0.4],
    "val_teacher_accuracy": [0.2, 0.4, 0.6],
    "class_cosine": [0.0, 0.3, 0.6],
    "val_class_cosine": [0.0, 0.2, 0.3],
    "lambda_1": [0.5, 0.45, 0.4],
    "lambda_2": [0.5, 0.55, 0.6],
}


def lines(axes):
    return {line.get_label(): list(line.get_ydata()) for line in axes.lines}


def test_each_log_is_drawn_once_in_its_panel_and_unit():
    figure = training_figure({"student alone": STUDENT, "AMID": AMID})
    assert isinstance(figure, Figure)
    accuracy, cosine, weights = figure.axes
    assert lines(accuracy) == {
        "student alone: student, validation": [10.0, 15.0, 20.0],
        "AMID: student, validation": [10.0, 30.0, 40.0],
        "AMID: teacher, validation": [20.0, 40.0, 60.0],
    }
    assert lines(cosine) == {
        "AMID: validation": AMID["val_class_cosine"],
        "AMID: training": AMID["class_cosine"],
    }
    assert lines(weights) == {
        "AMID: lambda 1": AMID["lambda_1"],
        "AMID: lambda 2": AMID["lambda_2"],
    }
    assert list(accuracy.lines[0].get_xdata()) == [1, 2, 3]
    assert all(axes.get_xlabel() == "epoch" and axes.get_ylabel() for axes in figure.axes)
    # A run keeps its color in every panel.
    assert accuracy.lines[1].get_color() == cosine.lines[0].get_color()
    assert accuracy.lines[0].get_color() != accuracy.lines[1].get_color()


def test_training_accuracy_where_nothing_was_validated():
    figure = training_figure({"run": {"student_accuracy": [np.float32(0.5)]}})
    assert lines(figure.axes[0]) == {"run: student, training": [50.0]}
    assert [text.get_text() for text in figure.axes[2].texts] == ["not logged"]


def test_png_is_written_to_a_new_folder(tmp_path):
    path = tmp_path / "figures" / "run.png"
    training_figure({"AMID": AMID}, path)
    image = imread(path)
    assert image.shape[0] > 400 and image.shape[1] > 1000
    assert image[..., :3].std() > 0.01


@pytest.mark.parametrize(
    ("histories", "message"),
    [
        ({}, "at least one run"),
        ({"AMID": AMID, "empty": {}}, r"histories\['empty'\]"),
        ({"run": {"loss": [1.0]}}, r"received logs \['loss'\]"),
        ({"run": {"student_accuracy": []}}, "at least one epoch"),
    ],
)
def test_nothing_to_draw_is_refused(histories, message):
    with pytest.raises(ValueError, match=message):
        training_figure(histories)


def runs(*shifts):
    return [
        {
            "class_cosine": [0.1 + shift, 0.5 + shift],
            "val_class_cosine": [0.0, 0.1 + shift],
            "student_accuracy": [0.9, 0.9],
            "teacher_accuracy": [0.9, 0.9],
            "val_student_accuracy": [0.1, 0.3],
            "val_teacher_accuracy": [0.2 + shift, 0.5 + shift],
        }
        for shift in shifts
    ]


def test_per_class_bars_are_the_accuracies_in_the_order_of_the_lead():
    accuracies = {"CCL": [10.0, 50.0, None], "AMID": [20.0, 40.0, 30.0]}
    (axes,) = per_class_figure(accuracies, ["bow", "surf", "type"]).axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["surf", "type", "bow"]
    heights = {bars.get_label(): [bar.get_height() for bar in bars] for bars in axes.containers}
    assert heights["AMID"] == [40.0, 30.0, 20.0]
    assert heights["CCL"][::2] == [50.0, 10.0] and np.isnan(heights["CCL"][1])


def test_accuracy_gap_is_the_mean_over_the_runs_with_its_error():
    (axes,) = accuracy_gap_figure({"AMID": runs(0.0, 0.2), "MIs+MIa": runs(0.1)}).axes
    drawn = lines(axes)
    np.testing.assert_allclose(drawn["AMID"], [20.0, 30.0])
    np.testing.assert_allclose(drawn["MIs+MIa"], [20.0, 30.0])
    # The standard error of 10 and 30 is 10; of one run there is none.
    (band,) = axes.collections
    edges = band.get_paths()[0].vertices
    assert edges[:, 1].min() == pytest.approx(10.0) and edges[:, 1].max() == pytest.approx(40.0)
    assert list(axes.lines[0].get_xdata()) == [1, 2]


def test_class_cosine_of_training_and_held_out_data():
    training, validation = class_cosine_figure({"AMID": runs(0.0, 0.2)}).axes
    np.testing.assert_allclose(lines(training)["AMID"], [0.2, 0.6])
    np.testing.assert_allclose(lines(validation)["AMID"], [0.0, 0.2])
    assert "validation" in validation.get_title()
    tested = [run | {"test_class_cosine": [0.3, 0.4]} for run in runs(0.0)]
    _, test = class_cosine_figure({"AMID": tested}).axes
    assert lines(test)["AMID"] == [0.3, 0.4] and "test" in test.get_title()


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_comparisons_are_written_in_the_format_of_the_suffix(tmp_path, suffix):
    path = tmp_path / "new" / f"figure.{suffix}"
    accuracy_gap_figure({"AMID": runs(0.0)}, path)
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG") if suffix == "png" else b"<svg" in content


@pytest.mark.parametrize(
    ("draw", "arguments", "message"),
    [
        (per_class_figure, ({"AMID": [1.0]}, ["bow"]), "at least two methods"),
        (per_class_figure, ({"a": [1.0], "b": [1.0, 2.0]}, ["bow"]), r"'b': \(2,\)"),
        (accuracy_gap_figure, ({},), "at least one method"),
        (accuracy_gap_figure, ({"AMID": []},), "'AMID': 0"),
        (accuracy_gap_figure, ({"CE": [{"student_accuracy": [1.0]}]},), r"histories\['CE'\]"),
        (class_cosine_figure, ({"CE": [{"loss": [1.0]}]},), r"received \['loss'\]"),
        (
            class_cosine_figure,
            ({"CE": [{"class_cosine": [1.0]}, {"class_cosine": [1.0, 2.0]}]},),
            r"same number of epochs; received \[1, 2\]",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(draw, arguments, message):
    with pytest.raises(ValueError, match=message):
        draw(*arguments)
