"""`messages`: `{"messages": [{"role", "content"}]}`, as OpenAI, TRL and open models on Vertex AI have it.

The model's turns are spelt `assistant`; `model`, the spelling of Gemini 1.0 data, is read too.
Sources: https://platform.openai.com/docs/guides/supervised-fine-tuning and https://huggingface.co/docs/trl/dataset_formats.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Discriminator, Field, JsonValue, Tag

from tunekit.data.check.findings import Problem
from tunekit.data.check.syntax import JsonObject
from tunekit.data.formats.base import Format
from tunekit.data.formats.convert import without_tools
from tunekit.data.formats.turns import turn_problems
from tunekit.data.formats.wire import Text, Wire, WireRow
from tunekit.data.rows import Conversation, FilePart, Message, Part, Role, TextPart
from tunekit.errors import FormatLoss


class ContentPart(Wire):
    """A part of a turn that is more than one text."""

    type: Literal["text"]
    text: Text


def _content_kind(content: object) -> str | None:
    if isinstance(content, str):
        return "text"
    return "parts" if isinstance(content, list | tuple) else None


Content = Annotated[
    Annotated[Text, Tag("text")] | Annotated[list[ContentPart], Tag("parts"), Field(min_length=1)],
    Discriminator(_content_kind),
]


class MessageLine(Wire):
    """One turn."""

    role: Literal["system", "user", "assistant", "model"]
    content: Content


class MessagesLine(WireRow):
    """A line of the format."""

    messages: list[MessageLine]


def turns_of(line: MessagesLine) -> tuple[Message, ...]:
    """The turns, in our own words."""
    return tuple(
        Message(role=_role(turn.role), content=_content(turn.content)) for turn in line.messages
    )


def turn_line(message: Message) -> JsonObject:
    """A turn as the format spells it."""
    role = "assistant" if message.role == "model" else message.role
    if isinstance(message.content, str):
        return {"role": role, "content": message.content}
    return {"role": role, "content": [_part_line(part) for part in message.content]}


class MessagesFormat(Format[MessagesLine, Conversation]):
    """The format of conversations with roles."""

    name = "messages"
    row_type = Conversation

    def claims(self, line: JsonObject) -> bool:
        return has_turns(line, "role") and last_speaker(line, "role") != "user"

    def resembles(self, line: JsonObject) -> bool:
        return has_turns(line, "role")

    def wire_for(self, line: JsonObject) -> type[MessagesLine]:
        return MessagesLine

    def row_of(self, wire: MessagesLine) -> Conversation:
        return Conversation(messages=turns_of(wire), extra=wire.unknown_fields)

    def problems_in(self, row: Conversation) -> Iterator[Problem]:
        return turn_problems(row.messages, field="messages", last="model")

    def line_of(self, row: Conversation) -> JsonObject:
        return {"messages": [turn_line(turn) for turn in without_tools(row, self.name)]}


def has_turns(line: JsonObject, speaker: str) -> bool:
    """Whether `messages` is a list whose turns name their speaker in the field `speaker`."""
    turns = line.get("messages")
    if "candidate_0" in line or not isinstance(turns, list):
        return False
    return not turns or any(isinstance(turn, dict) and speaker in turn for turn in turns)


def last_speaker(line: JsonObject, speaker: str) -> JsonValue:
    """Who speaks last, as the line spells it."""
    turns = line.get("messages")
    last = turns[-1] if isinstance(turns, list) and turns else None
    return last.get(speaker) if isinstance(last, dict) else None


def _role(spelt: Literal["system", "user", "assistant", "model"]) -> Role:
    return "model" if spelt == "assistant" else spelt


def _content(content: str | list[ContentPart]) -> str | tuple[Part, ...]:
    if isinstance(content, str):
        return content
    return tuple(TextPart(text=part.text) for part in content)


def _part_line(part: Part) -> JsonObject:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    what = (
        f"points to the file {part.uri!r}"
        if isinstance(part, FilePart)
        else f"calls or answers for the function {part.name!r}"
    )
    raise FormatLoss(
        f"A turn {what}, which the format 'messages' cannot hold.",
        hint="Write the format 'gemini'.",
    )
