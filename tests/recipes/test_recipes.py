"""What holds for every recipe: its numbers stand in CONFIG, its command line says what it needs."""

import dataclasses

import pytest
import recipe_files

from keras_amid.experiments import Recipe, main

pytestmark = pytest.mark.any_backend

NAMES = ("ripple_tank", "digits", "watch", "ucf51", "activitynet", "iemocap")
#: Options that one recipe alone, or some, have.
OWN = {
    "ripple_tank": ("--extractor", "--auxiliary", "--seeds"),
    "digits": ("--target", "--auxiliary", "--labels", "--all-labelled", "--seeds"),
    "watch": ("--target", "--labels", "--all-labelled", "--raw", "--seeds"),
    "ucf51": ("--root", "--sound-checkpoint", "--random-sound", "--depth", "--seeds"),
    "activitynet": ("--root", "--sound-checkpoint", "--random-sound", "--depth", "--seeds"),
    "iemocap": (
        "--root", "--features", "--face-checkpoint", "--sound-checkpoint", "--text-checkpoint",
        "--vocabulary", "--setups", "--folds",
    ),
}  # fmt: skip
COMMON = (
    "--out", "--export", "--rows", "--seed", "--epochs", "--workers", "--tensorboard", "--smoke",
)  # fmt: skip


@pytest.fixture(params=NAMES)
def recipe(request):
    return Recipe.load(recipe_files.path(request.param))


def stopped(recipe, capsys, *arguments):
    with pytest.raises(SystemExit):
        main(recipe.config, recipe.smoke, recipe.doc, arguments)
    return "".join(capsys.readouterr())


def test_every_number_stands_in_config(recipe):
    for values in (recipe.config, recipe.smoke):
        fields = dataclasses.fields(recipe.task.config_class)
        numbers = [f for f in fields if f.type in ("int", "float") and not f.metadata["free"]]
        assert len(numbers) > 12
        assert [field.name for field in numbers if field.name not in values] == []
    for smoke in (False, True):
        assert recipe.make_config(smoke, {}).name == recipe.config["name"]


def test_help(recipe, capsys):
    text = stopped(recipe, capsys, "--help")
    for word in (*COMMON, *OWN[recipe.config["name"]], "Paper rows", "Expected"):
        assert word in text, word


def test_what_does_not_fit_is_refused_before_work(recipe, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments, message in (
        (["--rows", "AMIT"], "`rows` must be of ['student alone', "),
        (["--epochs", "0"], "`epochs` must be an integer >= 1; received 0."),
        (["--rows", "AMID", "teacher alone"], "`rows` must end with a row whose student is taught"),
    ):
        text = stopped(recipe, capsys, "--smoke", *arguments)
        assert message in text
    if "--root" in OWN[recipe.config["name"]]:
        assert "--root" in stopped(recipe, capsys)
    if "--labels" in OWN[recipe.config["name"]]:
        text = stopped(recipe, capsys, "--smoke", "--labels", "0")
        assert "`labels` must be an integer >= 1; received 0." in text
        text = stopped(recipe, capsys, "--smoke", "--target", "video")
        assert "`target` must be of [" in text
    assert list(tmp_path.iterdir()) == []
