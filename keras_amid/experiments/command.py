"""The command line of a recipe: trains its rows, prints the table, exports a student."""

from __future__ import annotations

import argparse
import logging
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

import keras_amid as ka
from keras_amid.data.storage.one_writer import one_writer
from keras_amid.experiments import markdown, training
from keras_amid.experiments.config import Config, add_options
from keras_amid.experiments.exporting import export_and_compare
from keras_amid.experiments.recipe import Recipe
from keras_amid.experiments.run_card import run_card
from keras_amid.experiments.runs import Runs
from keras_amid.experiments.task import Task
from keras_amid.validation.exits import GOES_ON, Parser, finished


def main(
    config: Mapping[str, Any],
    smoke: Mapping[str, Any] | None,
    doc: str,
    arguments: Sequence[str] | None = None,
) -> None:
    """Runs a recipe: what its command line asks for.

    Args:
        config, smoke, doc: of the recipe; see `Recipe`.
        arguments: of the command line; None: those of the process.

    Raises:
        SystemExit: with 2 where an argument is wrong, 1 where the work failed, 130 after Ctrl-C;
            one line on the standard error says what and why.
    """
    recipe = Recipe(config, smoke, doc)
    parser = make_parser(recipe)
    options = vars(parser.parse_args(arguments))
    own = {name: options.pop(name) for name in ("out", "export", "no_export", "smoke")}
    out = own["out"]

    def work():
        made = recipe.make_config(own["smoke"], options)
        check_exportable(made, own["no_export"])
        task = recipe.task(made, out)
        task.check_sources()
        with one_writer(out):
            training.claim(out, {"backend": keras.backend.backend(), **made.recorded()})
            smoke = own["smoke"]
            export = own["export"] or (out if smoke else Path()) / "saved_models" / made.name
            # TensorFlow's warnings of functions traced for a second batch size.
            logging.getLogger("tensorflow").setLevel(logging.ERROR)
            run(task, None if own["no_export"] else export)
        return 0

    finished(parser, work, GOES_ON)


def make_parser(recipe: Recipe) -> argparse.ArgumentParser:
    """The command line of a recipe: its own options, and those of its configuration."""
    parser = Parser(description=recipe.doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    name, add = recipe.config["name"], parser.add_argument
    add("--out", type=Path, default=Path("build") / name, help="folder of all outputs "
        f"(default: build/{name})")  # fmt: skip
    add("--export", type=Path, help="folder of the served student of the last row and seed "
        f"(default: saved_models/{name}, with --smoke within --out)")  # fmt: skip
    add("--no-export", action="store_true", help="export nothing")
    add("--smoke", action="store_true", help="every line of the code on next to nothing, in --out")
    add_options(parser, recipe.task.config_class, recipe.config)
    return parser


def check_exportable(config: Config, no_export: bool) -> None:
    """Raises ValueError where the row to export teaches no student, or is a control."""
    last = config.rows[-1]
    row = config.row(last)
    if not no_export and (row.shuffled or not row.has_student):
        wanted = "that is no control" if row.shuffled else "whose student is taught"
        raise ValueError(
            f"`rows` must end with a row {wanted}, for it is exported; received {last!r} as the "
            "last one. Put another row last, or add --no-export."
        )


def run(task: Task, export: Path | None) -> None:
    """Trains and measures every row of every case, and prints what came out.

    Args:
        task: with its folder claimed.
        export: folder of the served student, or None.
    """
    start = time.monotonic()
    note = task.config.note()
    if note:
        print(note, flush=True)
    task.fill()
    done, tables = [Runs(task, case) for case in task.cases()], {}
    for runs in done:
        for row in runs.case.rows:
            figures = tables.setdefault(runs.case.table, {}).setdefault(row, [])
            figures.append(runs.figures(row))
    print(f"\n{write_table(task, tables)}")
    histories = done[0].histories()
    if histories:
        figure = task.folder / "training.png"
        ka.plots.training_figure(histories, figure)
        print(f"Figure: {figure}")
    if export is not None:
        print(export_last(done[-1], export, tables[done[-1].case.table]))
    print(f"{time.monotonic() - start:.0f} s on the {keras.backend.backend()} backend")


def write_table(task: Task, tables: Mapping[str, Mapping[str, list[dict]]]) -> str:
    """Writes `table.md`: the figures of every table, beside the paper's; returns its text."""
    config, parts = task.config, []
    for title, results in tables.items():
        table = markdown.results_table(
            config.columns, results, task.paper(title), task.unit, task.samples
        )
        parts.append(f"{title}\n\n{table}" if title else table)
    text = "\n".join(parts)
    (task.folder / "table.md").write_text(text, encoding="utf-8")
    return text


def export_last(runs: Runs, path: Path, figures: Mapping[str, list[dict]]) -> str:
    """Exports the student of the last row; returns what there is to say of it.

    Args:
        runs: done.
        path: folder of the served model's versions.
        figures: row -> its figures, one dict a seed, for the model card.
    """
    row, experiment = runs.case.rows[-1], runs.experiment
    card = run_card(runs, row, figures, shlex.join(["python", *sys.argv]))
    version, difference = export_and_compare(
        runs.trained(row), experiment.example(), path, experiment.class_names, card=card
    )
    return (
        f"Exported student of {row!r}: {version}, loaded and compared with predict: largest "
        f"difference {difference:.1e}"
    )
