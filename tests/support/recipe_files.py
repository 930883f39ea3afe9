"""The recipes, as files."""

from pathlib import Path

import processes

RECIPES = Path(__file__).resolve().parents[2] / "recipes"


def path(name):
    """The path of a recipe."""
    return RECIPES / f"{name}.py"


def run(name, *arguments, expect=0):
    """Runs a recipe to its end, as a user does; returns the finished process."""
    done = processes.run(path(name), *arguments)
    assert done.returncode == expect, done.stderr[-3000:]
    return done


def run_tables(name, *arguments):
    """`tables.py` of a recipe, in this process; returns its exit code."""
    from keras_amid.experiments.tables import main

    words = ["--recipe", path(name), *arguments]
    return main([str(word) for word in words], program="tables.py")
