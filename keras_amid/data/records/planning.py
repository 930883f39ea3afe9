"""Which rows go into which shard of records that grow: what is whole and unchanged stays."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence


def digests(rows: Sequence[Mapping]) -> dict[str, str]:
    """Returns dict id -> a text that differs where rows do, in the order of the rows."""
    texts = {row["id"]: json.dumps(row, sort_keys=True) for row in rows}
    return {name: hashlib.sha256(text.encode()).hexdigest()[:16] for name, text in texts.items()}


def plan_shards(
    samples: Sequence[dict], shard_size: int, whole: Mapping[int, Mapping[str, str]]
) -> dict[int, list[dict]]:
    """Divides rows into shards.

    Whatever part of the plan has been carried out, the plan that is made then is the same: several
    processes may each make it and write their part.

    Args:
        samples: Rows with `id`.
        shard_size: Rows a shard.
        whole: Number of a shard that is whole -> dict id -> digest of its rows, in their order.

    Returns:
        Dict number of a shard -> its rows. A whole shard whose rows are among the samples, none
        changed, keeps them. The others fill new shards in their order, under free numbers.
    """
    wanted = digests(samples)
    rows = {row["id"]: row for row in samples}
    plan: dict[int, list[dict]] = {}
    taken: set[str] = set()
    for number, known in sorted(whole.items()):
        if known.items() <= wanted.items() and taken.isdisjoint(known):
            plan[number] = [rows[name] for name in known]
            taken |= set(known)
    rest = [row for row in samples if row["id"] not in taken]
    free = (number for number in itertools.count() if number not in plan)
    for first in range(0, len(rest), shard_size):
        plan[next(free)] = rest[first : first + shard_size]
    return dict(sorted(plan.items()))
