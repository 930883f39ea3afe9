"""The recipes, as files."""

import subprocess
import sys
from pathlib import Path

RECIPES = Path(__file__).resolve().parents[2] / "recipes"


def path(name):
    """The path of a recipe."""
    return RECIPES / f"{name}.py"


def command(name, *arguments):
    """What runs a recipe as a user does."""
    return [sys.executable, str(path(name)), *map(str, arguments)]


def run(name, *arguments, expect=0):
    """Runs a recipe to its end; returns the finished process."""
    done = subprocess.run(command(name, *arguments), capture_output=True, text=True, timeout=600)
    assert done.returncode == expect, done.stderr[-3000:]
    return done


def run_tables(name, *arguments):
    """`tables.py` of a recipe, in this process; returns its exit code."""
    from keras_amid.experiments.tables import main

    words = ["--recipe", path(name), *arguments]
    return main([str(word) for word in words], program="tables.py")
