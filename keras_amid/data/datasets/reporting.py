"""The report of a preparation, as text: counts, and what became of whatever is not as it should."""

from __future__ import annotations

import re
from collections.abc import Iterable

_IDS = 20  # samples of one kind that are named; `report.json` has them all
_KINDS = 20  # kinds under one title
_SPECIFIC = re.compile(r"\S*\d\S*")  # numbers and file names: what differs within a kind


def counts_table(columns: dict[str, dict[str, int]]) -> list[str]:
    """Returns the lines of a table of counts.

    Args:
        columns: Dict title -> dict split -> number of samples; "total" where the splits do not add
            up to it. The first has all the splits; empty ones are left out.
    """
    columns = {title: counts for title, counts in columns.items() if counts}
    splits = list(next(iter(columns.values())))
    lines = [f"  {'split':<12}" + "".join(f"{title:>9}" for title in columns)]
    for split in [*splits, "total"]:
        cells = [_count(counts, split, splits) for counts in columns.values()]
        lines.append(f"  {split:<12}" + "".join(f"{cell:>9}" for cell in cells))
    return lines


def _count(counts, split, splits):
    if split == "total" and set(splits) <= set(counts):
        return counts.get(split, sum(counts[name] for name in splits))
    return counts.get(split, "-")


def by_reason(title: str, items: Iterable[dict[str, str]], ids: int = _IDS) -> list[str]:
    """Returns lines that count and name what stands under a title, the most frequent kind first.

    Reasons that differ in numbers and file names only are of one kind.

    Args:
        title: Stands above, with the number of all.
        items: Dicts with `id` and `reason`.
        ids: How many are named of one kind.
    """
    kinds: dict[str, list[dict[str, str]]] = {}
    for item in items:
        kinds.setdefault(_SPECIFIC.sub("#", item["reason"]), []).append(item)
    lines = [f"{title}: {sum(map(len, kinds.values()))}"]
    ordered = sorted(kinds.values(), key=lambda kind: (-len(kind), kind[0]["reason"]))
    lines += [f"  {_describe(kind, ids)}" for kind in ordered[:_KINDS]]
    if len(ordered) > _KINDS:
        more = sum(map(len, ordered[_KINDS:]))
        lines.append(f"  {more} x other reasons, {len(ordered) - _KINDS} in all: see report.json")
    return lines


def _describe(kind, ids):
    several = len({item["reason"] for item in kind}) > 1
    named = [item["id"] for item in kind[:ids]]
    if len(kind) > ids:
        named.append(f"and {len(kind) - ids} more, see report.json")
    alike = " and the like" if several else ""
    return f"{len(kind)} x {kind[0]['reason']}{alike}: {', '.join(named)}"
