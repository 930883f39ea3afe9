from pathlib import Path

import pytest
import tiny_task

from keras_amid.experiments import Recipe

pytestmark = pytest.mark.any_backend

TINY = Path(tiny_task.__file__).with_name("tiny_recipe.py")


def test_a_recipe_is_a_file_anywhere():
    recipe = Recipe.load(TINY)
    assert recipe.task is tiny_task.TinyTask and recipe.doc.startswith("A recipe of a user's own")
    assert recipe.make_config(False, {}).epochs == 2
    assert recipe.make_config(True, {}).epochs == 1
    assert recipe.make_config(True, {"epochs": 9}).epochs == 9


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "`recipe` must be a Python file; received"),
        ("x = 1", "`recipe` must define CONFIG, a dict"),
        ("CONFIG = {'epochs': 1}", "`CONFIG` must have `task`, a subclass of Task; received None"),
    ],
)
def test_what_is_no_recipe_is_refused(tmp_path, text, message):
    path = tmp_path / "mine.py"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match=message):
        Recipe.load(path)


def test_files_of_one_name_are_two_recipes_and_smoke_may_be_missing(tmp_path):
    recipes = []
    for number in (1, 2):
        path = tmp_path / str(number) / "mine.py"
        path.parent.mkdir()
        path.write_text(
            "import tiny_task\n"
            f"CONFIG = {{**tiny_task.VALUES, 'task': tiny_task.TinyTask, 'epochs': {number}}}\n"
        )
        recipes.append(Recipe.load(path))
    assert [recipe.make_config(False, {}).epochs for recipe in recipes] == [1, 2]
    with pytest.raises(ValueError, match="`--smoke` must not be given: the recipe has no SMOKE"):
        recipes[0].make_config(True, {})
