"""Divides rows into two parts so that what belongs together, such as rows with equal prompts, stays together.

Belongs here: which row goes to which part.
Does not belong here: reading rows (`dataset.py`).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

ItemT = TypeVar("ItemT")
GroupT = TypeVar("GroupT", bound=Hashable)


def held_out(groups: Sequence[GroupT], fraction: float, seed: int) -> set[GroupT]:
    """The groups that form the held-out part: about `fraction` of the rows, the same for one seed.

    Args:
        groups: For each row what it must stay together with, such as a digest of its prompt.
        fraction: Share of the rows to hold out, between 0 and 1.
        seed: Draws another part.
    """
    sizes = Counter(groups)
    order = list(sizes)
    random.Random(seed).shuffle(order)  # noqa: S311  # not a secret
    target = fraction * len(groups)
    chosen: set[GroupT] = set()
    taken = 0
    for group in order:
        if abs(taken + sizes[group] - target) <= abs(taken - target):
            chosen.add(group)
            taken += sizes[group]
        if taken >= target:
            break
    return chosen


def parted(
    items: Sequence[ItemT], fraction: float, *, group: Callable[[ItemT], Hashable], seed: int
) -> tuple[list[ItemT], list[ItemT]]:
    """Most of the items, and about `fraction` of them, but at least one, that are held out; both in their order.

    Args:
        items: At least two.
        fraction: Share of the items to hold out, between 0 and 1.
        group: Items of equal groups stay together; where all are of one group, they are parted one by one.
        seed: Draws another part.
    """
    groups = [group(item) for item in items]
    if len(set(groups)) == 1:
        groups = list(range(len(items)))
    chosen = held_out(groups, fraction, seed) or {groups[0]}
    learnt = [item for item, key in zip(items, groups, strict=True) if key not in chosen]
    return learnt, [item for item, key in zip(items, groups, strict=True) if key in chosen]
