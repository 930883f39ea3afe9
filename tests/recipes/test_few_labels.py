"""The recipes of real measurements, run as a user runs them, and their tables."""

import csv
import re

import pytest
import recipe_files

pytestmark = [pytest.mark.slow, pytest.mark.any_backend]


def test_digits_train_draw_and_export(tmp_path):
    done = recipe_files.run(
        "digits", "--smoke", "--out", tmp_path,
        "--rows", "two-step pseudo-labels", "CCL", "--control",
    )  # fmt: skip
    for text in ("| two-step pseudo-labels |", "| CCL, pairs shuffled |", "beyond the same"):
        assert text in done.stdout, text
    assert (tmp_path / "training.png").stat().st_size > 10_000
    ((path, difference),) = re.findall(r"student of 'CCL': (\S+), .* difference (\S+)", done.stdout)
    assert float(difference) < 1e-5 and path.startswith(str(tmp_path))


@pytest.mark.parametrize("options", [(), ("--raw",)])
def test_watch_makes_its_table(tmp_path, options):
    pytest.importorskip("seglearn")
    row = "auxiliary alone" if options else "two-step pseudo-labels"
    code = recipe_files.run_tables(
        "watch", "--smoke", "--out", tmp_path, "--processes", 1, "--trials", 1, "--seeds", 1,
        "--rows", row, *options,
    )  # fmt: skip
    assert code == 0
    text = (tmp_path / "results" / "watch.md").read_text()
    assert "## Controls, and what is ours" in text and "people to themselves" in text
    assert ("acc (signals)" in text) == bool(options)
    with open(tmp_path / "results" / "watch.csv", newline="") as file:
        names = {row["row"] for row in csv.DictReader(file)}
    assert names == {row} | (set() if options else {"teacher alone"})
