"""`palm_chat`: `{"context", "messages": [{"author", "content"}]}`, chat tuning data of the PaLM era.

Source: https://cloud.google.com/vertex-ai/generative-ai/docs/models/tune-text-models-supervised, section on chat.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import JsonValue

from tunekit.data.check.findings import Problem
from tunekit.data.check.syntax import JsonObject
from tunekit.data.formats.base import Format
from tunekit.data.formats.convert import without_tools
from tunekit.data.formats.messages import has_turns, last_speaker
from tunekit.data.formats.turns import turn_problems
from tunekit.data.formats.wire import Text, Wire, WireRow
from tunekit.data.rows import Conversation, Message
from tunekit.errors import FormatLoss


class PalmTurn(Wire):
    """One turn. Inference history says `bot` where tuning data says `assistant`; both are read."""

    author: Literal["user", "assistant", "bot"]
    content: Text


class PalmChatLine(WireRow):
    """A line of the format."""

    context: str | None = None
    messages: list[PalmTurn]


def palm_turns_of(line: PalmChatLine) -> tuple[Message, ...]:
    """The turns, the context as a system turn before them."""
    turns = tuple(
        Message(role="user" if turn.author == "user" else "model", content=turn.content)
        for turn in line.messages
    )
    return (Message(role="system", content=line.context), *turns) if line.context else turns


class PalmChatFormat(Format[PalmChatLine, Conversation]):
    """The format of conversations with authors and a context."""

    name = "palm_chat"
    row_type = Conversation

    def claims(self, line: JsonObject) -> bool:
        return has_turns(line, "author") and last_speaker(line, "author") != "user"

    def resembles(self, line: JsonObject) -> bool:
        return has_turns(line, "author")

    def wire_for(self, line: JsonObject) -> type[PalmChatLine]:
        return PalmChatLine

    def row_of(self, wire: PalmChatLine) -> Conversation:
        return Conversation(messages=palm_turns_of(wire), extra=wire.unknown_fields)

    def problems_in(self, row: Conversation) -> Iterator[Problem]:
        turns = tuple(message for message in row.messages if message.role != "system")
        return turn_problems(turns, field="messages", last="model")

    def line_of(self, row: Conversation) -> JsonObject:
        turns = list(without_tools(row, self.name))
        context = turns.pop(0) if turns and turns[0].role == "system" else None
        line: JsonObject = {"context": _plain(context)} if context else {}
        return {**line, "messages": [_turn_line(turn) for turn in turns]}


def _turn_line(message: Message) -> JsonValue:
    author = "user" if message.role == "user" else "assistant"
    return {"author": author, "content": _plain(message)}


def _plain(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    raise FormatLoss(
        "A turn has several parts, which the format 'palm_chat' cannot hold.",
        hint="Write the format 'gemini'.",
    )
