"""The rows of the paper's tables: which method each is, and with which arguments.

A new row is one more entry of `ROWS`, or a `Row` of your own:

    mine = Row(MyMethod, arguments={"my_weight": 0.5})
    model, callbacks = build(mine, target, auxiliary, Settings(num_classes=51, ...))
    compile_model(model, keras.optimizers.AdamW(1e-3), discriminator_rate=3e-4)
    model.fit(train, callbacks=callbacks, ...)
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

import keras_amid as ka


@dataclass(frozen=True)
class Settings:
    """What the rows take from a data set; a row uses what concerns it.

    Attributes:
        num_classes, representation_dim, projection, negative_slope: of every method; see
            `keras_amid.Distiller`.
        train_auxiliary, semi_supervised: likewise.
        temperature, mi_student_weight, mi_auxiliary_weight, adversarial_weight: of AMID.
        warmup_epochs, smoothing: of `keras_amid.AMIDSchedule`.
        weight_scale: factor on the default weight of a compared method's own loss.
        train_labels: integers (samples,), in the order of x["index"]; for the rows that need it.
        fixed_teacher: a trained model of the row `TEACHER`, for the row that needs it.
    """

    num_classes: int
    representation_dim: int
    projection: bool | str = "auto"
    negative_slope: float = 0.2
    train_auxiliary: bool = False
    semi_supervised: bool = False
    temperature: float = 0.5
    mi_student_weight: float = 4.0
    mi_auxiliary_weight: float = 1.6
    adversarial_weight: float = 1.0
    warmup_epochs: int = 20
    smoothing: float = 0.9
    weight_scale: float = 1.0
    train_labels: np.ndarray | None = None
    fixed_teacher: keras.Model | None = None


SHARED = (
    "num_classes",
    "representation_dim",
    "projection",
    "negative_slope",
    "train_auxiliary",
    "semi_supervised",
)
WEIGHTS = ("mi_student_weight", "mi_auxiliary_weight", "adversarial_weight")


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        method: name of a class in `keras_amid`, or a class that derives from
            `keras_amid.Distiller`.
        takes: names of the `Settings` that its constructor is given beyond `SHARED`.
        arguments: further constructor arguments, which win over the settings.
        schedule: arguments of `AMIDSchedule` that win over the settings, or None for a method
            without a schedule.
        weight: the constructor argument that weighs the method's own loss where the paper fixes
            none for AMID's comparison: it is multiplied by `Settings.weight_scale`.
        needs_index: whether the data must carry x["index"].
        side: what it teaches and is judged by: "student"; "teacher", the teacher alone; or
            "auxiliary", which has the auxiliary modalities in the target's place.
        named: whether the row `TEACHER` names the training samples that have no label, before
            this row trains on labels and names; see `Experiment.named_by`.
        callbacks: what makes the further callbacks that `fit` must have.
        shuffled: the control: each training sample has the auxiliary modalities of another one,
            see `keras_amid.data.shuffled_pairs`. Whatever the row gains like this over the student
            alone is regularisation, and no knowledge of the auxiliary modalities.
    """

    method: str | type[ka.Distiller]
    takes: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    schedule: Mapping[str, Any] | None = None
    weight: str | None = None
    needs_index: bool = False
    side: str = "student"
    named: bool = False
    shuffled: bool = False
    callbacks: tuple[Callable[[], keras.callbacks.Callback], ...] = ()

    @property
    def needs_teacher(self) -> bool:
        """Whether it needs a trained model of the row `TEACHER`: as `Settings.fixed_teacher`, or
        for the names."""
        return self.named or "fixed_teacher" in self.takes

    @property
    def has_student(self) -> bool:
        """Whether a student is taught."""
        return self.side == "student"

    @property
    def uses_auxiliary(self) -> bool:
        """Whether it has extractors of the auxiliary modalities."""
        return self.side == "auxiliary" or self.distiller.uses_teacher

    @property
    def distiller(self) -> type[ka.Distiller]:
        """The method's class."""
        return getattr(ka, self.method) if isinstance(self.method, str) else self.method


def _amid(schedule=None, takes=(), **arguments):
    return Row("AMID", ("temperature", *WEIGHTS, *takes), arguments, schedule or {})


TEACHER = "teacher alone"
AUXILIARY = "auxiliary alone"
TWO_STEP = "two-step pseudo-labels"
#: Behind the name of a row: its control, `Row.shuffled`.
SHUFFLED = ", pairs shuffled"

#: Name -> `Row`, in the order of the tables. The compared methods have their authors' form.
ROWS = {
    "student alone": Row("StudentOnly"),
    TEACHER: Row("TeacherOnly", side="teacher"),
    AUXILIARY: Row("StudentOnly", side="auxiliary"),
    # Controls: what plain ways give, of no paper compared here.
    TWO_STEP: Row("StudentOnly", named=True),
    "contrast, no teacher": Row("StudentContrast", weight="contrastive_weight"),
    "CRD": Row("CRD", ("train_labels",), weight="contrastive_weight", needs_index=True),
    "CRCD": Row(
        "CRCD",
        ("train_labels",),
        {"kl_weight": 0.9},
        weight="contrastive_weight",
        needs_index=True,
        callbacks=(ka.CRCDSchedule,),
    ),
    "GMC": Row("GMC", arguments={"per_modality": True}, weight="contrastive_weight"),
    "CCL": Row("CCL", arguments={"per_modality": True}, weight="contrastive_weight"),
    "AMID": _amid(),
    # Tables 4 and 5.
    "MIs": _amid(mi_auxiliary_weight=0.0, adversarial_weight=0.0),
    "MIs+MIa": _amid(adversarial_weight=0.0),
    "AMID with NCE": _amid(contrastive_loss="noise_contrastive"),
    "fixed teacher": _amid(takes=("fixed_teacher",)),
    "no warm-up": _amid(schedule={"warmup_epochs": 0}),
    "no D2": _amid(use_enhanced_discriminator=False),
    "uniform lambda": _amid(schedule={"smoothing": 1.0}),
    # Ours, not the paper's.
    "M detached": _amid(detach_teacher=True),
    "direct AMID": Row("DirectAMID", ("temperature", *WEIGHTS), schedule={}),
    "CCL + KL": Row(
        "CCL", arguments={"per_modality": True, "kl_weight": 1.0}, weight="contrastive_weight"
    ),
}


def find(row: str | Row, known: Mapping[str, Row] = ROWS, argument: str = "row") -> Row:
    """The `Row` of a name; a `Row` is returned as it is.

    Args:
        row: a `Row`, a name, or a name with `SHUFFLED` behind it.
        known: name -> `Row`.
        argument: what the name is called in messages.

    Raises:
        ValueError: for an unknown name, or the control of a row that has none.
    """
    if isinstance(row, Row):
        return row
    if row in known:
        return known[row]
    paired = known.get(row.removesuffix(SHUFFLED))
    if paired is None:
        raise ValueError(
            f"`{argument}` must be a Row or one of {list(known)} (for the control, followed by "
            f"{SHUFFLED!r}); received {row!r}."
        )
    if paired.shuffled or paired.needs_teacher or not paired.distiller.uses_teacher:
        raise ValueError(
            f"`{argument}` must be the control of a row that trains on pairs, without a teacher of "
            f"another row; received {row!r}."
        )
    return dataclasses.replace(paired, shuffled=True)


def modalities(model: ka.Distiller) -> tuple[str, ...]:
    """Names of the modalities that a model's training data must hold, its fixed teacher's too."""
    return tuple(name for name in model.training_inputs if name != "index")


def build(
    row: str | Row,
    target: Mapping[str, keras.layers.Layer],
    auxiliary: Mapping[str, keras.layers.Layer],
    settings: Settings,
) -> tuple[ka.Distiller, list[keras.callbacks.Callback]]:
    """The model of a row.

    Args:
        row: a `Row`, or a name in `ROWS`.
        target, auxiliary: modality -> extractor.
        settings: of the data.

    Returns:
        An uncompiled model, and the callbacks that `fit` must have.

    Raises:
        ValueError: for an unknown row, or one whose train_labels or teacher the settings lack.
    """
    entry = find(row)
    arguments = {key: getattr(settings, key) for key in (*SHARED, *entry.takes)}
    absent = [key for key, value in arguments.items() if value is None]
    if absent:
        raise ValueError(f"`settings` must have {absent} for the row {row!r}; received None.")
    if entry.weight is not None:
        default = inspect.signature(entry.distiller).parameters[entry.weight].default
        arguments[entry.weight] = default * settings.weight_scale
    if entry.side == "auxiliary":
        for extractor in auxiliary.values():  # frozen here if it is in the other rows
            extractor.trainable = settings.train_auxiliary
        target, auxiliary = auxiliary, {}
    model = entry.distiller(dict(target), dict(auxiliary), **{**arguments, **entry.arguments})
    callbacks = [make() for make in entry.callbacks]
    if entry.schedule is not None:
        schedule = {"warmup_epochs": settings.warmup_epochs, "smoothing": settings.smoothing}
        callbacks.append(ka.AMIDSchedule(**{**schedule, **entry.schedule}))
    return model, callbacks


def compile_model(
    model: ka.Distiller,
    optimizer: keras.optimizers.Optimizer,
    discriminator_rate: float,
    jit_compile: bool | str = "auto",
) -> None:
    """Compiles a row's model.

    Args:
        model: from `build`.
        optimizer: of the networks.
        discriminator_rate: learning rate of the discriminators' two optimizers,
            Adam(beta_1=.5), where the method has discriminators.
        jit_compile: as of `keras.Model.compile`.
    """
    if isinstance(model, ka.AMID):
        adams = [keras.optimizers.Adam(discriminator_rate, beta_1=0.5) for _ in range(2)]
        optimizer = ka.amid_optimizer(optimizer, *adams)
    model.compile(optimizer=optimizer, jit_compile=jit_compile)
