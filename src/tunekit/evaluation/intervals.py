"""How sure a figure is.

Belongs here: confidence intervals for means and for differences of means.
Does not belong here: what is averaged (`metrics.py`).
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from tunekit._value import Value

_Z = 1.959964
"""Half-width of a 95 % interval in standard errors."""
_RESAMPLES = 2_000


class Score(Value):
    """A mean with its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def mean_score(values: Sequence[float]) -> Score:
    """The mean of values that say how right each row is.

    Where every value is 0 or 1 the interval is Wilson's, which is right for few rows and for shares near 0 or 1
    (https://doi.org/10.1080/01621459.1927.10502953); otherwise it is a percentile bootstrap.
    """
    if all(value in (0.0, 1.0) for value in values):
        return _wilson(sum(values), len(values))
    return mean_amount(values)


def mean_amount(values: Sequence[float]) -> Score:
    """The mean of values that count something, such as words, with a percentile bootstrap."""
    return _bootstrap(values)


def mean_difference(first: Sequence[float], second: Sequence[float]) -> Score:
    """The mean of `first` minus the mean of `second`, row by row: a paired percentile bootstrap."""
    return _bootstrap([a - b for a, b in zip(first, second, strict=True)])


def _wilson(successes: float, trials: int) -> Score:
    share = successes / trials
    scale = 1 + _Z**2 / trials
    middle = (share + _Z**2 / (2 * trials)) / scale
    half = _Z / scale * math.sqrt(share * (1 - share) / trials + _Z**2 / (4 * trials**2))
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Score(value=share, low=min(low, share), high=max(high, share))


def _bootstrap(values: Sequence[float]) -> Score:
    draw = random.Random(0)  # noqa: S311  # resampling, the same every time
    size = len(values)
    means = sorted(sum(draw.choices(values, k=size)) / size for _ in range(_RESAMPLES))
    return Score(
        value=sum(values) / size,
        low=means[round(0.025 * _RESAMPLES)],
        high=means[round(0.975 * _RESAMPLES) - 1],
    )
