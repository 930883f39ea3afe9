import math

import pytest
from scipy import stats

from keras_amid.experiments import Comparison, markdown, mean_and_error

pytestmark = pytest.mark.any_backend


def test_error_is_the_standard_error():
    mean, error = mean_and_error([1.0, 2.0, 6.0])
    assert mean == 3.0 and error == pytest.approx(math.sqrt(7.0 / 3))
    mean, error = mean_and_error([4.0])
    assert mean == 4.0 and math.isnan(error)


def test_comparison_is_paired():
    a, b = [10.0, 20.0, 31.0], [9.0, 18.0, 30.0]
    test = Comparison.of(a, b)
    assert (test.wins, test.count) == (3, 3)
    assert test.mean == pytest.approx(4 / 3) and test.error == pytest.approx(1 / 3)
    assert test.p == pytest.approx(stats.ttest_1samp([1.0, 2.0, 1.0], 0).pvalue)
    assert math.isnan(Comparison.of([1.0], [2.0]).p)
    assert math.isnan(Comparison.of([1.0, 2.0], [2.0, 3.0]).p)  # no spread


def test_cells():
    assert markdown.cell([]) == "" and markdown.cell([12.34]) == "12.3"
    assert markdown.cell([1.0, 2.0, 6.0]) == "3.0 +- 1.5"
    assert markdown.cell([2.0], "+") == "+2.0" and markdown.cell([-2.0], "+") == "-2.0"
    assert markdown.p_value(math.nan) == "" and markdown.p_value(0.00123) == "0.001"


RESULTS = {
    "student alone": [{"student top-1": 20.0}, {"student top-1": 22.0}],
    "teacher alone": [{"teacher top-1": 50.0}, {"teacher top-1": 51.0}],
    "AMID": [
        {"student top-1": 40.0, "teacher top-1": 60.0, "per class": [1.0]},
        {"student top-1": 44.0, "teacher top-1": 60.0, "per class": [1.0]},
    ],
}


def test_the_table_of_a_recipe():
    columns = ("student top-1", "student R@1", "teacher top-1")
    text = markdown.results_table(
        columns, RESULTS, {"AMID": {"student top-1": 73.8}}, "worlds", "clips"
    )
    assert text.splitlines() == [
        "| %, test clips | student top-1 | paper | teacher top-1 |",
        "|---|---|---|---|",
        "| student alone | 21.0 +- 1.0 |  |  |",
        "| teacher alone |  |  | 50.5 +- 0.5 |",
        "| AMID | 42.0 +- 2.0 | 73.8 | 60.0 +- 0.0 |",
        "| gap, AMID - student alone | +21.0 +- 1.0 |  |  |",
        "",
        "2 worlds, mean +- standard error. Paired t-test of the student top-1 gap: p = 0.03; AMID "
        "leads in 2 of 2 worlds.",
    ]


def test_one_seed_has_no_spread():
    one = {row: figures[:1] for row, figures in RESULTS.items() if row != "AMID"}
    text = markdown.results_table(("student top-1",), one, {})
    assert text == (
        "| %, test samples | student top-1 |\n|---|---|\n"
        "| student alone | 20.0 |\n| teacher alone |  |\n"
    )
