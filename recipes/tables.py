"""Every row of the paper's tables, from one command: Tables 1 to 6, Figures 3 to 5.

    KERAS_BACKEND=jax python recipes/tables.py --out build/tables

By default on the ripple tank: 15 rows and the sweeps of Table 6 in 8 worlds, 611 jobs, 28 minutes
on two cores (recipes/results/ripple_tank.md). Each row's learning rate and weight decay (and, of
the compared methods, the weight of their own loss) are tuned with the same number of trials, on the
validation clips of other worlds, which have no test clips. JAX is the fastest backend for networks
as small as these.

Every run is one JSON file, found again by its settings: a finished run is not run twice, and a
command that was killed goes on when called again. A job that fails is named, the others go on,
and the exit code is 1. Results are written in any case: <data>.md, .csv, and figures.
"""

import argparse
import csv
import functools
import os
import platform
import shlex
import sys
import time
from pathlib import Path

import keras
from tqdm.auto import tqdm

from keras_amid.experiments import rows as methods
from keras_amid.experiments.tables import figures as tables_figures
from keras_amid.experiments.tables.jobs import Prepare, Run, execute
from keras_amid.experiments.tables.plan import TABLES, Plan
from keras_amid.experiments.tables.report import Report
from keras_amid.experiments.tables.results import Results
from keras_amid.experiments.tables.workers import Workers
from keras_amid.experiments.task import TASKS, task_class


def parse(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--out", type=Path, default=Path("build/tables"),
        help="folder of data and runs (default: build/tables)")  # fmt: skip
    add("--results", type=Path, help="folder of tables and figures (default: results within --out)")
    add(
        "--data",
        default="ripple_tank",
        help=f"one of {', '.join(TASKS)}, or module:class of a task.Task (default: ripple_tank)",
    )
    add(
        "--data-folder",
        type=Path,
        help="where the data lie; of the real ones the --out that their recipe has filled "
        "(default: data within --out, or build/<data>)",
    )
    add("--tables", type=int, nargs="+", choices=sorted(TABLES), help="(default: 1 2 4 5 6, "
        "or those of the data set)")  # fmt: skip
    add(
        "--rows",
        nargs="+",
        choices=list(methods.ROWS),
        metavar="ROW",
        help=f"only these of: {', '.join(methods.ROWS)}",
    )
    add("--seed", type=int, default=0, help="first reported seed (default: 0)")
    add("--seeds", type=int, help="number of reported seeds (default: 8; 2 with --smoke)")
    add("--trials", type=int, help="settings tried for each row; 0: those given, as the paper's, "
        "where a data set has some (default: 8; 2 with --smoke)")  # fmt: skip
    add(
        "--tuning-seeds",
        type=int,
        help="seeds each trial is run on, from 100 on (default: 3; 1 with --smoke)",
    )
    add("--epochs", type=int, help="(default: the data set's)")
    add("--processes", type=int, default=os.cpu_count(), help="(default: one a core)")
    add("--smoke", action="store_true", help="every line of the code on next to nothing")
    return _completed(parser, parser.parse_args(arguments))


def _completed(parser, options):
    for name, (full, smoke) in {"seeds": (8, 2), "trials": (8, 2), "tuning_seeds": (3, 1)}.items():
        if getattr(options, name) is None:
            setattr(options, name, smoke if options.smoke else full)
    for name, least in (("seeds", 1), ("trials", 0), ("tuning_seeds", 1), ("processes", 1),
                        ("epochs", 1), ("seed", 0)):  # fmt: skip
        value = getattr(options, name)
        if value is not None and value < least:
            parser.error(f"--{name.replace('_', '-')} must be at least {least}; received {value}")
    options.results = options.results or options.out / "results"
    return options


class Session:
    """One call of the command: does jobs, shows how far it is, collects what failed.

    Args:
        plan: `Plan`.
        workers: `Workers`.
    """

    def __init__(self, plan, workers):
        self.plan, self.workers, self.failed = plan, workers, []
        self.ran = self.found = 0
        self.without_data = set()
        self.bar = tqdm(total=plan.size(), unit="job", smoothing=0, desc=plan.task.name)

    def do(self, jobs):
        """Does the jobs that are not done yet, on the seeds whose data are there."""
        todo = [job for job in jobs if not self._is_done(job)]
        todo = [job for job in todo if (job.seed, job.tuning) not in self.without_data]
        done = len(jobs) - len(todo)
        self.found += done
        self.bar.initial += done  # they say nothing about the time left
        self.bar.n += done
        self.bar.last_print_n += done
        self.bar.refresh()
        for job, error in self.workers.run(todo):
            self.ran += 1
            self.bar.update()
            if error is not None:
                self.failed.append((job.name, error))
                if isinstance(job, Prepare):
                    self.without_data.add((job.seed, job.tuning))
                self.bar.write(f"Failed: {job.name}\n{error}", file=sys.stderr)

    def all(self):
        """Every job of the plan, in the order in which they need each other."""
        plan = self.plan
        self.do(plan.preparation())
        self.do(plan.tuning(after_teacher=False))
        plan.choose()
        self.do(plan.tuning(after_teacher=True) + plan.reported(after_teacher=False))
        plan.choose()
        self.do(plan.reported(after_teacher=True))
        self.bar.close()

    def _is_done(self, job):
        if isinstance(job, Run):
            return job.result(self.plan.task, self.plan.folder) is not None
        return False  # preparing what is there is quick


def write_csv(path, runs):
    """One line a reported run: its settings and figures."""
    rows = []
    for (row, variant, changed), seeds in runs.items():
        for seed, result in sorted(seeds.items()):
            settings = result["settings"]
            figures = {k: v for k, v in result["figures"].items() if not isinstance(v, list)}
            rows.append(
                {"row": row, "variant": variant, "seed": seed}
                | {name: settings[name] for name in ("rate", "decay", "scale", "backend")}
                | {"changed": " ".join(f"{name}={value:g}" for name, value in changed)}
                | figures
                | {"seconds": round(result["seconds"], 2)}
            )
    names = list(dict.fromkeys(name for row in rows for name in row))
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def make_plan(options):
    """The `Plan` of the command line; what does not fit ends the command."""
    try:
        kind = task_class(options.data)
        folder = options.data_folder or kind.default_folder(options.out)
        task = kind(folder, options.epochs, options.smoke)
        return Plan(
            task,
            options.out / "runs",
            options.rows,
            options.tables or task.tables,
            range(options.seed, options.seed + options.seeds),
            options.trials,
            options.tuning_seeds,
        )
    except ValueError as error:
        sys.exit(f"tables.py: {error}")


def write_results(session, folder, command, took):
    """Writes the tables, the CSV and the figures.

    Args:
        session: `Session`, done.
        folder: `Path`.
        command: str, to be shown as what made them.
        took: str, the time.

    Returns:
        Tuple of the tables' Markdown and the `Path` it was written to.
    """
    plan, task = session.plan, session.plan.task
    runs = plan.results()
    results = Results(runs, next(iter(task.variants)))
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / f"{task.name}.csv", runs)
    text = Report(plan, results, task).markdown(command, took, session.failed)
    figures = tables_figures.write(results, task, folder)
    path = folder / f"{task.name}.md"
    path.write_text(text + figures, encoding="utf-8")
    return text, path


def main(arguments=None):
    """Runs what the command line asks for and writes the results.

    Returns:
        int, the exit code: 1 if a job failed.
    """
    options = parse(arguments)
    plan = make_plan(options)
    start = time.monotonic()
    function = functools.partial(execute, task=plan.task, folder=plan.folder)
    with Workers(function, options.processes, options.out / "compiled") as workers:
        session = Session(plan, workers)
        session.all()
    words = shlex.join(sys.argv[1:] if arguments is None else arguments)
    backend = keras.backend.backend()
    took = (
        f"{session.ran} jobs in {(time.monotonic() - start) / 60:.1f} minutes in "
        f"{options.processes} processes on {os.cpu_count()} cores ({platform.machine()}), "
        f"{session.found} found finished; {backend} backend, Keras {keras.__version__}."
    )
    command = f"KERAS_BACKEND={backend} python recipes/tables.py {words}".strip()
    text, path = write_results(session, options.results, command, took)
    print(f"{text}\nWritten: {path}")
    return 1 if session.failed else 0


if __name__ == "__main__":
    sys.exit(main())
