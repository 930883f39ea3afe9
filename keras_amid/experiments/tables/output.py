"""What `tables.py` writes: tables in Markdown, the figures of every run in CSV, and plots."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from keras_amid.experiments.tables import figures
from keras_amid.experiments.tables.report import Report
from keras_amid.experiments.tables.results import Results
from keras_amid.experiments.tables.session import Session


def write_results(session: Session, folder: Path, command: str, took: str) -> tuple[str, Path]:
    """Writes the tables, the CSV and the plots.

    Args:
        session: done.
        folder: where to.
        command: to be shown as what made them.
        took: the time.

    Returns:
        The tables in Markdown, and the path they were written to.
    """
    plan, task = session.plan, session.plan.task
    runs = plan.results()
    results = Results(runs, next(iter(task.variants)))
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / f"{task.name}.csv", runs)
    text = Report(plan, results).markdown(command, took, session.failed)
    plots = figures.write(results, task, folder)
    path = folder / f"{task.name}.md"
    path.write_text(text + plots, encoding="utf-8")
    return text, path


def write_csv(path: Path, runs: Mapping[tuple, Mapping[int, dict]]) -> None:
    """One line a reported run: its settings and figures."""
    rows = []
    for (row, variant, changed), seeds in runs.items():
        for seed, result in sorted(seeds.items()):
            settings = result["settings"]
            measured = {k: v for k, v in result["figures"].items() if not isinstance(v, list)}
            rows.append(
                {"row": row, "variant": variant, "seed": seed}
                | {name: settings[name] for name in ("rate", "decay", "scale", "backend")}
                | {"changed": " ".join(f"{name}={value:g}" for name, value in changed)}
                | measured
                | {"seconds": round(result["seconds"], 2)}
            )
    names = list(dict.fromkeys(name for row in rows for name in row))
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
