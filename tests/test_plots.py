import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from keras_amid.plots import training_figure

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
        ({"run": {"loss": [1.0]}}, r"Received: logs \['loss'\]"),
        ({"run": {"student_accuracy": []}}, "at least one epoch"),
    ],
)
def test_nothing_to_draw_is_refused(histories, message):
    with pytest.raises(ValueError, match=message):
        training_figure(histories)
