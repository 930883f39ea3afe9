"""The numbers of an experiment: a recipe's flat CONFIG as a frozen dataclass, and its options."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from keras_amid.experiments.rows import ROWS, SHUFFLED, Row, Settings, find
from keras_amid.validation.arguments import check_number, check_positive_int


def entry(
    default: Any = dataclasses.MISSING,
    help: str | None = None,
    *,
    free: bool = False,
    at_least: int = 1,
    **argument: Any,
) -> Any:
    """A field of a `Config`.

    Args:
        default: without one, CONFIG must have the entry.
        help: the command line has an option for the entry, described like this; None: it has none.
        free: results do not depend on the entry, so it may differ from call to call.
        at_least: of a field that is annotated int.
        **argument: of `argparse.ArgumentParser.add_argument`, for the option.
    """
    metadata = {"help": help, "free": free, "at_least": at_least, "argument": argument}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=default.copy, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What the CONFIG of every recipe holds; each kind of experiment adds entries of its own.

    Attributes:
        name: of files and folders.
        title: of the data set, for people.
        batch: samples a training step.
        epochs: of every training run.
        warmup_epochs: T_start of Eq. 14; see `used_warmup_epochs`.
        smoothing: of Eq. 14.
        temperature, mi_student_weight, mi_auxiliary_weight, adversarial_weight: of AMID.
        representation_dim: D.
        negative_slope: of the Leaky ReLU of the networks around the extractors.
        rate, decay: learning rate and weight decay of the main optimizer.
        own_settings: dict, row -> (rate, decay), of the rows that have others.
        discriminator_rate: learning rate of the discriminators.
        xla: on TensorFlow, compile steps with XLA: long to compile, fast to run.
        rows: names of the rows that a recipe trains; the last one's student is exported.
        own_rows: dict, name -> `Row`, beyond those of the package.
        control: whether the last row is also trained with its pairs shuffled; see `Row.shuffled`.
        seed, seeds: the first seed, and how many a recipe runs.
        columns: names of the figures that a recipe shows, in this order.
        paper: dict, row -> figure -> percent, to be printed beside the results.
        tables: numbers of the paper's tables that `tables.py` makes by default.
        rates, decays: (lowest, highest) learning rate and weight decay of its search; None: it
            cannot tune.
        tuning_seed: the first seed of its trials.
        workers: threads that read and write media; None: one a core.
        tensorboard: write logs for TensorBoard, under the names of `history.csv`.
    """

    #: The entries on which the data on disk depend.
    data_entries: ClassVar[tuple[str, ...]] = ()

    name: str = entry(free=True)
    title: str = entry(free=True)
    batch: int = entry()
    epochs: int = entry(help="of every run", type=int)
    warmup_epochs: int = entry(20, at_least=0)
    smoothing: float = entry(0.9)
    temperature: float = entry(0.5)
    mi_student_weight: float = entry(4.0)
    mi_auxiliary_weight: float = entry(1.6)
    adversarial_weight: float = entry(1.0)
    representation_dim: int = entry()
    negative_slope: float = entry(0.2)
    rate: float = entry()
    decay: float = entry()
    own_settings: Mapping = entry({})
    discriminator_rate: float = entry(3e-4)
    xla: bool = entry(True)
    rows: tuple = entry(
        ("student alone", "AMID"),
        f"of the paper's tables, the one to export last: {', '.join(ROWS)}",
        free=True,
        nargs="+",
        metavar="ROW",
    )
    own_rows: Mapping = entry({}, free=True)
    control: bool = entry(
        False,
        "also the last row's control, with the auxiliary modalities shuffled among the training "
        "samples: a gain counts only beyond it",
        free=True,
        action="store_true",
    )
    seed: int = entry(0, "the first", free=True, at_least=0, type=int)
    seeds: int = entry(1, "how many", free=True, type=int)
    columns: tuple = entry(
        ("student top-1", "teacher top-1", "student R@1", "student R@5"), free=True
    )
    paper: Mapping = entry({}, free=True)
    tables: tuple = entry((1, 2, 4, 5, 6), free=True)
    rates: tuple | None = entry(None, free=True)
    decays: tuple | None = entry(None, free=True)
    tuning_seed: int = entry(100, free=True, at_least=0)
    workers: int | None = entry(
        None, "threads that read and write media; default: one a core", free=True, type=int
    )
    tensorboard: bool = entry(False, "write logs for TensorBoard", free=True, action="store_true")

    @classmethod
    def of(cls, values: Mapping) -> Self:
        """The configuration of a flat dict.

        Args:
            values: CONFIG of a recipe; lists count as tuples.

        Raises:
            ValueError: an entry is unknown, missing or out of its range; which.
        """
        fields = {field.name: field for field in dataclasses.fields(cls)}
        unknown = [name for name in values if name not in fields]
        if unknown:
            raise ValueError(
                f"`CONFIG` must have entries of {cls.__name__} only, {list(fields)}; "
                f"received {unknown}."
            )
        missing = [
            name
            for name, field in fields.items()
            if name not in values and field.default is field.default_factory is dataclasses.MISSING
        ]
        if missing:
            raise ValueError(f"`CONFIG` must have the entries {missing}; received none of them.")
        values = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**values)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type == "int" or (field.type == "int | None" and value is not None):
                check_positive_int(field.name, value, field.metadata["at_least"])
            elif field.type == "float":
                check_number(field.name, value, at_least=0)
        for row in self.rows:
            self.row(row)
        if self.control:
            self.row(self.rows[-1] + SHUFFLED)

    @property
    def controlled_rows(self) -> tuple[str, ...]:
        """`rows`, with the last one's control before it where there is to be one."""
        *others, last = self.rows
        added = {last + SHUFFLED} - set(others) if self.control else ()
        return (*others, *added, last)

    def row(self, name: str) -> Row:
        """The `Row` of a name, of the package's or one of `own_rows`; ValueError for another."""
        known = ROWS | dict(self.own_rows)
        if name.removesuffix(SHUFFLED) not in known:
            raise ValueError(f"`rows` must be of {list(known)}; received {name!r}.")
        return find(name, known, "rows")

    @property
    def used_warmup_epochs(self) -> int:
        """Epochs of the warm-up: no more than a quarter of all, so that short runs have Eq. 14."""
        return min(self.warmup_epochs, self.epochs // 4)

    def note(self) -> str:
        """Says where the warm-up is shortened; empty where it is not."""
        if self.used_warmup_epochs == self.warmup_epochs:
            return ""
        return (
            f"Warm-up of {self.used_warmup_epochs} epochs in place of {self.warmup_epochs}: a "
            f"quarter of the {self.epochs} epochs."
        )

    def rate_and_decay(self, row: str) -> tuple[float, float]:
        """Learning rate and weight decay of a row; a control has those of its row."""
        own = self.own_settings.get(row, self.own_settings.get(row.removesuffix(SHUFFLED)))
        return tuple(own or (self.rate, self.decay))

    def row_settings(self, num_classes: int, train_labels: Any, **further: Any) -> Settings:
        """The `rows.Settings`.

        Args:
            num_classes: of the data.
            train_labels: integers (samples,), in the order of x["index"].
            **further: more of the settings.
        """
        return Settings(
            num_classes=num_classes,
            representation_dim=self.representation_dim,
            negative_slope=self.negative_slope,
            temperature=self.temperature,
            mi_student_weight=self.mi_student_weight,
            mi_auxiliary_weight=self.mi_auxiliary_weight,
            adversarial_weight=self.adversarial_weight,
            warmup_epochs=self.used_warmup_epochs,
            smoothing=self.smoothing,
            train_labels=train_labels,
            **further,
        )

    def recorded(self) -> dict[str, Any]:
        """The entries on which results depend, as values of JSON."""
        values = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if not field.metadata["free"]
        }
        return json.loads(json.dumps(values, default=_json))


def _json(value):
    """A data set with its options as a dict."""
    return {"class": type(value).__name__, **value.settings()}


def add_options(
    parser: argparse.ArgumentParser,
    kind: type[Config],
    values: Mapping,
    without: Sequence[str] = (),
) -> list[str]:
    """Gives a command line the options of a configuration.

    Args:
        parser: or a group of it; its namespace will hold only what was given.
        kind: class of the configuration.
        values: CONFIG, whose values the help shows.
        without: entries that get no option.

    Returns:
        Names of the entries that got one.
    """
    names = []
    for field in dataclasses.fields(kind):
        if field.metadata["help"] is None or field.name in without:
            continue
        default = values.get(field.name, field.default)
        shown = field.metadata["help"].replace("%", "%%")
        if default is not None and not isinstance(default, bool):
            listed = default if isinstance(default, (list, tuple)) else [default]
            shown += f" (default: {' '.join(map(str, listed))})"
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            default=argparse.SUPPRESS,
            help=shown,
            **field.metadata["argument"],
        )
        names.append(field.name)
    return names
