"""Compare methods on prepared data: rows x seeds, with paired tests and the shuffled control.

  keras-amid compare data/mine --target video --out runs/compared
  keras-amid compare data/mine --target video --rows "student alone" GMC CCL AMID --seeds 5

Every row has the same networks, data, batches and number of steps. The control is the last row with
its pairs shuffled: each training sample has the auxiliary modalities of another one. Whatever it
gains over the student alone is regularisation, so a gain counts only beyond it.

Killed and called again, it goes on where it was. In --out: report.html (open it in a browser),
table.md, config.toml (all settings; it repeats the comparison), and a folder a seed and row.
"""

from __future__ import annotations

from keras_amid.command.train import train

_DEFAULTS = {
    "rows": ["student alone", "teacher alone", "GMC", "CCL", "AMID"],
    "seeds": 3,
    "control": True,
    "out": "runs/compared",
}


def main(arguments: list[str], program: str) -> int:
    """See `keras_amid.command`."""
    return train(arguments, program, __doc__, _DEFAULTS, export=False)
