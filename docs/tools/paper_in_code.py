"""A MkDocs hook: lines of code, taken from their file when the site is built, and formulas.

A line of a page such as

    [`AMID.distillation_loss`](../keras_amid/amid/amid.py "lines")

is a link in the repository; on the site the lines of that function stand in its place, without
its docstring. A fenced block of `math` (LaTeX) becomes MathML, which browsers draw by themselves.
"""

from __future__ import annotations

import ast
import html
import re
import textwrap
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
LINES = re.compile(r"^\[`([\w.]+)`\]\((\S+\.py) \"lines\"\)$", re.MULTILINE)
MATH = re.compile(r"^```math\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def on_page_markdown(markdown, page, config, files):
    """Puts the lines and the formulas in their places."""
    markdown = LINES.sub(lambda match: listing(match[2], match[1]), markdown)
    return MATH.sub(lambda match: formula(match[1]), markdown)


def listing(link: str, name: str) -> str:
    """A fenced block of a function's lines.

    Args:
        link: to its file, relative to docs/.
        name: of the function; `Class.method` of a method.
    """
    path = DOCS / link
    number, code = lines(path, name)
    title = f"{path.resolve().relative_to(DOCS.parent)}, line {number}"
    return f'```python title="{title}"\n{code}\n```'


def lines(path: Path, name: str) -> tuple[int, str]:
    """The number of a function's first line, and its text without the docstring.

    Raises:
        ValueError: there is no such function.
    """
    text = path.read_text(encoding="utf-8")
    body: list = ast.parse(text).body
    for part in name.split("."):
        found = [node for node in body if getattr(node, "name", None) == part]
        if len(found) != 1:
            raise ValueError(f"{path.name} must have one function {name!r}; it has {len(found)}.")
        (node,) = found
        body = node.body
    source = text.splitlines()
    kept = source[node.lineno - 1 : node.end_lineno]
    if ast.get_docstring(node) is not None:
        first, last = body[0].lineno - node.lineno, body[0].end_lineno - node.lineno
        kept = kept[:first] + kept[last + 1 :]
    return node.lineno, textwrap.dedent("\n".join(kept))


def formula(latex: str) -> str:
    """A formula as MathML, in a box of its own that scrolls where it is too wide."""
    from latex2mathml.converter import convert

    mathml = convert(" ".join(latex.split()), display="block")
    return f'<div class="formula" role="math" aria-label="{html.escape(latex)}">{mathml}</div>'
