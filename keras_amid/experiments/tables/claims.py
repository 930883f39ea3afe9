"""What the paper's tables claim, each as a paired comparison that the numbers decide."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from keras_amid.experiments import markdown
from keras_amid.experiments.comparison import Comparison
from keras_amid.experiments.rows import SHUFFLED, TWO_STEP
from keras_amid.experiments.tables.results import Results

#: A difference counts as shown where the paired test's p is below this (not corrected for many).
LEVEL = 0.05


@dataclasses.dataclass(frozen=True)
class Claim:
    """The first row's figure lies above the second's.

    Attributes:
        text: str, what the paper says of it.
        first, second: rows.
        figure: of the first row, and of the second unless `second_figure` is given.
    """

    text: str
    first: str
    second: str
    figure: str = "student top-1"
    second_figure: str | None = None


CLAIMS = (
    Claim("AMID's student beats the student alone (Table 1)", "AMID", "student alone"),
    Claim("so it does in retrieval (Table 2)", "AMID", "student alone", "student R@1"),
    *(Claim(f"AMID beats {other} (Table 1)", "AMID", other) for other in
      ("CRD", "CRCD", "GMC", "CCL")),
    *(Claim(f"{other} beats the student alone (Table 1)", other, "student alone") for other in
      ("CRD", "CRCD", "GMC", "CCL")),
    Claim("MIs beats the student alone (Table 4)", "MIs", "student alone"),
    Claim("the teacher falls under MIs alone (Table 4)",
          "teacher alone", "MIs", "teacher top-1"),
    Claim("MIa lifts the teacher above the teacher alone (Table 4)",
          "MIs+MIa", "teacher alone", "teacher top-1"),
    Claim("MIa lifts the student (Table 4)", "MIs+MIa", "MIs"),
    Claim("L_adv lifts the student (Table 4)", "AMID", "MIs+MIa"),
    Claim("L_adv costs the teacher a little (Table 4)", "MIs+MIa", "AMID", "teacher top-1"),
    Claim("Eq. 8 is better than CCL's NCE (Table 4)", "AMID", "AMID with NCE"),
    Claim("online distillation beats a fixed teacher (Table 5)", "AMID", "fixed teacher"),
    Claim("a warm-up helps (Table 5)", "AMID", "no warm-up"),
    Claim("D2 helps (Table 5)", "AMID", "no D2"),
    Claim("a dynamic lambda helps (Table 5)", "AMID", "uniform lambda"),
    Claim("the student stays below its teacher (Table 4)",
          "AMID", "AMID", "teacher top-1", "student top-1"),
    *(Claim(f"control: {row} beats the student alone", row, "student alone") for row in
      (TWO_STEP, "contrast, no teacher")),
    *(Claim(f"{row} beats the control {control}", row, control) for row in ("AMID", "CCL")
      for control in (TWO_STEP, "contrast, no teacher")),
    Claim("ours, not the paper's: M detached inside L_MIs beats AMID", "M detached", "AMID"),
    *(Claim(f"ours, not the paper's: {row} beats {other}", row, other)
      for row in ("direct AMID", "CCL + KL") for other in ("student alone", "AMID", "CCL")),
)  # fmt: skip


def sentences(results: Results) -> list[str]:
    """What holds and what does not, from the numbers: one sentence a claim whose rows are there.

    That a row beats the student alone holds only where it beats its control, too: with its pairs
    shuffled, or, where that was not run, the best row with its pairs shuffled.
    """
    lines = []
    for claim in (*CLAIMS, *_controls(results)):
        compared = results.compare(claim.first, claim.second, claim.figure, claim.second_figure)
        if compared is None:
            continue
        said, text = verdict(compared), f"{claim.text}: {difference(compared)}"
        control = _control(results, claim) if claim.second == "student alone" else None
        beyond = results.compare(claim.first, control, claim.figure) if control else None
        if beyond is not None:
            text += f"; over {control}: {difference(beyond)}"
            said = "does not show" if said == "holds" and verdict(beyond) != "holds" else said
        lines.append(f"**{said}**: {text}.")
    return lines


def _control(results, claim):
    """The row with its pairs shuffled that a claim's first row must beat, or None."""
    means = {
        row: np.mean(list(values))
        for row, _, _ in results.runs
        if row.endswith(SHUFFLED) and (values := results.values(row, claim.figure).values())
    }
    own = claim.first + SHUFFLED
    return own if own in means else max(means, key=means.__getitem__, default=None)


def _controls(results):
    """For every control that was run: its row beats it."""
    rows = dict.fromkeys(row for row, _, _ in results.runs if row.endswith(SHUFFLED))
    return [
        Claim("what {0} gains is knowledge of its pairs: {0} beats {0} with its pairs shuffled"
              .format(row.removesuffix(SHUFFLED)), row.removesuffix(SHUFFLED), row)
        for row in rows
    ]  # fmt: skip


def verdict(compared: Comparison) -> str:
    """ "holds", "does not show" or "the reverse shows", of a `Comparison`."""
    if not compared.p < LEVEL:
        return "does not show"
    return "holds" if compared.mean > 0 else "the reverse shows"


def difference(compared: Comparison) -> str:
    """A `Comparison` in words."""
    text = f"{compared.mean:+.1f}"
    if not math.isnan(compared.error):
        text += f" +- {compared.error:.1f}"
    text += " points"
    if not math.isnan(compared.p):
        text += f", p = {markdown.p_value(compared.p)}"
    return f"{text}, ahead in {compared.wins} of {compared.count} seeds"
