"""What the tests of rewards share: one reward of each kind, and how it scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from tunekit.tuners.rewards import (
    AnyReward,
    AutoraterReward,
    CloudRunReward,
    ExactMatch,
    JsonMatch,
    LengthReward,
    PythonReward,
    RegexMatch,
    Reward,
    RewardModelReward,
    Sample,
    StringMatch,
)

REWARDS: TypeAdapter[AnyReward] = TypeAdapter(AnyReward)


def short(prompt: str, response: str, references: Mapping[str, Any]) -> float:
    """A reward that stands on its own, annotations from elsewhere included."""
    import math

    most: Sequence[int] = [references.get("most", 10)]
    return math.exp(-len(response) / most[0]) if prompt else 0.0


def scores(reward: Reward, *responses: str, **references: Any) -> list[float]:
    """What a reward gives to responses to one prompt."""
    return reward.score(
        [Sample(prompt="why?", response=r, references=references) for r in responses]
    )


def python(body: str, **settings: Any) -> PythonReward:
    """A reward whose function has this body."""
    return PythonReward(source=f"def mine(prompt, response, references):\n    {body}\n", **settings)


ALL: list[AnyReward] = [
    ExactMatch(expected="{{references.answer}}", correct=2, letter_case="ignored"),
    StringMatch(expected="yes", operation="regex"),
    RegexMatch(pattern=r"^\d+$", wrong=-1.0, extract=r"<answer>(.*?)</answer>"),
    JsonMatch(key="team", expected="{{references.team}}"),
    LengthReward(min_words=3),
    PythonReward(short),
    RewardModelReward(model="local:job/reward_model"),
    AutoraterReward(prompt="Rate {{response}}.", parse="([0-9]+)"),
    CloudRunReward(uri="https://judge.a.run.app"),
]
