"""A data set with its networks and protocol: what recipes and `tables.py` run."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from keras_amid.experiments.case import Case
from keras_amid.experiments.config import Config
from keras_amid.experiments.experiment import Experiment


class Task(abc.ABC):
    """A data set with its networks and protocol.

    Args:
        config: its numbers.
        folder: whatever it writes.

    Attributes:
        config_class: class of `config`.
        unit, samples: what seeds and samples are, in plural, for people.
        reported_seeds: how many `tables.py` reports by default.
        class_names: of Fig. 3, or empty.
        reference_note: what `reference` is.
        remark: on the protocol, for the reader of the tables.
    """

    config_class: ClassVar[type[Config]] = Config
    unit: ClassVar[str] = "seeds"
    samples: ClassVar[str] = "samples"
    reported_seeds: ClassVar[int] = 8
    class_names: Sequence[str] = ()
    reference_note: str = ""
    remark: str = ""

    def __init__(self, config: Config, folder: str | Path):
        self.config, self.folder = config, Path(folder)

    @property
    def name(self) -> str:
        """Of files."""
        return self.config.name

    @property
    def variants(self) -> Mapping[str, tuple[str, ...]]:
        """Name -> auxiliary modalities; the first is that of all tables but Table 3."""
        return {"": ()}

    @property
    def given(self) -> tuple[float, float] | None:
        """Learning rate and weight decay of every row where nothing is searched, or None."""
        return self.config.rate, self.config.decay

    @property
    def reference(self) -> Mapping[str, Mapping[str, tuple[float, float | None]]]:
        """Row -> figure -> (percent, standard error or None), beside the results of `tables.py`."""
        return {
            row: {figure: (value, None) for figure, value in figures.items()}
            for row, figures in self.config.paper.items()
        }

    def described(self) -> dict[str, Any]:
        """What the model card says of data and inputs, as JSON values."""
        return {"data": {"name": self.config.title}}

    def paper(self, table: str) -> Mapping[str, Mapping[str, float]]:
        """Row -> figure -> percent, beside the results of a recipe's table."""
        del table
        return self.config.paper

    @staticmethod
    def default_folder(config: Config, out: Path) -> Path:
        """`folder` where `tables.py` is told none; `out` is that of the command."""
        del config
        return out / "data"

    def check_sources(self) -> None:
        """Raises ValueError where something is not given that a recipe needs."""
        return

    def check_data(self) -> None:
        """Raises ValueError where data are not there that `tables.py` needs."""
        return

    def fill(self) -> None:
        """What a recipe does once, before anything else, such as preparing the original files."""
        return

    def prepare(self, seed: int, tuning: bool) -> None:
        """Puts a seed's data on disk, once: killed and called again, it goes on.

        Args:
            seed: of the data.
            tuning: whether the seed is tuned on. Then nothing of a test split may be read, nor of
                the reported seeds' validation data.
        """
        return

    @abc.abstractmethod
    def open(self, seed: int, tuning: bool, variant: str) -> Experiment:
        """The experiment of a prepared seed, with the auxiliary modalities of a variant."""

    def cases(self) -> list[Case]:
        """What a recipe runs."""
        first, variant = self.config.seed, next(iter(self.variants))
        return [
            Case(f"seed-{seed}", seed, variant, "", self.config.controlled_rows)
            for seed in range(first, first + self.config.seeds)
        ]

    def open_case(self, case: Case) -> Experiment:
        """The experiment of a case, its data prepared first."""
        self.prepare(case.seed, tuning=False)
        return self.open(case.seed, False, case.variant)
