"""report.html, whole: one file, nothing is loaded from elsewhere."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from keras_amid.data.storage.files import replacing
from keras_amid.experiments.own.report import looks
from keras_amid.experiments.own.report.data import data
from keras_amid.experiments.own.report.html import Markup, joined, tag
from keras_amid.experiments.own.report.results import results, tiles
from keras_amid.experiments.own.report.style import CSS
from keras_amid.experiments.own.report.teaching import teaching


def write_report(outcome: Any, versions: dict[str, str], path: Path) -> Path:
    """Writes the report of a run.

    Args:
        outcome: `keras_amid.experiments.own.running.Outcome`.
        versions: name -> version, to be shown.
        path: of the file.

    Returns:
        `path`.
    """
    task = outcome.task
    config = (task.folder / "config.toml").read_text(encoding="utf-8")
    title = f"{task.config.title}: {task.config.rows[-1]}"
    target, auxiliary = " + ".join(task.config.target), " + ".join(task.config.auxiliary)
    sections = [
        results(outcome, teaching(outcome)), data(outcome), looks.curves(outcome),
        looks.classes(outcome), looks.map_of_representations(outcome), looks.retrieval(outcome),
        looks.settings(outcome, config, versions),
    ]  # fmt: skip
    body = tag(
        "main",
        tag("h1", f"{task.config.title}: a student of {target}, taught with {auxiliary}"),
        tag("p", time.strftime("%d %B %Y, %H:%M"), class_="soft"),
        _links(sections),
        tiles(outcome),
        *sections,
    )
    head = joined(
        [
            Markup('<meta charset="utf-8"><meta name="viewport" '),
            Markup('content="width=device-width, initial-scale=1">'),
            tag("title", title), tag("style", Markup(CSS)),
        ]
    )  # fmt: skip
    page = "<!doctype html>\n" + tag("html", tag("head", head), tag("body", body), lang="en")
    with replacing(path) as temporary:
        temporary.write_text(page + "\n", encoding="utf-8")
    return path


def _links(sections):
    found = [
        re.match(r'<section id="([^"]*)"><h2>(.*?)</h2>', section)
        for section in sections
        if section
    ]
    return tag("nav", *(tag("a", Markup(f[2]), href=f"#{f[1]}") for f in found if f is not None))
