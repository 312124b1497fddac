"""`gemini_preference`: a prompt and two answers with scores, the higher one preferred.

`{"systemInstruction", "contents": [...], "completions": [{"score", "completion": {"role", "parts"}}, ...]}`: the data
of preference tuning for Gemini. Vertex AI takes text only, exactly two completions, and the scores 1 and 0. Other
scores are read too: the row carries them along in the unknown field `completions`, so that they are written back.
Source: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/models/gemini-preference-tuning-prepare.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from tunekit.data.check import rules
from tunekit.data.check.findings import Problem
from tunekit.data.check.syntax import JsonObject
from tunekit.data.formats.base import Format
from tunekit.data.formats.convert import plain_turns
from tunekit.data.formats.gemini import GeminiTurns, gemini_line, gemini_turns_of
from tunekit.data.formats.turns import turn_problems
from tunekit.data.formats.wire import Text, Wire
from tunekit.data.rows import Message, Preference
from tunekit.errors import FormatLoss

_COMPLETIONS = "completions"
_SCORES_OF_CHOICE = ((1.0, 0.0), (0.0, 1.0))
"""The scores that Vertex AI takes, by the index of the preferred answer."""

Score = Annotated[float, Field(allow_inf_nan=False)]


class AnswerPart(Wire):
    """A text of an answer; several are read as one."""

    text: Text


class AnswerTurn(Wire):
    """One answer."""

    role: Literal["model", "assistant"]
    parts: Annotated[list[AnswerPart], Field(min_length=1)]

    @property
    def text(self) -> str:
        """The answer as one text."""
        return "".join(part.text for part in self.parts)


class ScoredAnswer(Wire):
    """An answer and how good people found it."""

    score: Score
    completion: AnswerTurn


def _two(answers: list[ScoredAnswer]) -> list[ScoredAnswer]:
    if len(answers) != 2:
        raise PydanticCustomError(
            rules.COMPLETION_COUNT.id,
            "The number of completions is {count}, not 2.",
            {"count": len(answers)},
        )
    return answers


class GeminiPreferenceLine(GeminiTurns):
    """A line of the format."""

    completions: Annotated[list[ScoredAnswer], AfterValidator(_two)]


class GeminiPreferenceFormat(Format[GeminiPreferenceLine, Preference]):
    """The format of pairs of answers with scores."""

    name = "gemini_preference"
    row_type = Preference

    def claims(self, line: JsonObject) -> bool:
        return "contents" in line and _COMPLETIONS in line

    def resembles(self, line: JsonObject) -> bool:
        return "contents" in line or _COMPLETIONS in line

    def wire_for(self, line: JsonObject) -> type[GeminiPreferenceLine]:
        return GeminiPreferenceLine

    def row_of(self, wire: GeminiPreferenceLine) -> Preference:
        first, second = wire.completions
        scores = (first.score, second.score)
        kept: JsonObject = {_COMPLETIONS: [{"score": score} for score in scores]}
        return Preference(
            prompt=plain_turns(gemini_turns_of(wire)),
            candidates=(first.completion.text, second.completion.text),
            choice=1 if scores[1] > scores[0] else 0,
            extra=wire.unknown_fields | ({} if scores in _SCORES_OF_CHOICE else kept),
        )

    def problems_in(self, row: Preference) -> Iterator[Problem]:
        if isinstance(row.prompt, tuple):
            turns = tuple(message for message in row.prompt if message.role != "system")
            yield from turn_problems(turns, field="contents", last="user")
            yield from _file_problems(turns)
        if row.candidates[0] == row.candidates[1]:
            fact = "Both candidates are the same text, so there is nothing to prefer."
            yield Problem(rules.EQUAL_CANDIDATES, fact, field="completions[1].completion")
        yield from _score_problems(_kept_scores(row))

    def line_of(self, row: Preference) -> JsonObject:
        prompt = row.prompt
        turns = (Message(role="user", content=prompt),) if isinstance(prompt, str) else prompt
        if not all(turn.is_text for turn in turns):
            raise FormatLoss(
                f"The prompt points to a file or a function; the format {self.name!r} is text only.",
                hint="Leave the row out, or say the same in words.",
            )
        scores = _kept_scores(row) or _SCORES_OF_CHOICE[row.choice]
        answers: list[JsonValue] = [
            _answer_line(text, score) for text, score in zip(row.candidates, scores, strict=True)
        ]
        return {**gemini_line(turns), _COMPLETIONS: answers}

    def carried(self, row: Preference) -> Mapping[str, JsonValue]:
        if _kept_scores(row) is None:
            return row.extra
        return {name: value for name, value in row.extra.items() if name != _COMPLETIONS}


class _KeptScore(Wire):
    score: Score


_KEPT: TypeAdapter[tuple[_KeptScore, _KeptScore]] = TypeAdapter(tuple[_KeptScore, _KeptScore])


def _kept_scores(row: Preference) -> tuple[float, float] | None:
    """The scores that the row carries along, where they say the same as its choice."""
    try:
        first, second = _KEPT.validate_python(row.extra.get(_COMPLETIONS))
    except ValidationError:
        return None
    choice = 1 if second.score > first.score else 0
    return (first.score, second.score) if choice == row.choice else None


def _score_problems(scores: tuple[float, float] | None) -> Iterator[Problem]:
    if scores is None:
        return
    if scores[0] == scores[1]:
        fact = f"Both candidates have the score {scores[0]:g}, so neither is preferred."
        yield Problem(rules.EQUAL_SCORES, fact, field="completions[1].score")
        return
    fact = f"The scores are {scores[0]:g} and {scores[1]:g}."
    yield Problem(rules.UNUSUAL_SCORE, fact, field=_COMPLETIONS)


def _file_problems(turns: tuple[Message, ...]) -> Iterator[Problem]:
    for index, turn in enumerate(turns):
        if not turn.is_text:
            fact = "The turn points to a file or a function; preference data are text only."
            fix = "Delete the row, or say the same in words."
            yield Problem(rules.WRONG_TYPE, fact, field=f"contents[{index}]", fix=fix)


def _answer_line(text: str, score: float) -> JsonValue:
    return {"score": score, "completion": {"role": "model", "parts": [{"text": text}]}}
