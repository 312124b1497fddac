"""`WeightedSum`: several rewards as one.

Belongs here: adding rewards up, and the union of all kinds.
Does not belong here: any reward of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, cast

from pydantic import Field, field_validator

from tunekit._value import Value
from tunekit.tuners.rewards.base import Judge, Reward, Sample
from tunekit.tuners.rewards.length import LengthReward
from tunekit.tuners.rewards.matches import ExactMatch, JsonMatch, RegexMatch, StringMatch
from tunekit.tuners.rewards.models import RewardModelReward
from tunekit.tuners.rewards.python import PythonReward
from tunekit.tuners.rewards.served import AutoraterReward, CloudRunReward

RewardT = TypeVar("RewardT", bound=Reward)


class Weighted(Value):
    """A reward and how much it counts."""

    reward: AnyReward
    weight: float = Field(allow_inf_nan=False)
    """How much it counts, beside the weights of the others; below 0 for what shall be avoided. Vertex AI takes weights
    above 0 only."""

    @field_validator("weight")
    @classmethod
    def _counts(cls, weight: float) -> float:
        if weight == 0:
            raise ValueError("A weight of 0 counts for nothing. Leave the reward out.")
        return weight


class WeightedSum(Reward, frozen=True):
    """The mean of several rewards, each with its weight: the sum of weight times reward, over the sum of the weights.

    Weights below 0 are added to the lower sum without their sign. Vertex AI: `compositeRewardConfig`.

    Example:
        >>> from tunekit.tuners.rewards import ExactMatch, LengthReward, Sample, WeightedSum
        >>> reward = WeightedSum({ExactMatch(expected="4"): 3.0, LengthReward(max_words=1): 1.0})
        >>> reward.score([Sample(prompt="2 + 2?", response="4"), Sample(prompt="2 + 2?", response="5")])
        [1.0, 0.25]
    """

    kind: Literal["weighted_sum"] = "weighted_sum"
    rewards: tuple[Weighted, ...] = Field(min_length=1)
    """The rewards with their weights; they may be weighted sums themselves."""

    def __init__(
        self,
        rewards: Mapping[RewardT, float] | Iterable[Weighted],
        *,
        extract: str | None = None,
        kind: Literal["weighted_sum"] = "weighted_sum",
    ) -> None:
        """Take rewards with their weights, as a mapping or one by one."""
        settings: dict[str, Any] = {"rewards": rewards, "extract": extract, "kind": kind}
        if isinstance(rewards, Mapping):
            pairs = cast("Mapping[AnyReward, float]", rewards).items()
            settings["rewards"] = [
                Weighted(reward=reward, weight=weight) for reward, weight in pairs
            ]
        super().__init__(**settings)

    def _scores(self, samples: Sequence[Sample], judge: Judge | None) -> Sequence[object]:
        columns = [part.reward.score(samples, judge=judge) for part in self.rewards]
        weights = [part.weight for part in self.rewards]
        whole = math.fsum(abs(weight) for weight in weights)
        return [
            math.fsum(weight * column[row] for weight, column in zip(weights, columns, strict=True))
            / whole
            for row in range(len(samples))
        ]


AnyReward: TypeAlias = Annotated[
    AutoraterReward
    | CloudRunReward
    | ExactMatch
    | JsonMatch
    | LengthReward
    | PythonReward
    | RegexMatch
    | RewardModelReward
    | StringMatch
    | WeightedSum,
    Field(discriminator="kind"),
]
"""A reward of any kind; a tuner that has one as a field reads it back from JSON."""

Weighted.model_rebuild()
WeightedSum.model_rebuild()
