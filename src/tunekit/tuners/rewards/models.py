"""`RewardModelReward`: a model that was tuned on people's preferences scores the response.

Belongs here: naming the model.
Does not belong here: running it: a backend brings a judge that can.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from tunekit.errors import MethodUnsupported
from tunekit.tuners.rewards.base import Judge, Reward, Sample


class RewardModelReward(Reward, frozen=True):
    """Rewards what a reward model finds good.

    Example:
        >>> from tunekit.tuners.rewards import RewardModelReward, Sample
        >>> reward = RewardModelReward(model="local:job/reward_model")
        >>> reward.score([Sample(prompt="?", response="!")], judge=lambda model, samples: [0.25])
        [0.25]
    """

    kind: Literal["reward_model"] = "reward_model"
    model: str = Field(min_length=1)
    """Id of the reward model, such as `local:job/reward_model`."""

    @property
    def label(self) -> str:
        return f"{type(self).__name__} {self.model!r}"

    def _scores(self, samples: Sequence[Sample], judge: Judge | None) -> Sequence[object]:
        if judge is None:
            raise MethodUnsupported(
                "A reward model needs a backend that runs it, and there is none here.",
                hint="Tune or evaluate with it through a client, or pass judge=... to score by hand.",
                place=self.label,
            )
        return judge(self.model, samples)
