"""Handwritten numerals in several views: UCI's "Multiple Features"."""

from __future__ import annotations

import csv
import dataclasses
import gzip
from pathlib import Path
from typing import Any

import numpy as np

from keras_amid.experiments.few_labels.pairs import Pairs


@dataclasses.dataclass(frozen=True)
class Digits:
    """2,000 handwritten numerals, 200 of each digit, each in three views of one image.

    Attributes:
        path: table (.csv.gz), a line a numeral: its label, and the columns `<view>.<i>` of each
            view. `fac`: 216 profile correlations; `fou`: 76 Fourier coefficients, which rotation
            does not change; `zer`: 47 Zernike moments.

    Source: R. Duin, "Multiple Features", UCI Machine Learning Repository 1998, doi
    10.24432/C5HC70, CC BY 4.0.
    """

    path: Path

    views = ("fac", "fou", "zer")

    def check(self, raw: bool) -> None:
        """See `Source.check`: there are features only."""
        if raw:
            raise ValueError("`raw` must be False for the numerals, whose images are not there.")
        if not self.path.is_file():
            raise ValueError(f"`path` must be the table of the numerals; received {self.path}.")

    def read(self, raw: bool) -> Pairs:
        """See `Source.read`."""
        self.check(raw)
        with gzip.open(self.path, "rt", newline="", encoding="ascii") as file:
            head = next(csv.reader(file))
            table = np.loadtxt(file, delimiter=",")
        columns = {view: [n.split(".")[0] == view for n in head] for view in self.views}
        x = {view: table[:, chosen].astype("float32") for view, chosen in columns.items()}
        y = table[:, head.index("label")].astype("int32")
        return Pairs(x, y, [str(digit) for digit in range(10)])

    def settings(self) -> dict[str, Any]:
        """See `Source.settings`: results do not depend on where the table lies."""
        return {}
