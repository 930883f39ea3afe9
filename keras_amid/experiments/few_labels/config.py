"""The numbers of an experiment on paired measurements, few of them labelled."""

from __future__ import annotations

import dataclasses

from keras_amid.experiments.config import Config, entry
from keras_amid.experiments.few_labels.pairs import Source


@dataclasses.dataclass(frozen=True, kw_only=True)
class FewLabelsConfig(Config):
    """What CONFIG holds beside the entries of `Config`.

    Attributes:
        source: where the pairs come from.
        target: view that the student has.
        auxiliary: view that only training has.
        labels: training pairs with a label.
        unlabelled: training pairs without one.
        all_labelled: leave these out.
        raw: signals in place of their features, where the source has them.
        validation, test: samples.
        validation_groups, test_groups: of a source with groups; see `pairs.divide`.
        halving_seed: of a source without; see there.
        units: sizes of the perceptrons' layers.
        steps: training steps an epoch: batches mix both kinds half and half, so an epoch is a
            round of steps.
        evaluation_batch: samples at a time in evaluating; it divides the sizes of the splits, so
            that one shape is compiled.
    """

    source: Source = entry()
    target: str = entry(help="view that the student has")
    auxiliary: str = entry(help="view that only training has")
    labels: int = entry(help="training pairs with a label", type=int)
    unlabelled: int = entry(at_least=0)
    all_labelled: bool = entry(
        False, "leave the training pairs without a label out", action="store_true"
    )
    raw: bool = entry(
        False, "the signals in place of their features, where the data have them",
        action="store_true",
    )  # fmt: skip
    validation: int = entry()
    test: int = entry()
    validation_groups: int = entry(at_least=0)
    test_groups: int = entry(at_least=0)
    halving_seed: int = entry(at_least=0)
    units: tuple = entry()
    steps: int = entry()
    evaluation_batch: int = entry(free=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("target", "auxiliary"):
            if getattr(self, name) not in self.source.views:
                raise ValueError(
                    f"`{name}` must be of {list(self.source.views)}; received "
                    f"{getattr(self, name)!r}."
                )
        if self.target == self.auxiliary:
            raise ValueError(
                f"`auxiliary` must be another view than `target`; received {self.target!r} twice."
            )

    def sizes(self) -> dict[str, int]:
        """Split -> samples."""
        train = self.labels + (0 if self.all_labelled else self.unlabelled)
        return {"train": train, "validation": self.validation, "test": self.test}
