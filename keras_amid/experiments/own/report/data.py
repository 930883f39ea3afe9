"""What was trained on what: modalities, counts, what was left out."""

from __future__ import annotations

from collections import Counter
from typing import Any

from keras_amid.experiments.own.report.html import Markup, details, section, table, tag

_CLASSES, _NAMED = 12, 50


def data(outcome: Any) -> Markup:
    """The section."""
    task = outcome.task
    found = task.material.data
    labels = {
        split: [row["label"] for row in found.samples(split)] for split in task.material.splits
    }
    return section(
        "Data",
        tag("p", f"{found.name}, ", tag("code", str(found.folder)), class_="soft"),
        _modalities(task),
        tag("h3", "Samples"),
        *_counts(found, labels, task.config.limit),
        *_left_out(found),
    )


def _modalities(task):
    material = task.material
    rows = []
    for name, given in material.inputs.items():
        role = "target" if name in task.config.target else "auxiliary"
        network = task.config.extractor.get(name) or material.names[name]
        fate = "frozen, run once" if name in material.frozen else "learns"
        if name in task.config.checkpoint:
            network = f"{network}, {task.config.checkpoint[name]}"
        shape = " x ".join(map(str, given.shape))
        rate = f", {given.sample_rate} Hz" if given.sample_rate else ""
        rows.append([name, role, f"{given.kind}, {shape}{rate}", network, fate])
    return table(["modality", "role", "as the network sees it", "network", ""], rows, words=True)


def _counts(found, labels, limit):
    splits = list(labels)
    counts = {split: Counter(values) for split, values in labels.items()}
    rows = [["all", *(len(labels[split]) for split in splits)]]
    if any(count[-1] for count in counts.values()):
        rows.append(["of these unlabelled", *(counts[split][-1] for split in splits)])
    classes = [
        [name, *(counts[split][label] for split in splits)]
        for label, name in enumerate(found.class_names)
    ]
    note = [tag("p", f"--limit: at most {limit} of each split were used.")] if limit else []
    if len(classes) <= _CLASSES:
        return [table(["class", *splits], rows + classes), *note]
    more = details(f"{len(classes)} classes", table(["class", *splits], classes))
    return [table(["", *splits], rows), more, *note]


def _left_out(found):
    items = [item for rows in found.left_out.values() for item in rows] + list(found.problems)
    if not items:
        return [tag("p", "Nothing was left out.", class_="soft")]
    reasons = Counter(item["reason"] for item in items)
    rows = [[item["id"], item["reason"]] for item in items[:_NAMED]]
    more = len(items) - len(rows)
    return [
        tag("h3", f"Left out: {len(items)}"),
        table(["reason", "samples"], reasons.most_common()),
        details("which", table(["sample", "reason"], rows, words=True),
                tag("p", f"and {more} more") if more else ""),
    ]  # fmt: skip
