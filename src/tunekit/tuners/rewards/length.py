"""`LengthReward`: the response shall have a certain length.

Belongs here: scoring the number of words.
Does not belong here: scoring the words (`matches.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from tunekit.tuners.rewards.base import Judge, Reward, Sample


class LengthReward(Reward, frozen=True):
    """Rewards responses of a length: 1 inside the range, falling linearly to 0 outside.

    It reaches 0 at no word below the range, and at twice `max_words` above it. Words are what white space separates,
    so it is of no use for languages that are written without spaces. Alone it teaches the length and nothing else; give
    it a small weight in a `WeightedSum`.

    Example:
        >>> from tunekit.tuners.rewards import LengthReward, Sample
        >>> reward = LengthReward(min_words=2, max_words=4)
        >>> reward.score([Sample(prompt="?", response=text) for text in ("no", "not at all", "no " * 6)])
        [0.5, 1.0, 0.5]
    """

    kind: Literal["length"] = "length"
    min_words: int | None = Field(default=None, ge=1)
    """Fewest words that give 1. `None` has no lower end. The same as `max_words` makes it a target."""
    max_words: int | None = Field(default=None, ge=1)
    """Most words that give 1. `None` has no upper end."""

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.min_words is None and self.max_words is None:
            raise ValueError("Neither min_words nor max_words is given. Give one of them, or both.")
        if (self.min_words or 0) > (self.max_words or self.min_words or 0):
            raise ValueError(
                f"min_words={self.min_words} is more than max_words={self.max_words}. Exchange the two."
            )
        return self

    def _scores(self, samples: Sequence[Sample], judge: Judge | None) -> Sequence[object]:
        return [self._score(len(sample.response.split())) for sample in samples]

    def _score(self, words: int) -> float:
        if self.min_words is not None and words < self.min_words:
            return words / self.min_words
        if self.max_words is not None and words > self.max_words:
            return max(0.0, 2 - words / self.max_words)
        return 1.0
