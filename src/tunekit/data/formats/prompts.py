"""`prompts`: prompts without an answer: `{"input_text"}`, or a conversation that ends with the user.

The conversation may be spelt as in `messages`, `palm_chat` or `gemini`. Prompt datasets of Vertex AI RLHF and
unlabelled distillation have these shapes.
Source: https://cloud.google.com/vertex-ai/generative-ai/docs/models/tune-text-models-rlhf.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import AliasChoices, Field

from tunekit.data.check.findings import Problem
from tunekit.data.check.syntax import JsonObject
from tunekit.data.formats.base import Format
from tunekit.data.formats.convert import plain_turns, without_tools
from tunekit.data.formats.gemini import (
    GeminiLine,
    gemini_line,
    gemini_turns_of,
    last_content_role,
)
from tunekit.data.formats.messages import (
    MessagesLine,
    has_turns,
    last_speaker,
    turn_line,
    turns_of,
)
from tunekit.data.formats.palm_chat import PalmChatLine, palm_turns_of
from tunekit.data.formats.turns import turn_problems
from tunekit.data.formats.wire import Text, WireRow
from tunekit.data.rows import Message, Prompt
from tunekit.errors import FormatLoss


class PromptLine(WireRow):
    """A line that holds a plain text."""

    input_text: Text = Field(validation_alias=AliasChoices("input_text", "prompt"))


class PromptsFormat(Format[WireRow, Prompt]):
    """The format of prompts without an answer."""

    name = "prompts"
    row_type = Prompt

    def claims(self, line: JsonObject) -> bool:
        if "contents" in line:
            return "completions" not in line and last_content_role(line) == "user"
        for speaker in ("role", "author"):
            if has_turns(line, speaker):
                return last_speaker(line, speaker) == "user"
        answered = ("output_text", "completion", "candidate_0", "candidate_1")
        asked = "input_text" in line or "prompt" in line
        return asked and not any(name in line for name in answered)

    def resembles(self, line: JsonObject) -> bool:
        return self.claims(line)

    def wire_for(self, line: JsonObject) -> type[WireRow]:
        if "contents" in line:
            return GeminiLine
        if "messages" in line:
            return PalmChatLine if has_turns(line, "author") else MessagesLine
        return PromptLine

    def row_of(self, wire: WireRow) -> Prompt:
        tools = tuple(wire.tools or ()) if isinstance(wire, GeminiLine) else ()
        extra = wire.carried if isinstance(wire, GeminiLine) else wire.unknown_fields
        return Prompt(prompt=plain_turns(_prompt(wire)), tools=tools, extra=extra)

    def problems_in(self, row: Prompt) -> Iterator[Problem]:
        if isinstance(row.prompt, tuple):
            yield from turn_problems(row.prompt, field="messages", last="user")

    def line_of(self, row: Prompt) -> JsonObject:
        if isinstance(row.prompt, str) and not row.tools:
            return {"input_text": row.prompt}
        try:
            return {"messages": [turn_line(turn) for turn in without_tools(row, "messages")]}
        except FormatLoss:  # files, functions and tools, which only the Gemini spelling holds
            turns = without_tools(row.model_copy(update={"tools": ()}), self.name)
            return gemini_line(turns, row.tools)


def _prompt(wire: WireRow) -> str | tuple[Message, ...]:
    match wire:
        case PromptLine():
            return wire.input_text
        case MessagesLine():
            return turns_of(wire)
        case PalmChatLine():
            return palm_turns_of(wire)
        case GeminiLine():
            return gemini_turns_of(wire)
        case _:  # pragma: no cover
            raise AssertionError(f"wire_for() gave {type(wire)}")
