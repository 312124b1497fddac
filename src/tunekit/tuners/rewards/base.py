"""What every reward is: a frozen value that gives each response a finite number.

Belongs here: what a reward looks at, and what all rewards share: taking the answer out, scoring, trying out.
Does not belong here: any way of scoring (one file each), judging a try-out (`tryout.py`).
"""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from typing import Protocol, Self, TypeAlias

from pydantic import Field, JsonValue, field_validator

from tunekit._text import excerpt, plural
from tunekit._value import Value
from tunekit.data.rows import Message, Row, asked_of
from tunekit.errors import SettingInvalid
from tunekit.tuners.rewards.tryout import Expected, Tryout, tried


class Sample(Value):
    """A prompt, a response to it, and what the row knows about a good one."""

    prompt: str | tuple[Message, ...]
    """A text, or a conversation that ends with the user."""
    response: str
    """What is scored."""
    references: Mapping[str, JsonValue] = Field(default_factory=dict)
    """What the response is held against: the row's further fields by name."""

    @classmethod
    def of(cls, row: Row, response: str) -> Self:
        """The sample for a row and a response to it.

        The references are the unknown fields of the row. Where one of them is an object of the name `references`, as
        in rows for Vertex AI, its own fields are references too. A row that has an answer gives it as `completion`.

        Args:
            row: Any kind of row.
            response: What is scored.
        """
        references = dict(row.extra)
        inner = references.get("references")
        if isinstance(inner, dict):
            del references["references"]
            references |= inner
        completion = row.completion_text()
        if completion is not None:
            references["completion"] = completion
        return cls(prompt=asked_of(row), response=response, references=references)

    @property
    def prompt_text(self) -> str:
        """The prompt as one text; the turns of a conversation stand below each other."""
        if isinstance(self.prompt, str):
            return self.prompt
        return "\n".join(message.text for message in self.prompt)


Judge: TypeAlias = Callable[[str, Sequence[Sample]], Sequence[float]]
"""Scores samples with the reward model of that id. A backend brings it."""


class ScoresRewards(Protocol):
    """A backend that scores samples with a reward as it would while tuning."""

    def score_reward(self, reward: Reward, samples: Sequence[Sample]) -> Sequence[float]:
        """One score per sample, in order; nothing is tuned."""
        ...


# `Value` is frozen by its configuration, which pyright does not read; said again, rewards may be keys of a mapping.
class Reward(Value, frozen=True):  # pyright: ignore[reportGeneralTypeIssues]
    """How good a response is, as a number; higher is better.

    Vertex AI clips every reward to -1 to 1, so keep to that range where the recipe shall run in both places. Source:
    https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/tuning/reinforcement-tuning.
    """

    extract: str | None = None
    """Regular expression that takes the answer out of the response: the first group of its last match is scored, or
    the whole match where it has no group, and an empty text where nothing matches. `None` scores the whole response."""

    @field_validator("extract")
    @classmethod
    def _extract_is_a_pattern(cls, extract: str | None) -> str | None:
        return None if extract is None else checked_pattern(extract)

    @property
    def label(self) -> str:
        """What errors call it."""
        return type(self).__name__

    @abstractmethod
    def _scores(self, samples: Sequence[Sample], judge: Judge | None) -> Sequence[object]:
        """The bare scores of samples whose answers are taken out already. `score` calls it and checks the outcome."""

    def score(self, samples: Sequence[Sample], *, judge: Judge | None = None) -> list[float]:
        """Score samples.

        Args:
            samples: What is scored.
            judge: Scores with reward models. `None` where no reward is one.

        Returns:
            One finite number per sample, in order.

        Raises:
            SettingInvalid: A score is no finite number, or a sample lacks a reference that the reward names.
            MethodUnsupported: The reward is a reward model, and there is no judge.
        """
        heard = [self._taken_out(sample) for sample in samples]
        scores = self._scores(heard, judge)
        if len(scores) != len(heard):
            raise SettingInvalid(
                f"It gave {plural(len(scores), 'score')} for {plural(len(heard), 'sample')}.",
                hint="Give one number per sample.",
                place=self.label,
            )
        return [self._finite(score, number) for number, score in enumerate(scores, start=1)]

    def try_on(
        self,
        prompts: str | Sequence[str | tuple[Message, ...]],
        responses: Sequence[str],
        references: Mapping[str, JsonValue] | Sequence[Mapping[str, JsonValue]] | None = None,
        *,
        expected_best: Expected | None = None,
        judge: Judge | None = None,
        on: ScoresRewards | None = None,
    ) -> Tryout:
        """Score a few responses by hand, and say what about the scores looks wrong.

        A reward that is constant teaches nothing, one that follows the length teaches length, and one with a wrong
        sign teaches the opposite. All three are cheaper to see here than after tuning.

        Args:
            prompts: One per response, or one text for all of them.
            responses: What is scored; 8 or more of different lengths show whether only the length counts.
            references: One object per response, or one for all of them.
            expected_best: What you would prefer: the index of the best response, or true or false for each, or all
                indices from the best to the worst. `None` leaves the sign unchecked.
            judge: Scores with reward models. `None` where no reward is one.
            on: A backend that scores with a reward itself, such as `VertexBackend`. `None` scores in this process.

        Raises:
            SettingInvalid: The lists have different lengths, or `score` raises it.
            MethodUnsupported: The reward is a reward model, and there is no judge.
        """
        samples = _samples(prompts, responses, references)
        scores = self.score(samples, judge=judge) if on is None else on.score_reward(self, samples)
        return tried(scores, [len(text) for text in responses], expected_best)

    def _taken_out(self, sample: Sample) -> Sample:
        if self.extract is None:
            return sample
        taken = ""
        for match in re.finditer(self.extract, sample.response):
            taken = match[1 if match.re.groups else 0] or ""
        return sample.model_copy(update={"response": taken})

    def _finite(self, score: object, number: int) -> float:
        """The score as a float; `True` counts as 1, as everywhere in Python."""
        try:
            value = float(score) if isinstance(score, Real) else math.nan
        except OverflowError:
            value = math.inf
        if math.isfinite(value):
            return value
        raise SettingInvalid(
            f"The score of sample {number:,} is {excerpt(score)}, a {type(score).__name__}.",
            hint="Give a finite number for every response.",
            place=self.label,
        )


def checked_pattern(pattern: str) -> str:
    """The pattern, if it is a regular expression.

    Raises:
        ValueError: It is none.
    """
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(
            f"{excerpt(pattern)} is no regular expression: {error}. Correct it, or escape the special characters."
        ) from error
    return pattern


def _samples(
    prompts: str | Sequence[str | tuple[Message, ...]],
    responses: Sequence[str],
    references: Mapping[str, JsonValue] | Sequence[Mapping[str, JsonValue]] | None,
) -> list[Sample]:
    """A sample per response; what is given once holds for all."""
    if isinstance(responses, str):
        raise SettingInvalid(
            "The responses are one text.", hint="Pass a list of texts.", place="try_on"
        )
    count = len(responses)
    asked = [prompts] * count if isinstance(prompts, str) else list(prompts)
    given_once = references or {}
    known = [given_once] * count if isinstance(given_once, Mapping) else list(given_once)
    for name, given in (("prompts", len(asked)), ("references", len(known))):
        if given != count:
            raise SettingInvalid(
                f"There are {given:,} {name} for {plural(count, 'response')}.",
                hint=f"Pass one of the {name} per response, or a single one for all.",
                place="try_on",
            )
    return [
        Sample(prompt=prompt, response=response, references=reference)
        for prompt, response, reference in zip(asked, responses, known, strict=True)
    ]
