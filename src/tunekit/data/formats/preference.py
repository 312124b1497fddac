"""`preference`: a prompt, two candidates and the index of the preferred one.

`{"input_text", "candidate_0", "candidate_1", "choice"}`, or with `messages` (and `context`) instead of `input_text`:
the human preference data of Vertex AI RLHF.
Source: https://cloud.google.com/vertex-ai/generative-ai/docs/models/tune-text-models-rlhf.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from tunekit.data.check import rules
from tunekit.data.check.findings import Problem
from tunekit.data.check.syntax import JsonObject
from tunekit.data.formats.base import Format
from tunekit.data.formats.palm_chat import PalmChatFormat, PalmTurn
from tunekit.data.formats.turns import turn_problems
from tunekit.data.formats.wire import Text, WireRow
from tunekit.data.rows import Conversation, Message, Preference


def _not_true_or_false(choice: object) -> object:
    if isinstance(choice, bool):
        raise PydanticCustomError(
            rules.WRONG_TYPE.id, "True or false stands where 0 or 1 is expected."
        )
    return choice


class _Candidates(WireRow):
    candidate_0: Text
    candidate_1: Text
    choice: Annotated[Literal[0, 1], BeforeValidator(_not_true_or_false)]


class PreferenceLine(_Candidates):
    """A line whose prompt is a text."""

    input_text: Text


class PreferenceChatLine(_Candidates):
    """A line whose prompt is a conversation."""

    context: str | None = None
    messages: list[PalmTurn]


class PreferenceFormat(Format[_Candidates, Preference]):
    """The format of pairs of answers with a choice."""

    name = "preference"
    row_type = Preference

    def claims(self, line: JsonObject) -> bool:
        return "candidate_0" in line or "candidate_1" in line

    def resembles(self, line: JsonObject) -> bool:
        return "candidate_0" in line or "candidate_1" in line or "choice" in line

    def wire_for(self, line: JsonObject) -> type[_Candidates]:
        return PreferenceChatLine if "messages" in line else PreferenceLine

    def row_of(self, wire: _Candidates) -> Preference:
        return Preference(
            prompt=_prompt(wire),
            candidates=(wire.candidate_0, wire.candidate_1),
            choice=wire.choice,
            extra=wire.unknown_fields,
        )

    def problems_in(self, row: Preference) -> Iterator[Problem]:
        if isinstance(row.prompt, tuple):
            turns = tuple(message for message in row.prompt if message.role != "system")
            yield from turn_problems(turns, field="messages", last="user")
        if row.candidates[0] == row.candidates[1]:
            fact = "Both candidates are the same text, so there is nothing to prefer."
            yield Problem(rules.EQUAL_CANDIDATES, fact, field="candidate_1")

    def line_of(self, row: Preference) -> JsonObject:
        answers: JsonObject = {
            "candidate_0": row.candidates[0],
            "candidate_1": row.candidates[1],
            "choice": row.choice,
        }
        if isinstance(row.prompt, str):
            return {"input_text": row.prompt} | answers
        chat = PalmChatFormat().line_of(Conversation(messages=row.prompt))
        return chat | answers


def _prompt(wire: _Candidates) -> str | tuple[Message, ...]:
    match wire:
        case PreferenceLine():
            return wire.input_text
        case PreferenceChatLine():
            turns = tuple(
                Message(role="user" if turn.author == "user" else "model", content=turn.content)
                for turn in wire.messages
            )
            system = (Message(role="system", content=wire.context),) if wire.context else ()
            return (*system, *turns)
        case _:  # pragma: no cover
            raise AssertionError(f"wire_for() gave {type(wire)}")
