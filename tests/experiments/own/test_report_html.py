"""What comes from users and data is text in the report, and figures follow its colours."""

import numpy as np
import pytest

from keras_amid.experiments.own.report import drawing
from keras_amid.experiments.own.report.html import Markup, joined, table, tag

pytestmark = pytest.mark.any_backend
HOSTILE = "<script>alert(1)</script> & \"'"


def test_text_is_escaped_and_markup_is_not():
    shown = tag("p", HOSTILE, tag("b", "bold"), title=HOSTILE, class_="x", data_y=1)
    assert "<script>" not in shown and "&lt;script&gt;" in shown and "<b>bold</b>" in shown
    assert 'class="x"' in shown and 'data-y="1"' in shown
    assert 'title="&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;' in shown
    cells = table([HOSTILE], [[HOSTILE]])
    assert "<script>" not in cells and cells.count("&lt;script&gt;") == 2
    assert joined([Markup("<i>"), "<i>", 3]) == "<i>&lt;i&gt;3"


def test_figures_are_pictures_in_the_colour_of_the_text():
    names = [HOSTILE, "$a$ b", "c"]
    matrix = np.array([[50.0, 50, 0], [0, 100, 0], [0, 0, 100]])
    figures = [
        drawing.drawn(lambda axes: drawing.confusion(axes, matrix, names), HOSTILE),
        drawing.drawn(
            lambda axes: drawing.bars(axes, {"A": [1.0, 50, 100], "B": [0, 1, np.nan]}, names), ""
        ),
        drawing.drawn(
            lambda axes: drawing.curves(
                axes, {"A": [np.arange(3)], "B": [np.ones(3)] * 2}, "%", "AB"
            ),
            "",
        ),
        drawing.drawn(
            lambda axes: drawing.scatter(
                axes, np.random.default_rng(0).normal(size=(9, 2)), np.arange(9) % 3, names
            ),
            "",
        ),
    ]
    for figure in figures:
        assert figure.startswith("<figure><svg") and "currentColor" in figure
        assert "#010203" not in figure and "<script" not in figure
        head = figure[: figure.index(">", 10)]
        assert "viewBox" in head and "width" not in head and "height" not in head
