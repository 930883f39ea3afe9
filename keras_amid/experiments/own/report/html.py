"""Pieces of HTML. Whatever comes from data or users is text: only `Markup` is taken as it is."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

_VOID = ("img", "meta")


class Markup(str):
    """HTML that these functions made."""


def text(value: Any) -> Markup:
    """A value as HTML: escaped, unless it is `Markup`."""
    return value if isinstance(value, Markup) else Markup(html.escape(str(value)))


def tag(name: str, *content: Any, **attributes: Any) -> Markup:
    """An element; `class_` is the attribute class, `data_x` is data-x."""
    listed = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    end = "" if name in _VOID else f"</{name}>"
    return Markup(f"<{name}{listed}>{joined(content)}{end}")


def joined(parts: Iterable[Any]) -> Markup:
    """HTML of several pieces, one after the other."""
    return Markup("".join(text(part) for part in parts))


def table(head: Sequence[Any], rows: Iterable[Sequence[Any]], words: bool = False) -> Markup:
    """A table that scrolls sideways where it is too wide.

    Args:
        head: of the columns; numbers are aligned to the right, all but the first column.
        rows: of as many cells each.
        words: whether the cells are words, aligned to the left.
    """
    lines = [tag("tr", *(tag("th", cell, scope="col") for cell in head))]
    body = [
        tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:]))
        for row in rows
    ]
    kind = "words" if words else None
    inner = tag("table", tag("thead", *lines), tag("tbody", *body), class_=kind)
    return tag("div", inner, class_="wide")


def section(title: str, *content: Any) -> Markup:
    """A section with a heading, and a place to link to."""
    name = "".join(c if c.isalnum() else "-" for c in title.lower())
    return tag("section", tag("h2", title), *content, id=name)


def details(summary: str, *content: Any) -> Markup:
    """What is shown on demand."""
    return tag("details", tag("summary", summary), *content)
