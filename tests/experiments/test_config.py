import argparse
import dataclasses

import pytest
import tiny_task

from keras_amid.experiments import Config, Row
from keras_amid.experiments.config import add_options

pytestmark = pytest.mark.any_backend

VALUES = tiny_task.VALUES


def test_entries_are_those_of_the_dict_and_frozen():
    config = Config.of({**VALUES, "rows": ["CRD", "AMID"]})
    assert (config.name, config.epochs, config.rows) == ("tiny", 2, ("CRD", "AMID"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.epochs = 3


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"framez": 3}, r"`CONFIG` must have entries of Config only, .*; received \['framez'\]"),
        ({"epochs": "2"}, "`epochs` must be an integer >= 1; received '2'"),
        ({"batch": True}, "`batch` must be an integer >= 1; received True"),
        ({"rate": float("nan")}, "`rate` must be a finite number >= 0; received nan"),
        ({"decay": -1.0}, "`decay` must be a finite number >= 0; received -1.0"),
        ({"rows": ("AMIT",)}, "`rows` must be of .*'CRCD'.*; received 'AMIT'"),
    ],
)
def test_what_does_not_fit_is_named(changed, message):
    with pytest.raises(ValueError, match=message):
        Config.of({**VALUES, **changed})


def test_what_is_missing_is_named():
    values = {name: value for name, value in VALUES.items() if name not in ("rate", "batch")}
    with pytest.raises(ValueError, match=r"must have the entries \['batch', 'rate'\]"):
        Config.of(values)


def test_a_row_of_ones_own_has_a_name_in_config():
    mine = Row("CCL", arguments={"contrastive_weight": 3.0})
    config = Config.of({**VALUES, "own_rows": {"mine": mine}, "rows": ("mine",)})
    assert config.row("mine") is mine and config.row("AMID").method == "AMID"


def test_what_results_do_not_depend_on_is_not_recorded():
    config = Config.of({**VALUES, "own_settings": {"AMID": (0.5, 0.25)}})
    recorded = config.recorded()
    assert recorded["epochs"] == 2 and recorded["own_settings"] == {"AMID": [0.5, 0.25]}
    assert not {"rows", "paper", "workers", "seeds", "title"} & set(recorded)
    assert config.rate_and_decay("AMID") == (0.5, 0.25)
    assert config.rate_and_decay("CRD") == (VALUES["rate"], VALUES["decay"])


def test_a_short_run_says_that_its_warm_up_is_shorter():
    config = Config.of({**VALUES, "epochs": 10, "warmup_epochs": 5})
    assert config.used_warmup_epochs == 2
    assert config.note() == "Warm-up of 2 epochs in place of 5: a quarter of the 10 epochs."
    assert config.row_settings(3, None).warmup_epochs == 2
    assert Config.of({**VALUES, "epochs": 20, "warmup_epochs": 5}).note() == ""


def test_options_change_what_was_given_alone():
    parser = argparse.ArgumentParser()
    names = add_options(parser, Config, VALUES, without=("seed",))
    given = vars(parser.parse_args(["--epochs", "7", "--rows", "CRD", "--tensorboard"]))
    assert given == {"epochs": 7, "rows": ["CRD"], "tensorboard": True}
    assert set(given) < set(names) and "seed" not in names
    assert "(default: 2)" in parser.format_help()
