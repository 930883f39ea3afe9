"""Every table of a recipe, from one command: rows, seeds and trials, in processes, resumable.

Each row's learning rate and weight decay (and, of the compared methods, the weight of their own
loss) are tuned with the same number of trials, on validation data of other seeds than those
reported.

Every run is one JSON file, found again by its settings: a finished run is not run twice, and a
command that was killed goes on when called again. A job that fails is named, the others go on,
and the exit code is 1. Results are written in any case: <name>.md, .csv, and figures.
"""

from __future__ import annotations

import argparse
import functools
import os
import platform
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from keras_amid.data.storage.one_writer import one_writer
from keras_amid.experiments.config import add_options
from keras_amid.experiments.recipe import Recipe
from keras_amid.experiments.rows import ROWS
from keras_amid.experiments.tables.output import write_results
from keras_amid.experiments.tables.plan import BEYOND, TABLES, Plan
from keras_amid.experiments.tables.session import Session, execute
from keras_amid.experiments.tables.source import Source
from keras_amid.experiments.tables.workers import Workers
from keras_amid.validation.arguments import check_positive_int
from keras_amid.validation.exits import GOES_ON, Parser, finished


def main(
    arguments: Sequence[str] | None = None,
    *,
    program: str,
    doc: str | None = __doc__,
    recipe: Path | None = None,
) -> int:
    """Runs what the command line asks for and writes the results.

    Args:
        arguments: of the command line; None: those of the process.
        program: the command, as a user writes it.
        doc: what --help says.
        recipe: path of the recipe where --recipe names none.

    Returns:
        The exit code: 1 if a job failed.

    Raises:
        SystemExit: with 2 where an argument is wrong, 1 where the work failed, 130 after Ctrl-C.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    start = time.monotonic()
    parser, options, changed = parse(arguments, program, doc, recipe)
    command = shlex.join([*program.split(), *arguments])

    def work():
        plan, source = make_plan(options, changed)
        with one_writer(options.out):
            return _run(plan, source, options, command, start)

    return finished(parser, work, GOES_ON)


def _run(plan, source, options, command, start):
    function = functools.partial(execute, source=source, folder=plan.folder)
    with Workers(function, options.processes, options.out / "compiled") as workers:
        session = Session(plan, workers)
        session.all()
    backend = keras.backend.backend()
    took = (
        f"{session.ran} jobs in {(time.monotonic() - start) / 60:.1f} minutes in "
        f"{options.processes} processes on {os.cpu_count()} cores ({platform.machine()}), "
        f"{session.found} found finished; all its runs together "
        f"{session.minutes():.0f} minutes; {backend} backend, Keras {keras.__version__}."
    )
    text, path = write_results(
        session, options.results or options.out / "results",
        f"KERAS_BACKEND={backend} {command}", took,
    )  # fmt: skip
    print(f"{text}\nWritten: {path}")
    return 1 if session.failed else 0


def parse(
    arguments: Sequence[str], program: str, doc: str | None, recipe: Path | None
) -> tuple[argparse.ArgumentParser, argparse.Namespace, dict[str, Any]]:
    """The command line: the parser, the options, and the entries of CONFIG that they change."""
    which = argparse.ArgumentParser(prog=program, add_help=False, allow_abbrev=False)
    which.add_argument("--recipe", default=recipe)
    path = which.parse_known_args(arguments)[0].recipe
    parser = _parser(program, doc, recipe)
    names = []
    if path is not None:
        try:
            found = Recipe.load(path)
        except ValueError as error:
            parser.error(str(error))
        group = parser.add_argument_group(f"entries of CONFIG in {Path(path).name}")
        names = add_options(group, found.task.config_class, found.config, ("rows", "seed", "seeds"))
    options = parser.parse_args(arguments)
    return parser, options, {n: value for n, value in vars(options).items() if n in names}


def _parser(program, doc, recipe):
    parser = Parser(
        prog=program, description=doc, formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )  # fmt: skip
    add = parser.add_argument
    add("--recipe", type=Path, default=recipe, required=recipe is None,
        help="file of the recipe, wherever it is; its options are options here, too"
        + (f" (default: {recipe.name})" if recipe else ""))  # fmt: skip
    add("--out", type=Path, default=Path("build/tables"),
        help="folder of data and runs (default: build/tables)")  # fmt: skip
    add("--results", type=Path, help="folder of tables and figures (default: results within --out)")
    add("--data-folder", type=Path,
        help="where the data lie; of original files, the --out that their recipe has filled "
        "(default: data within --out, or build/<name>)")  # fmt: skip
    add(
        "--tables",
        type=int,
        nargs="+",
        choices=sorted(TABLES),
        help=f"of the paper; {BEYOND}: controls, and what is ours (default: the recipe's)",
    )
    add("--rows", nargs="+", metavar="ROW", help=f"only these of: {', '.join(ROWS)}")
    add("--seed", type=int, default=0, help="first reported seed (default: 0)")
    add("--seeds", type=int,
        help="number of reported seeds (default: 8, or all folds; 2 with --smoke)")  # fmt: skip
    add("--trials", type=int, help="settings tried for each row; 0: those given, as the paper's, "
        "where a recipe has some (default: 8; 2 with --smoke; 0 where none fits)")  # fmt: skip
    add("--tuning-seeds", type=int,
        help="seeds each trial is run on, from 100 on (default: 3; 1 with --smoke)")  # fmt: skip
    add("--processes", type=int, default=os.cpu_count(), help="(default: one a core)")
    add("--smoke", action="store_true", help="every line of the code on next to nothing")
    return parser


def make_plan(options: argparse.Namespace, changed: dict[str, Any]) -> tuple[Plan, Source]:
    """The plan of a command line, and where other processes find its task.

    Raises:
        ValueError: what does not fit.
    """
    check_positive_int("processes", options.processes)
    source = Source(
        recipe=str(options.recipe),
        smoke=options.smoke,
        changed=tuple(changed.items()),
        folder=options.data_folder,
        out=options.out,
    )
    task = source.task
    task.check_data()
    first = check_positive_int("seed", options.seed, at_least=0)
    seeds = _number(options, "seeds", task.reported_seeds, 2)
    plan = Plan(
        task,
        options.out / "runs",
        options.rows,
        options.tables or task.config.tables,
        range(first, first + check_positive_int("seeds", seeds)),
        _number(options, "trials", 8 if task.config.rates else 0, 2 if task.config.rates else 0),
        _number(options, "tuning_seeds", 3, 1),
    )
    return plan, source


def _number(options, name, full, smoke):
    given = getattr(options, name)
    return (smoke if options.smoke else full) if given is None else given
