"""Which rows go into which shard of records that grow: what is there stays where it is."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence


def digests(rows: Sequence[Mapping]) -> dict[str, str]:
    """Returns dict id -> a text that differs where rows do, in the order of the rows."""
    texts = {row["id"]: json.dumps(row, sort_keys=True) for row in rows}
    return {name: hashlib.sha256(text.encode()).hexdigest()[:16] for name, text in texts.items()}


def plan_shards(
    samples: Sequence[dict], shard_size: int, known: Mapping[int, Iterable[str]]
) -> dict[int, list[dict]]:
    """Divides rows into shards.

    Whatever part of the plan has been carried out, the plan that is made then is the same: several
    processes may each make it and write their part.

    Args:
        samples: Rows with `id`.
        shard_size: Rows a shard.
        known: Number of a shard that was written before -> ids of its rows, in their order.

    Returns:
        Dict number of a shard -> its rows. Rows stay in the shard that they are in. Those in none
        fill new shards in their order, under free numbers.
    """
    rest = {row["id"]: row for row in samples}
    plan: dict[int, list[dict]] = {}
    for number, names in sorted(known.items()):
        rows = [rest.pop(name) for name in names if name in rest]
        if rows:
            plan[number] = rows
    new = list(rest.values())
    free = (number for number in itertools.count() if number not in plan)
    for first in range(0, len(new), shard_size):
        plan[next(free)] = new[first : first + shard_size]
    return dict(sorted(plan.items()))
