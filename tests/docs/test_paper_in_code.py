"""The page "the paper in code": every equation, and code that is what the package runs."""

import importlib.util
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_backend

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "paper-in-code.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def hook():
    path = ROOT / "docs" / "tools" / "paper_in_code.py"
    spec = importlib.util.spec_from_file_location("paper_in_code", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_equation_has_a_formula_and_its_lines(hook):
    parts = re.split(r"^###? .*$", PAGE, flags=re.MULTILINE)
    headings = re.findall(r"^###? (.*)$", PAGE, re.MULTILINE)
    shown = set()
    for heading, text in zip(headings, parts[1:], strict=True):
        numbers = re.findall(r"\d+", heading.partition("Eq.")[2].partition("{")[0])
        if numbers:
            assert len(hook.MATH.findall(text)) == 1 and hook.LINES.search(text), heading
        shown |= set(numbers)
    assert shown == {"6", "7", "8", "9", "12", "13", "14", "15", "16", "17"}
    assert len(hook.LINES.findall(PAGE)) == PAGE.count(' "lines")')


def test_the_lines_are_those_that_run(hook):
    for name, link in hook.LINES.findall(PAGE):
        path = (ROOT / "docs" / link).resolve()
        number, code = hook.lines(path, name)
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        function = inspect.unwrap(pkgutil.resolve_name(f"{module}:{name}"))
        source, first = inspect.getsourcelines(function)
        assert number == first
        text = inspect.cleandoc("".join(source)) if "." in name else "".join(source)
        docstring = inspect.getdoc(function)
        assert len(code.splitlines()) < len(source) or docstring is None
        compiled = compile(code, name, "exec")
        assert docstring is None or docstring.splitlines()[-1] not in code
        (made,) = [part for part in compiled.co_consts if hasattr(part, "co_code")]
        # The same names in the same order: nothing of the body is lost with the docstring.
        assert made.co_names == function.__code__.co_names, text
        assert made.co_varnames == function.__code__.co_varnames


def test_a_function_that_is_gone_is_named(hook):
    with pytest.raises(ValueError, match="similarity.py must have one function 'gone'; it has 0"):
        hook.listing("../keras_amid/losses/similarity.py", "gone")


def test_the_readme_names_functions_that_exist(hook):
    rows = re.findall(r"\]\((keras_amid/\S+\.py)\): (.*) \|$", README, re.MULTILINE)
    named = [(path, name) for path, names in rows for name in re.findall(r"`([\w.]+)`", names)]
    assert len(named) >= 10
    for path, name in named:
        assert hook.lines(ROOT / path, name)[1]
