"""Settings of `train` and `compare`: defaults under a TOML file under the command line."""

import argparse
import tomllib

import pytest

from keras_amid.own import settings

pytestmark = pytest.mark.any_backend


def test_each_wins_over_the_one_before(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'data = "data/mine"\nepochs = 7\nrate = 1\nrows = ["CCL"]\n'
        '[extractor]\nvideo = "clip_mlp"\naudio = "cnn14"\n'
    )
    given = {"epochs": 9, "extractor": [("video", "densenet")]}
    found = settings.resolve({"seeds": 3, "rows": ["AMID"]}, path, given)
    assert set(found) == {"data", *settings.ENTRIES}
    assert (found["data"], found["epochs"], found["seeds"]) == ("data/mine", 9, 3)
    assert found["rows"] == ["CCL"] and found["rate"] == 1
    assert found["extractor"] == {"video": "densenet", "audio": "cnn14"}
    assert settings.resolve({}, None, {})["extractor"] == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3", r"`config` must have keys among .*'epochs'.*'epoch'"),
        ('epochs = "3"', r"`epochs` must be an integer; received '3' in"),
        ("epochs = true", r"`epochs` must be an integer; received True"),
        ("rate = [1.0]", r"`rate` must be a number; received \[1.0\]"),
        ('target = "video"', r"`target` must be a list, each text; received 'video'"),
        ("rates = [0.1]", r"`rates` must be a list, each a number; received \[0.1\]"),
        ('extractor = "mlp"', r"`extractor` must be a table, modality -> text; received 'mlp'"),
        ("epochs = ", "`config` must be TOML; .* is not"),
        (None, "`config` must be a file; received .*: No such file"),
    ],
)
def test_a_file_that_does_not_fit(tmp_path, text, message):
    path = tmp_path / "mine.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match=message):
        settings.resolve({}, path, {})


def test_what_is_written_reads_back(tmp_path):
    values = settings.resolve({}, None, {"data": 'a "b" \\ \x7f \u00e9\n', "target": ["x y", "z"]})
    values["checkpoint"] = {"an odd = name": "C:\\w.pth", "audio": "a.pth"}
    path = tmp_path / "config.toml"
    path.write_text(settings.written(values), encoding="utf-8")
    expected = {name: value for name, value in values.items() if value is not None}
    assert tomllib.loads(path.read_text(encoding="utf-8")) == expected
    assert settings.resolve({}, path, {}) == values


def test_every_entry_is_an_option():
    parser = argparse.ArgumentParser()
    settings.add_options(parser, {"epochs": 11})
    words = ["--no-flip", "--extractor", "a=mlp", "--extractor", "b=c:d=e", "--rates", "1", "2"]
    given = vars(parser.parse_args(words))
    assert given == {
        "flip": False, "extractor": [("a", "mlp"), ("b", "c:d=e")], "rates": [1.0, 2.0]
    }  # fmt: skip
    shown = parser.format_help()
    assert "(default: 11)" in shown
    assert all(f"--{name.replace('_', '-')}" in shown for name in settings.ENTRIES)
    with pytest.raises(SystemExit):
        parser.parse_args(["--extractor", "mlp"])
