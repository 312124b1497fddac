"""Rewards that hold the response against an expected text.

Belongs here: equality, containment, regular expressions and fields of JSON, with placeholders for references.
Does not belong here: likeness by degrees (`evaluation/metrics.py` knows such metrics).

What they do is what Vertex AI's `stringMatchRewardScorer` does, so that a recipe runs in both places. Source:
https://docs.cloud.google.com/gemini-enterprise-agent-platform/reference/rest/v1beta1/projects.locations.tuningJobs.
"""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Annotated, Literal, Self, cast

from pydantic import AfterValidator, Field, JsonValue, model_validator

from tunekit._text import closest, did_you_mean, either, excerpt
from tunekit.data.check.syntax import JsonObject
from tunekit.errors import SettingInvalid
from tunekit.tuners.rewards.base import Judge, Reward, Sample, checked_pattern

MatchOperation = Literal["equals", "contains", "regex"]
"""How a response is held against an expected text. Vertex AI: `EXACT_MATCH`, `PARTIAL_MATCH`, `REGEX_CONTAINS`."""

_PLACEHOLDER = re.compile(r"\{\{references\.([^{}\s]+)\}\}")
_NEARLY = re.compile(r"\{\{\s*(\w+)\s*\.([^{}]*)\}\}")


def _placeholders_are_spelt_right(expected: str) -> str:
    for found in _NEARLY.finditer(expected):
        if not _PLACEHOLDER.fullmatch(found[0]) and closest(found[1], ["references"]):
            raise ValueError(
                f"{excerpt(found[0])} is no placeholder. Write '{{{{references.{found[2].strip() or 'name'}}}}}'."
            )
    return expected


ExpectedText = Annotated[str, Field(min_length=1), AfterValidator(_placeholders_are_spelt_right)]


class TextMatch(Reward, frozen=True):
    """What all matches share: one number for a match, another for none."""

    correct: float = Field(default=1.0, allow_inf_nan=False)
    """What a match gives. Vertex AI: `correctAnswerReward`."""
    wrong: float = Field(default=0.0, allow_inf_nan=False)
    """What anything else gives. Vertex AI: `wrongAnswerReward`."""
    letter_case: Literal["counts", "ignored"] = "counts"
    """Whether `Yes` and `yes` differ."""

    @model_validator(mode="after")
    def _regex_is_a_pattern(self) -> Self:
        operation, expected = self.expectation()
        if operation == "regex":
            checked_pattern(_PLACEHOLDER.sub("x", expected))
        return self

    @abstractmethod
    def expectation(self) -> tuple[MatchOperation, str]:
        """How the response is held against which text, placeholders included."""

    def _scores(self, samples: Sequence[Sample], judge: Judge | None) -> Sequence[object]:
        return [
            self.correct if self._fits(sample, number) else self.wrong
            for number, sample in enumerate(samples, start=1)
        ]

    def _fits(self, sample: Sample, number: int) -> bool:
        return self._text_fits(sample.response, sample, number)

    def _text_fits(self, text: str, sample: Sample, number: int) -> bool:
        operation, expected = self.expectation()
        flags = re.IGNORECASE if self.letter_case == "ignored" else re.NOFLAG
        if operation == "regex":
            filled = self._filled(expected, sample, number, re.escape)
            return re.search(filled, text, flags) is not None
        filled = self._filled(expected, sample, number, str)
        if self.letter_case == "ignored":
            text, filled = text.casefold(), filled.casefold()
        return filled.strip() == text.strip() if operation == "equals" else filled in text

    def _filled(
        self, expected: str, sample: Sample, number: int, spelt: Callable[[str], str]
    ) -> str:
        """The expected text with the references of the sample in place of the placeholders."""

        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name in sample.references:
                return spelt(_plain(sample.references[name]))
            known = sample.references
            there = f"it has {either(list(known)[:5], last='and')}" if known else "it has none"
            raise SettingInvalid(
                f"Sample {number:,} has no reference {name!r}; {there}.{did_you_mean(name, known)}",
                hint="Name a field that every row has.",
                place=self.label,
            )

        return _PLACEHOLDER.sub(value, expected)


class ExactMatch(TextMatch, frozen=True):
    """Rewards the response that is the expected text; white space around either does not count.

    Example:
        >>> from tunekit.tuners.rewards import ExactMatch, Sample
        >>> reward = ExactMatch(expected="{{references.answer}}")
        >>> reward.score([Sample(prompt="2 + 2?", response="4", references={"answer": "4"})])
        [1.0]
    """

    kind: Literal["exact_match"] = "exact_match"
    expected: ExpectedText
    """The text; `{{references.answer}}` stands for the field `answer` of the row."""

    def expectation(self) -> tuple[MatchOperation, str]:
        return "equals", self.expected


class StringMatch(TextMatch, frozen=True):
    """Rewards the response that equals, contains or matches a text.

    Example:
        >>> from tunekit.tuners.rewards import Sample, StringMatch
        >>> reward = StringMatch(operation="contains", expected="{{references.city}}", wrong=-1.0)
        >>> reward.score([Sample(prompt="Where?", response="In Rome.", references={"city": "Rome"})])
        [1.0]
    """

    kind: Literal["string_match"] = "string_match"
    operation: MatchOperation = "contains"
    """How the response is held against the text: `equals` as in `ExactMatch`, `regex` as in `RegexMatch`."""
    expected: ExpectedText
    """The text, or the pattern; `{{references.answer}}` stands for the field `answer` of the row."""

    def expectation(self) -> tuple[MatchOperation, str]:
        return self.operation, self.expected


class RegexMatch(TextMatch, frozen=True):
    r"""Rewards the response in which a regular expression is found, anywhere.

    A pattern that is slow on long texts, such as nested repetitions, holds up every step of the tuning.

    Example:
        >>> from tunekit.tuners.rewards import RegexMatch, Sample
        >>> RegexMatch(pattern=r"\d+ kg").score([Sample(prompt="How heavy?", response="70 kg")])
        [1.0]
    """

    kind: Literal["regex_match"] = "regex_match"
    pattern: ExpectedText
    """A regular expression of Python; `{{references.answer}}` stands for the field `answer` of the row, as a text and
    not as a pattern."""

    def expectation(self) -> tuple[MatchOperation, str]:
        return "regex", self.pattern


class JsonMatch(TextMatch, frozen=True):
    """Rewards the response that is a JSON object with the expected value under a key.

    Anything that is no JSON object, or lacks the key, counts as wrong.

    Example:
        >>> from tunekit.tuners.rewards import JsonMatch, Sample
        >>> reward = JsonMatch(key="team", expected="{{references.team}}")
        >>> reward.score([Sample(prompt="?", response='{"team": "billing"}', references={"team": "billing"})])
        [1.0]
    """

    kind: Literal["json_match"] = "json_match"
    key: str = Field(min_length=1)
    """A key of the outermost object."""
    operation: MatchOperation = "equals"
    """How the value is held against the text."""
    expected: ExpectedText
    """The text, or the pattern; `{{references.answer}}` stands for the field `answer` of the row. A value that is no
    text is compared as JSON spells it: `3`, `true`, `null`."""

    def expectation(self) -> tuple[MatchOperation, str]:
        return self.operation, self.expected

    def _fits(self, sample: Sample, number: int) -> bool:
        answer = _json_object(sample.response)
        return self.key in answer and self._text_fits(_plain(answer[self.key]), sample, number)


def _json_object(text: str) -> JsonObject:
    """The object that a text spells; an empty one where it spells none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def _plain(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
