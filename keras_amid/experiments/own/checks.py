"""What is looked into before any work: whether the data can be trained and tested on like this."""

from __future__ import annotations

import dataclasses
from collections import Counter

from keras_amid.data import PreparedData
from keras_amid.experiments.own.config import OwnConfig


def with_modalities(config: OwnConfig, data: PreparedData) -> OwnConfig:
    """The configuration with all modalities that are no target as auxiliary ones, if none is given.

    Raises:
        ValueError: a modality is unknown, stands twice, or there is none.
    """
    known = list(data.modalities)
    if not config.target:
        raise ValueError(f"`target` must name modalities among {known}; received none.")
    auxiliary = config.auxiliary
    if auxiliary is None:
        auxiliary = tuple(name for name in known if name not in config.target)
    names = (*config.target, *auxiliary)
    for argument, given in (
        ("target", config.target), ("auxiliary", auxiliary), ("extractor", config.extractor),
        ("checkpoint", config.checkpoint),
    ):  # fmt: skip
        for name in given:
            if name not in (names if argument in ("extractor", "checkpoint") else known):
                raise ValueError(
                    f"`{argument}` must be of modalities among {known}; received {name!r}."
                )
    if len(set(names)) < len(names):
        raise ValueError(
            f"`target` and `auxiliary` must be different modalities; received {list(names)}."
        )
    if not auxiliary and any(config.row(row).uses_auxiliary for row in config.rows):
        raise ValueError(
            f"`auxiliary` must name a modality beside {list(config.target)}; the data have {known}."
        )
    return dataclasses.replace(config, auxiliary=auxiliary)


def check_splits(config: OwnConfig, data: PreparedData) -> None:
    """Raises ValueError where a split, a class or a target is not there where it is needed."""
    for split in ("train", "test", *(["validation"] if config.trials else [])):
        if not data.counts.get(split):
            why = "--trials chooses on it" if split == "validation" else "it is needed"
            raise ValueError(
                f"`data` must have samples in the split {split!r}, for {why}; received "
                f"{str(data.folder)!r} with {data.counts}."
            )
    samples = {split: data.samples(split) for split in data.counts if data.counts[split]}
    labels = {
        split: Counter(row["label"] for row in rows if row["label"] >= 0)
        for split, rows in samples.items()
    }
    unseen = sorted(set(labels["test"]) - set(labels["train"]))
    if unseen:
        names = ", ".join(repr(data.class_names[label]) for label in unseen)
        raise ValueError(
            f"`data` must have training samples of every class that is tested; received none of "
            f"{names}."
        )
    count = min(len(samples["train"]), config.limit or len(samples["train"]))
    if config.batch > count:
        raise ValueError(
            f"`batch` must be at most the {count} training samples; received {config.batch}."
        )
    _check_auxiliary(config, samples["train"])
    for split, rows in samples.items():
        for name in config.target:
            lacking = [row["id"] for row in rows if name in row.get("missing", ())]
            if lacking:
                raise ValueError(
                    f"`target` must be there in every row; {name!r} is missing in {len(lacking)} "
                    f"of the split {split!r}, such as {lacking[0]!r}."
                )


def _check_auxiliary(config, rows):
    """Raises ValueError where no training sample has what is to teach."""
    auxiliary = list(config.auxiliary or ())
    for names in (*([name] for name in auxiliary), auxiliary):
        if not any(set(names).isdisjoint(row.get("missing", ())) for row in rows):
            raise ValueError(
                f"`auxiliary` must be there, all of it, in training samples; {names} is in none of "
                f"the {len(rows)}."
            )
