"""What is ours, not the paper's: departures from AMID, off by default."""

from __future__ import annotations

import dataclasses
from typing import Any

from keras import ops


@dataclasses.dataclass(frozen=True)
class Departures:
    """Changes to AMID that the paper does not have.

    Attributes:
        detach_teacher: M is detached inside L_MIs, so that the student's alignment cannot weaken
            the teacher. The student's top-1 rises from 41.3 to 51.4 % on the ripple
            tank, from 66.1 to 72.1 % on the numerals, from 59.7 to 63.8 % on the smartwatch
            (docs/evidence.md).
        normalize_positives: the positives' part of Eq. 8 is divided by their number k. Then there
            is no bound (Eq. 6) to log.
    """

    detach_teacher: bool = False
    normalize_positives: bool = False

    def aligned_teacher(self, m: Any):
        """M as L_MIs sees it, shape `(batch, D)`."""
        return ops.stop_gradient(m) if self.detach_teacher else m
