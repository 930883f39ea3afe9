"""Where a recipe trains its rows."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Case:
    """The data of one column of runs: a seed, a world, or a fold.

    Attributes:
        folder: of its runs, below that of the recipe; a/b.
        seed: see `Task.prepare`.
        variant: of auxiliary modalities; see `Task.variants`.
        table: title of the table that its figures go to; empty where there is one table.
        rows: names of rows.
    """

    folder: str
    seed: int
    variant: str
    table: str
    rows: tuple[str, ...]
