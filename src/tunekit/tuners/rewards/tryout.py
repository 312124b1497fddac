"""What a few scores say about the reward that gave them.

Belongs here: the outcome of a try-out, and the doubts it raises.
Does not belong here: scoring (the other files of this folder).
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Literal, TypeAlias

from tunekit._text import plural
from tunekit._value import Value
from tunekit.errors import SettingInvalid

Expected: TypeAlias = int | Sequence[bool] | Sequence[int]
"""What people would prefer: the index of the best response, true or false for each, or indices from the best on."""

MIN_RESPONSES = 8
"""Responses below which a correlation with the length may be chance."""
LENGTH_CORRELATION = 0.9
"""Rank correlation with the length from which a reward is said to look at nothing else."""


class Doubt(Value):
    """Something that looks wrong with a reward."""

    rule: Literal["constant-reward", "length-only-reward", "sign-flipped-reward"]
    message: str
    """What is the case."""
    fix: str
    """The way out."""

    def __str__(self) -> str:
        return f"{self.rule}: {self.message} {self.fix}"


class Tryout(Value):
    """What a reward gave to a few responses."""

    scores: tuple[float, ...]
    """One per response, in order."""
    mean: float
    spread: float
    """Standard deviation of the scores; 0 means that there is nothing to learn from them."""
    warnings: tuple[Doubt, ...]
    """What looks wrong."""

    def __str__(self) -> str:
        scores = ", ".join(f"{score:.3g}" for score in self.scores)
        figures = f"{plural(len(self.scores), 'response')}: mean {self.mean:.3g}, spread {self.spread:.3g}"
        doubts = [f"warning {doubt}" for doubt in self.warnings]
        return "\n".join([figures, f"scores: {scores}", *doubts])


def tried(
    scores: Sequence[float], lengths: Sequence[int], expected_best: Expected | None
) -> Tryout:
    """The outcome of a try-out.

    Args:
        scores: One per response.
        lengths: Characters of each response.
        expected_best: See `Reward.try_on`.

    Raises:
        SettingInvalid: There is no response, or `expected_best` does not go with the responses.
    """
    if not scores:
        raise SettingInvalid(
            "There is no response to try the reward on.",
            hint="Pass a few, good ones and bad ones.",
            place="try_on",
        )
    goodness = None if expected_best is None else _goodness(expected_best, len(scores))
    return Tryout(
        scores=tuple(scores),
        mean=statistics.fmean(scores),
        spread=statistics.pstdev(scores),
        warnings=tuple(_doubts(scores, lengths, goodness)),
    )


def _doubts(
    scores: Sequence[float], lengths: Sequence[int], goodness: Sequence[int] | None
) -> Iterator[Doubt]:
    if len(set(scores)) == 1:
        if len(scores) > 1:
            yield Doubt(
                rule="constant-reward",
                message=f"All {len(scores):,} responses score {scores[0]:.3g}, so nothing can be learnt.",
                fix="Try good and bad responses; if they still score alike, correct the reward.",
            )
        return
    yield from _length_doubts(scores, lengths)
    if goodness is not None:
        yield from _sign_doubts(scores, goodness)


def _length_doubts(scores: Sequence[float], lengths: Sequence[int]) -> Iterator[Doubt]:
    if len(scores) < MIN_RESPONSES or len(set(lengths)) == 1:
        return
    correlation = statistics.correlation(_ranks(scores), _ranks(lengths))
    if abs(correlation) >= LENGTH_CORRELATION:
        favoured = "Longer" if correlation > 0 else "Shorter"
        fact = f"{favoured} responses score higher, with a rank correlation of {correlation:.2f}"
        yield Doubt(
            rule="length-only-reward",
            message=f"{fact}: it looks at the length only.",
            fix="Score what makes a response good, or add a reward that does.",
        )


def _sign_doubts(scores: Sequence[float], goodness: Sequence[int]) -> Iterator[Doubt]:
    right = wrong = 0
    for (score, good), (other_score, other_good) in combinations(
        zip(scores, goodness, strict=True), 2
    ):
        agreement = (score - other_score) * (good - other_good)
        right += agreement > 0
        wrong += agreement < 0
    if wrong > right:
        pairs = plural(right + wrong, "pair")
        yield Doubt(
            rule="sign-flipped-reward",
            message=f"The better response scores lower in {wrong:,} of {pairs}.",
            fix="Turn the sign of the reward, or exchange what it gives for right and for wrong.",
        )


def _ranks(values: Sequence[float]) -> list[float]:
    """The place of each value in their order; equal values share the mean of their places."""
    order = sorted(values)
    middle = {value: order.index(value) + (order.count(value) - 1) / 2 for value in set(values)}
    return [middle[value] for value in values]


def _goodness(expected_best: Expected, count: int) -> list[int]:
    """How good each response is expected to be; only the order of the numbers counts."""
    if isinstance(expected_best, int) and not isinstance(expected_best, bool):
        return _of_order([expected_best], count)
    given = [] if isinstance(expected_best, bool) else list(expected_best)
    if given and all(isinstance(good, bool) for good in given):
        if len(given) != count:
            raise _expectation_refused(
                f"There are {len(given):,} expectations for {plural(count, 'response')}."
            )
        return [int(good) for good in given]
    return _of_order(given, count)


def _of_order(order: Sequence[int], count: int) -> list[int]:
    goodness = [0] * count
    if not order or len(set(order)) != len(order) or not set(order) <= set(range(count)):
        raise _expectation_refused(
            f"The expected order {list(order)!r} does not name each of {plural(count, 'response')} at most once."
        )
    for place, index in enumerate(order):
        goodness[index] = len(order) - place
    return goodness


def _expectation_refused(fact: str) -> SettingInvalid:
    return SettingInvalid(
        fact,
        hint="Pass the index of the best response from 0, or true or false per response, or all indices, best first.",
        place="expected_best",
    )
