"""The pages of the API: every public name stands on one of them, under the path it is found at."""

import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import keras_amid as ka
from keras_amid import data, experiments, serving
from keras_amid.data import datasets, table

pytestmark = pytest.mark.any_backend

PAGES = Path(__file__).resolve().parents[2] / "docs" / "api"
PUBLIC = [ka, ka.losses, ka.extractors, data, datasets, table, experiments, serving]


def shown():
    """The objects that the pages show."""
    paths = []
    for page in sorted(PAGES.glob("*.md")):
        paths += re.findall(r"^::: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(set(paths)) == len(paths) > 50
    return [pkgutil.resolve_name(path) for path in paths]


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_on_a_page(module):
    names = [name for name in module.__all__ if name != "DATA_SETS"]
    public = {name: getattr(module, name) for name in names}
    there = shown()
    missing = [
        name
        for name, value in public.items()
        if not (inspect.ismodule(value) or any(value is one for one in there))
    ]
    assert missing == []
