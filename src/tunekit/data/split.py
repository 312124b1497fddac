"""Divides rows into two parts so that equal prompts stay together.

Belongs here: which row goes to which part.
Does not belong here: reading rows (`dataset.py`).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence


def held_out(groups: Sequence[bytes], fraction: float, seed: int) -> set[bytes]:
    """The groups that form the held-out part: about `fraction` of the rows, the same for one seed.

    Args:
        groups: For each row a digest of what must stay together.
        fraction: Share of the rows to hold out, between 0 and 1.
        seed: Draws another part.
    """
    sizes = Counter(groups)
    order = list(sizes)
    random.Random(seed).shuffle(order)  # noqa: S311  # not a secret
    target = fraction * len(groups)
    chosen: set[bytes] = set()
    taken = 0
    for group in order:
        if abs(taken + sizes[group] - target) <= abs(taken - target):
            chosen.add(group)
            taken += sizes[group]
        if taken >= target:
            break
    return chosen
