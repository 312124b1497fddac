"""Rewards that only a provider gives: a judging model of its own, and a service of yours that it calls.

Belongs here: naming them.
Does not belong here: calling them (`backends/`).

Source: https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/tuning/reinforcement-tuning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from tunekit.errors import MethodUnsupported
from tunekit.tuners.rewards.base import Judge, Reward, Sample, checked_pattern


class ServedReward(Reward, frozen=True):
    """What both have in common: nothing on this machine can give them."""

    def _scores(self, samples: Sequence[Sample], judge: Judge | None) -> Sequence[object]:
        raise MethodUnsupported(
            "Only Vertex AI can give this reward.",
            hint="Try it with try_on(..., on=backend) of a VertexBackend, or use a reward that runs anywhere.",
            place=self.label,
        )


class AutoraterReward(ServedReward, frozen=True):
    """Rewards what a judging model of Vertex AI finds good. Vertex AI: `autoraterScorer`.

    Example:
        >>> from tunekit.tuners.rewards import AutoraterReward
        >>> reward = AutoraterReward(prompt="Rate from 0 to 1 how polite this is: {{response}}", parse=r"([0-9.]+)")
        >>> reward.label
        'AutoraterReward'
    """

    kind: Literal["autorater"] = "autorater"
    prompt: str = Field(min_length=1)
    """What the judge is asked; `{{prompt}}`, `{{response}}`, `{{system_instruction}}` and `{{references.name}}` stand
    for what they say."""
    model: str | None = None
    """The judge. `None` lets Vertex AI choose."""
    sampling_count: int | None = Field(default=None, ge=1, le=32)
    """How often it is asked. `None` is 4."""
    parse: str | None = None
    """Regular expression that takes the rating out of what the judge says. `None` takes all of it."""
    expected: str | None = Field(default=None, min_length=1)
    """What the rating must say to count as right, as a plain text. `None` reads the rating as a number."""
    correct: float = Field(default=1.0, allow_inf_nan=False)
    """What a right answer gives, where `expected` is set."""
    wrong: float = Field(default=0.0, allow_inf_nan=False)
    """What any other gives, where `expected` is set."""

    @field_validator("parse")
    @classmethod
    def _parse_is_a_pattern(cls, parse: str | None) -> str | None:
        return None if parse is None else checked_pattern(parse)

    @model_validator(mode="after")
    def _looks_at_the_response(self) -> Self:
        if "{{response}}" not in self.prompt:
            raise ValueError("The prompt does not show the response. Write {{response}} into it.")
        return self


class CloudRunReward(ServedReward, frozen=True):
    """Rewards what a service of yours on Cloud Run finds good. Vertex AI: `cloudRunRewardScorer`.

    The service is sent `{"example", "response", "metadata"}` and answers `{"reward": 0.5}` within 300 seconds.

    Example:
        >>> from tunekit.tuners.rewards import CloudRunReward
        >>> CloudRunReward(uri="https://judge-abc.a.run.app").uri
        'https://judge-abc.a.run.app'
    """

    kind: Literal["cloud_run"] = "cloud_run"
    uri: str = Field(pattern=r"^https://.+")
    """Address of the service; the tuning service agent of the project needs the role `run.invoker` on it."""
