"""A prepared data set: what `prepare` returns."""

from __future__ import annotations

import dataclasses
import os
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from keras_amid.data.datasets import description
from keras_amid.data.datasets.modality import Modality, find_modalities
from keras_amid.data.datasets.reporting import by_reason, counts_table


@dataclasses.dataclass(frozen=True)
class PreparedData:
    """A data set in records, ready for training.

    Attributes:
        name: Of the data set.
        folder: Where it lies; the records of a split are in `records/<split>`.
        class_names: Tuple of str; label i is `class_names[i]`.
        counts: Dict split -> number of samples in the records.
        listed: Dict split -> number of samples in the official lists, where they tell.
        paper_counts: Dict split or "total" -> number of samples in the paper.
        paper_note: What has to be known to compare with them.
        left_out: Dict split -> list of {"id", "file", "reason"}, files that could not be used.
        problems: List of {"id", "reason"}: what did not fit when the official lists were read.
        notes: Dict split -> list of {"id", "file", "note"}, worth knowing although it was kept.
        settings: Dict, what the records were made with.
        modalities: Dict name -> `Modality`, over all splits.
    """

    name: str
    folder: Path
    class_names: tuple
    counts: dict
    listed: dict
    paper_counts: dict
    paper_note: str
    left_out: dict
    problems: list
    notes: dict
    settings: dict
    modalities: dict[str, Modality]

    @classmethod
    def open(cls, folder: str | os.PathLike) -> Self:
        """Opens what was prepared before; the original files are not needed any more.

        Args:
            folder: The `out` of the preparation.

        Raises:
            ValueError: There is none, it is not complete, or it is damaged.
        """
        from keras_amid.data.records.index import read_index

        folder = Path(folder)
        known = description.read_description(folder)
        if known is None:
            raise ValueError(
                f"`folder` must hold prepared data (a {description.NAME}); received {folder}."
            )
        filled = known["splits"]
        indexes = {
            split: read_index(folder / "records" / split) for split in filled if filled[split]
        }
        return cls(
            name=known["name"],
            folder=folder,
            class_names=tuple(known["class_names"]),
            counts={split: indexes[split]["count"] if split in indexes else 0 for split in filled},
            listed=known["listed"],
            paper_counts=known["paper_counts"],
            paper_note=known["paper_note"],
            left_out={split: index["left_out"] for split, index in indexes.items()},
            problems=known["problems"],
            notes={split: index["notes"] for split, index in indexes.items()},
            settings=known["settings"],
            modalities=find_modalities(indexes.values()),
        )

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def sample_rate(self) -> int | None:
        """Samples a second of the sound; None where there is no sound."""
        return self.settings.get("sample_rate")

    def records(self, split: str) -> Path:
        """Returns the folder of a split's records."""
        if not self.counts.get(split):
            filled = [name for name, count in self.counts.items() if count]
            raise ValueError(f"`split` must be one of {filled}; received {split!r}.")
        return self.folder / "records" / split

    def samples(self, split: str) -> list[dict[str, Any]]:
        """Lists a split's samples in the order of the records; see `read_samples`."""
        from keras_amid.data.records.index import read_samples

        return read_samples(self.records(split))

    def fold(self, session: int) -> tuple[list[str], str]:
        """Returns the splits of a fold of leave-one-session-out cross-validation.

        Args:
            session: 1 .. 5, the session to test on.

        Returns:
            (list of the splits to train on, the split to test on), both for `pipeline`.

        Raises:
            ValueError: There is no such session.
        """
        test = f"session-{session}"
        sessions = [split for split in self.counts if split.startswith("session-")]
        if test not in sessions:
            raise ValueError(f"`session` must be a number of {sessions}; received {session!r}.")
        return [split for split in sessions if split != test], test

    def pipeline(
        self, split: str | Sequence[str], batch_size: int, modalities: Any, **options
    ) -> Any:
        """Batches of a split; see `keras_amid.data.batches` for arguments and what is yielded.

        `x["present"]` is there in all splits where samples of any lack a modality.

        Args:
            split: Name of a split, or a list of names, read one after the other.
            batch_size: Samples a batch.
            modalities: Dict name -> how it is decoded, or a list of names.
            **options: Of `keras_amid.data.batches`.
        """
        from keras_amid.data.pipeline.batching import batches

        lacking = {
            name: {"encoding": known.encoding, "shape": known.shape}
            for name, known in self.modalities.items()
            if known.may_lack and name in modalities
        }
        options = {"may_lack": lacking, **options}
        splits = [split] if isinstance(split, str) else list(split)
        return batches([self.records(s) for s in splits], batch_size, modalities, **options)

    def report(self) -> str:
        """Returns text: counts beside the paper's, what was left out and why, and the notes."""
        columns = {"samples": self.counts, "listed": self.listed, "paper": self.paper_counts}
        left_out = [item for items in self.left_out.values() for item in items]
        notes = [{**n, "reason": n["note"]} for items in self.notes.values() for n in items]
        lines = [self.name, *counts_table(columns)]
        lines += textwrap.wrap(self.paper_note, 100)
        lines += by_reason("left out: files that cannot be used", left_out)
        lines += by_reason("left out or ignored: what does not fit the lists", self.problems)
        lines += by_reason("kept, but worth knowing", notes)
        return "\n".join(lines)


def read_prepared(folder: str | os.PathLike) -> PreparedData:
    """Opens what `prepare` wrote, of whatever data set; see `PreparedData.open`."""
    return PreparedData.open(folder)
