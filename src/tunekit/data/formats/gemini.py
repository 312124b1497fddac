"""`gemini`: `{"systemInstruction", "contents": [{"role", "parts": [{"text"} | {"fileData"} | {"functionCall"}]}]}`.

The shape of supervised tuning data for Gemini: a part is a text, a file, the call of a function or what it gave back,
and `tools` says what may be called. Field names in snake_case and the role `assistant`, which the data of open models
on Vertex AI has, are read too, and so is the role `function` of what a function gave back.
Sources: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/models/gemini-supervised-tuning-prepare and
https://docs.cloud.google.com/vertex-ai/generative-ai/docs/models/tune-function-calling.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, Field, JsonValue
from pydantic_core import PydanticCustomError

from tunekit.data.check import rules
from tunekit.data.check.findings import Problem
from tunekit.data.check.syntax import JsonObject
from tunekit.data.formats.base import Format
from tunekit.data.formats.turns import turn_problems
from tunekit.data.formats.wire import Text, Wire, WireRow
from tunekit.data.rows import (
    Conversation,
    FilePart,
    FunctionCallPart,
    FunctionResponsePart,
    Message,
    Part,
    TextPart,
)
from tunekit.errors import FormatLoss


class GeminiFile(Wire):
    """A pointer to a file."""

    mime_type: Text = Field(validation_alias=AliasChoices("mimeType", "mime_type"))
    file_uri: Text = Field(validation_alias=AliasChoices("fileUri", "file_uri"))


class GeminiCall(Wire):
    """The call of a function."""

    name: Text
    args: dict[str, JsonValue] | None = None
    id: str | None = None


class GeminiResponse(Wire):
    """What a function gave back."""

    name: Text
    response: dict[str, JsonValue]
    id: str | None = None


class GeminiPart(Wire):
    """A text, a file, a call or an answer to one; exactly one of them."""

    text: Text | None = None
    file_data: GeminiFile | None = Field(
        default=None, validation_alias=AliasChoices("fileData", "file_data")
    )
    function_call: GeminiCall | None = Field(
        default=None, validation_alias=AliasChoices("functionCall", "function_call")
    )
    function_response: GeminiResponse | None = Field(
        default=None, validation_alias=AliasChoices("functionResponse", "function_response")
    )
    media_resolution: dict[str, JsonValue] | None = Field(
        default=None, validation_alias=AliasChoices("mediaResolution", "media_resolution")
    )
    video_metadata: dict[str, JsonValue] | None = Field(
        default=None, validation_alias=AliasChoices("videoMetadata", "video_metadata")
    )

    @property
    def settings(self) -> JsonObject:
        """How a file is to be looked at."""
        given: JsonObject = {
            "mediaResolution": self.media_resolution,
            "videoMetadata": self.video_metadata,
        }
        return {name: value for name, value in given.items() if value is not None}


def _holds_one(part: GeminiPart) -> GeminiPart:
    held = (part.text, part.file_data, part.function_call, part.function_response)
    if sum(one is not None for one in held) != 1:
        raise PydanticCustomError(
            rules.MISSING_FIELD.id,
            "A part has exactly one of 'text', 'fileData', 'functionCall' and 'functionResponse'.",
        )
    if part.settings and part.file_data is None:
        raise PydanticCustomError(
            rules.WRONG_TYPE.id, "Settings of a file stand beside something that is none."
        )
    return part


Parts = Annotated[list[Annotated[GeminiPart, AfterValidator(_holds_one)]], Field(min_length=1)]


class GeminiContent(Wire):
    """One turn."""

    role: Literal["user", "model", "assistant", "function"]
    parts: Parts


class GeminiSystem(Wire):
    """The system instruction; its role means nothing and may be anything."""

    role: str | None = None
    parts: Parts


class GeminiTurns(WireRow):
    """The turns of a line."""

    system_instruction: GeminiSystem | None = Field(
        default=None, validation_alias=AliasChoices("systemInstruction", "system_instruction")
    )
    contents: list[GeminiContent]


class GeminiLine(GeminiTurns):
    """A line of the format."""

    tools: list[dict[str, JsonValue]] | None = None
    generation_config: dict[str, JsonValue] | None = Field(
        default=None, validation_alias=AliasChoices("generationConfig", "generation_config")
    )

    @property
    def carried(self) -> JsonObject:
        """What a row carries along: unknown fields, and how the answers were made."""
        if self.generation_config is None:
            return self.unknown_fields
        return {**self.unknown_fields, "generationConfig": self.generation_config}


def gemini_turns_of(line: GeminiTurns) -> tuple[Message, ...]:
    """The turns, the system instruction first."""
    turns = tuple(Message(role=_role(turn), content=_content(turn.parts)) for turn in line.contents)
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
        return Conversation(
            messages=gemini_turns_of(wire), tools=tuple(wire.tools or ()), extra=wire.carried
        )

    def problems_in(self, row: Conversation) -> Iterator[Problem]:
        turns = tuple(message for message in row.messages if message.role != "system")
        return turn_problems(turns, field="contents", last="model")

    def line_of(self, row: Conversation) -> JsonObject:
        return gemini_line(row.messages, row.tools)


def gemini_line(
    messages: tuple[Message, ...], tools: tuple[Mapping[str, JsonValue], ...] = ()
) -> JsonObject:
    """The turns, and what the model may call, as the format spells them.

    Raises:
        FormatLoss: The system turn is more than text.
    """
    turns = list(messages)
    system = turns.pop(0) if turns and turns[0].role == "system" else None
    line: JsonObject = {}
    if system is not None:
        if not system.is_text:
            raise FormatLoss(
                "The system turn points to a file or a function; the format 'gemini' takes text only there.",
                hint="Move it to the first user turn.",
            )
        line["systemInstruction"] = {"role": "system", "parts": _part_lines(system)}
    line["contents"] = [{"role": turn.role, "parts": _part_lines(turn)} for turn in turns]
    if tools:
        line["tools"] = [dict(tool) for tool in tools]
    return line


def last_content_role(line: JsonObject) -> object:
    """Who speaks last, as the line spells it."""
    contents = line.get("contents")
    last = contents[-1] if isinstance(contents, list) and contents else None
    return last.get("role") if isinstance(last, dict) else None


def _role(turn: GeminiContent) -> Literal["user", "model"]:
    return "user" if turn.role in ("user", "function") else "model"


def _content(parts: list[GeminiPart]) -> tuple[Part, ...]:
    return tuple(_part(part) for part in parts)


def _part(part: GeminiPart) -> Part:
    if part.file_data is not None:
        return FilePart(
            uri=part.file_data.file_uri,
            mime_type=part.file_data.mime_type,
            settings=part.settings,
        )
    if part.function_call is not None:
        call = part.function_call
        return FunctionCallPart(name=call.name, args=call.args or {}, id=call.id)
    if part.function_response is not None:
        given = part.function_response
        return FunctionResponsePart(name=given.name, response=given.response, id=given.id)
    return TextPart(text=part.text or "")


def _part_lines(message: Message) -> JsonValue:
    parts = (
        [TextPart(text=message.content)] if isinstance(message.content, str) else message.content
    )
    return [_part_line(part) for part in parts]


def _part_line(part: Part) -> JsonObject:
    match part:
        case TextPart():
            return {"text": part.text}
        case FilePart():
            file: JsonObject = {"mimeType": part.mime_type, "fileUri": part.uri}
            return {"fileData": file, **part.settings}
        case FunctionCallPart():
            return {"functionCall": _named(part, {"args": dict(part.args)})}
        case FunctionResponsePart():
            return {"functionResponse": _named(part, {"response": dict(part.response)})}


def _named(part: FunctionCallPart | FunctionResponsePart, value: JsonObject) -> JsonObject:
    named: JsonObject = {"name": part.name, **value}
    return named if part.id is None else {"id": part.id, **named}
