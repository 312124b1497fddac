"""`gemini`: `{"systemInstruction", "contents": [{"role", "parts": [{"text"} | {"fileData"}]}]}`.

The shape of supervised tuning data for Gemini. Field names in snake_case and the role `assistant`, which the data of
open models on Vertex AI has, are read too.
Source: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/models/gemini-supervised-tuning-prepare.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, Field, JsonValue
from pydantic_core import PydanticCustomError

from tunekit.data.check import rules
from tunekit.data.check.findings import Problem
from tunekit.data.check.syntax import JsonObject
from tunekit.data.formats.base import Format
from tunekit.data.formats.turns import turn_problems
from tunekit.data.formats.wire import Text, Wire, WireRow
from tunekit.data.rows import Conversation, FilePart, Message, Part, TextPart
from tunekit.errors import FormatLoss


class GeminiFile(Wire):
    """A pointer to a file."""

    mime_type: Text = Field(validation_alias=AliasChoices("mimeType", "mime_type"))
    file_uri: Text = Field(validation_alias=AliasChoices("fileUri", "file_uri"))


class GeminiPart(Wire):
    """A text or a file; exactly one of the two."""

    text: Text | None = None
    file_data: GeminiFile | None = Field(
        default=None, validation_alias=AliasChoices("fileData", "file_data")
    )


def _holds_one(part: GeminiPart) -> GeminiPart:
    if (part.text is None) == (part.file_data is None):
        raise PydanticCustomError(
            rules.MISSING_FIELD.id, "A part has exactly one of 'text' and 'fileData'."
        )
    return part


Parts = Annotated[list[Annotated[GeminiPart, AfterValidator(_holds_one)]], Field(min_length=1)]


class GeminiContent(Wire):
    """One turn."""

    role: Literal["user", "model", "assistant"]
    parts: Parts


class GeminiSystem(Wire):
    """The system instruction; its role means nothing and may be anything."""

    role: str | None = None
    parts: Parts


class GeminiLine(WireRow):
    """A line of the format."""

    system_instruction: GeminiSystem | None = Field(
        default=None, validation_alias=AliasChoices("systemInstruction", "system_instruction")
    )
    contents: list[GeminiContent]


def gemini_turns_of(line: GeminiLine) -> tuple[Message, ...]:
    """The turns, the system instruction first."""
    turns = tuple(
        Message(role="user" if turn.role == "user" else "model", content=_content(turn.parts))
        for turn in line.contents
    )
    if line.system_instruction is None:
        return turns
    return (Message(role="system", content=_content(line.system_instruction.parts)), *turns)


class GeminiFormat(Format[GeminiLine, Conversation]):
    """The format of conversations with parts."""

    name = "gemini"
    row_type = Conversation

    def claims(self, line: JsonObject) -> bool:
        if "contents" not in line or "completions" in line:
            return False
        return last_content_role(line) != "user"

    def resembles(self, line: JsonObject) -> bool:
        return "contents" in line

    def wire_for(self, line: JsonObject) -> type[GeminiLine]:
        return GeminiLine

    def row_of(self, wire: GeminiLine) -> Conversation:
        return Conversation(messages=gemini_turns_of(wire), extra=wire.unknown_fields)

    def problems_in(self, row: Conversation) -> Iterator[Problem]:
        turns = tuple(message for message in row.messages if message.role != "system")
        return turn_problems(turns, field="contents", last="model")

    def line_of(self, row: Conversation) -> JsonObject:
        return gemini_line(row.messages)


def gemini_line(messages: tuple[Message, ...]) -> JsonObject:
    """The turns as the format spells them."""
    turns = list(messages)
    system = turns.pop(0) if turns and turns[0].role == "system" else None
    line: JsonObject = {}
    if system is not None:
        if system.files:
            raise FormatLoss(
                "The system turn points to a file; the format 'gemini' takes text only there.",
                hint="Move the file to the first user turn.",
            )
        line["systemInstruction"] = {"role": "system", "parts": _part_lines(system)}
    line["contents"] = [{"role": turn.role, "parts": _part_lines(turn)} for turn in turns]
    return line


def last_content_role(line: JsonObject) -> object:
    """Who speaks last, as the line spells it."""
    contents = line.get("contents")
    last = contents[-1] if isinstance(contents, list) and contents else None
    return last.get("role") if isinstance(last, dict) else None


def _content(parts: list[GeminiPart]) -> tuple[Part, ...]:
    return tuple(_part(part) for part in parts)


def _part(part: GeminiPart) -> Part:
    if part.file_data is not None:
        return FilePart(uri=part.file_data.file_uri, mime_type=part.file_data.mime_type)
    return TextPart(text=part.text or "")


def _part_lines(message: Message) -> JsonValue:
    parts = (
        [TextPart(text=message.content)] if isinstance(message.content, str) else message.content
    )
    return [_part_line(part) for part in parts]


def _part_line(part: Part) -> JsonObject:
    if isinstance(part, FilePart):
        return {"fileData": {"mimeType": part.mime_type, "fileUri": part.uri}}
    return {"text": part.text}
