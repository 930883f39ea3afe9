"""The control of a row: the same, with the auxiliary modalities of other training samples."""

import math
import re

import numpy as np
import pytest
import tiny_task
from scipy import stats

from keras_amid.data import shuffled_pairs
from keras_amid.experiments import Config, Row, main, markdown
from keras_amid.experiments.arrays import ArrayExperiment
from keras_amid.experiments.rows import ROWS, find
from keras_amid.experiments.tables import claims
from keras_amid.experiments.tables.plan import Plan
from keras_amid.experiments.tables.results import Results

CONTROL = "AMID, pairs shuffled"


@pytest.mark.any_backend
def test_every_row_that_trains_on_pairs_has_one():
    for name, row in ROWS.items():
        if not row.distiller.uses_teacher or row.needs_teacher:
            with pytest.raises(ValueError, match="`row` must be the control of a row that trains"):
                find(f"{name}, pairs shuffled")
        else:
            control = find(f"{name}, pairs shuffled")
            assert control.shuffled and not row.shuffled
            assert (control.method, control.arguments) == (row.method, row.arguments)
    with pytest.raises(ValueError, match="'AMID, pairs shuffled, pairs shuffled'"):
        find(f"{CONTROL}, pairs shuffled")


@pytest.mark.any_backend
def test_it_is_an_entry_of_every_configuration():
    own = {"mine": Row("CCL", arguments={"contrastive_weight": 3.0})}
    values = {**tiny_task.VALUES, "own_settings": {"AMID": (0.5, 0.25)}, "own_rows": own}
    config = Config.of({**values, "control": True})
    assert config.controlled_rows == ("student alone", CONTROL, "AMID")
    assert config.rate_and_decay(CONTROL) == (0.5, 0.25)
    assert config.row("mine, pairs shuffled").arguments == {"contrastive_weight": 3.0}
    assert Config.of(values).controlled_rows == ("student alone", "AMID")
    with pytest.raises(ValueError, match="`rows` must be the control of a row that trains on"):
        Config.of({**values, "control": True, "rows": ("AMID", "student alone")})


@pytest.mark.any_backend
def test_the_table_says_what_is_beyond_it():
    amid, control = [40.0, 44.0, 41.0], [30.0, 31.0, 33.0]
    results = {
        row: [{"student top-1": value} for value in values]
        for row, values in {CONTROL: control, "AMID": amid}.items()
    }
    text = markdown.results_table(("student top-1",), results, {})
    p = stats.ttest_rel(amid, control).pvalue
    error = np.std([10.0, 13.0, 8.0], ddof=1) / math.sqrt(3)
    assert (
        "AMID, student top-1, beyond the same with its pairs shuffled: +10.3 +- "
        f"{error:.1f}, p = {p:.1g}, in 3 of 3 seeds. Only a gain beyond this control is"
    ) in text
    (line,) = claims.sentences(
        Results(
            {
                (row, "", ()): {i: {"figures": f} for i, f in enumerate(figures)}
                for row, figures in results.items()
            },
            "",
        )
    )
    assert line.startswith("**holds**: what AMID gains is knowledge of its pairs") == (p < 0.05)
    assert f"+10.3 +- {error:.1f} points, p = {p:.1g}, ahead in 3 of 3 seeds" in line


@pytest.mark.any_backend
def test_tables_take_it_up(tmp_path):
    def rows(names, **changed):
        task = tiny_task.make_task(tmp_path, **changed)
        return Plan(task, tmp_path, names, (1,), range(2), trials=1, tuning_seeds=1).rows

    assert rows([CONTROL, "student alone", "AMID"]) == ["student alone", "AMID", CONTROL]
    assert CONTROL in rows(None, control=True) and CONTROL not in rows(None)


class Seen(Exception):
    """Ends a training that has been looked at."""


@pytest.mark.any_backend
def test_a_recipe_trains_it_on_the_samples_of_others(tmp_path, capsys, monkeypatch):
    seen = []

    class Task(tiny_task.TinyTask):
        def open_case(self, case):
            return Experiment(self.config, case.seed)

    class Experiment(tiny_task.TinyExperiment):
        def batches(self, split, modalities, shuffle=None, partners=None):
            seen.append((split, partners))
            return super().batches(split, modalities, shuffle, partners)

    config = {**tiny_task.VALUES, "task": Task, "epochs": 1, "xla": False, "rows": ("GMC",)}
    main(config, None, "", ["--control", "--no-export", "--out", str(tmp_path / "out")])
    (given,) = [partners for _, partners in seen if partners]
    assert set(given) == {"audio"}
    np.testing.assert_array_equal(given["audio"], shuffled_pairs(12, 0))
    text = capsys.readouterr().out
    shown = re.findall(r"\| (GMC[a-z, ]*) \| (\d+\.\d) ", text)
    values = {row: float(value) for row, value in shown}
    assert set(values) == {"GMC", "GMC, pairs shuffled"}
    gain = values["GMC"] - values["GMC, pairs shuffled"]
    assert f"beyond the same with its pairs shuffled: {gain:+.1f}" in text
    assert (tmp_path / "out" / "seed-0" / "GMC_pairs_shuffled" / "result.json").exists()


@pytest.mark.any_backend
def test_it_is_not_exported(tmp_path, capsys):
    config = {**tiny_task.VALUES, "task": tiny_task.TinyTask}
    with pytest.raises(SystemExit, match="2"):
        main(config, None, "", ["--rows", CONTROL, "--out", str(tmp_path / "out")])
    assert (
        "`rows` must end with a row that is no control, for it is exported; received"
        in capsys.readouterr().err
    )


@pytest.mark.any_backend
def test_data_that_cannot_be_exchanged_are_refused(tmp_path, capsys):
    class Task(tiny_task.TinyTask):
        def open_case(self, case):
            return Experiment(self.config, case.seed)

    class Experiment(tiny_task.TinyExperiment):
        def batches(self, split, modalities, shuffle=None):
            return super().batches(split, modalities, shuffle)

    config = {**tiny_task.VALUES, "task": Task, "rows": (CONTROL,)}
    with pytest.raises(SystemExit, match="2"):
        main(config, None, "", ["--no-export", "--out", str(tmp_path)])
    errors = capsys.readouterr().err
    assert re.search("`rows` must be without controls, .* cannot shuffle", errors)


@pytest.mark.any_backend
def test_arrays_are_exchanged_in_training_alone(tmp_path):
    values = {}
    for split in ("train", "validation", "test"):
        for name in ("video", "audio", "y"):
            values[f"{split} {name}"] = np.arange(6)

    class Model:
        training_inputs = target_extractors = {"video": None, "audio": None}

        def fit(self, x, y, **options):
            self.x, self.validation = x, options["validation_data"][0]
            raise Seen

    sizes = {"num_classes": 6, "evaluation_batch": 6}
    experiment = ArrayExperiment(Config.of(tiny_task.VALUES), 0, values, None, **sizes)
    model, order = Model(), shuffled_pairs(6, 0)
    with pytest.raises(Seen):
        experiment.fit(model, [], tmp_path, {"audio": order})
    np.testing.assert_array_equal(model.x["video"], np.arange(6))
    np.testing.assert_array_equal(model.x["index"], np.arange(6))
    np.testing.assert_array_equal(model.x["audio"], order)
    np.testing.assert_array_equal(model.validation["audio"], np.arange(6))
