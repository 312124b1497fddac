"""`prompt_completion`: `{"input_text", "output_text"}`, also spelt `{"prompt", "completion"}`.

The shape of text tuning data on Vertex AI in the PaLM era, and of prompt-completion data for open models and TRL.
Sources: https://cloud.google.com/vertex-ai/generative-ai/docs/models/tune-text-models-supervised and
https://huggingface.co/docs/trl/dataset_formats.
"""

from __future__ import annotations

from pydantic import AliasChoices, Field

from tunekit.data.check.syntax import JsonObject
from tunekit.data.formats.base import Format
from tunekit.data.formats.wire import Text, WireRow
from tunekit.data.rows import PromptCompletion


class PromptCompletionLine(WireRow):
    """A line of the format."""

    input_text: Text = Field(validation_alias=AliasChoices("input_text", "prompt"))
    output_text: Text = Field(validation_alias=AliasChoices("output_text", "completion"))


class PromptCompletionFormat(Format[PromptCompletionLine, PromptCompletion]):
    """The format of prompts with one answer each."""

    name = "prompt_completion"
    row_type = PromptCompletion

    def claims(self, line: JsonObject) -> bool:
        return "output_text" in line or ("completion" in line and "contents" not in line)

    def resembles(self, line: JsonObject) -> bool:
        return any(name in line for name in ("input_text", "output_text", "prompt", "completion"))

    def wire_for(self, line: JsonObject) -> type[PromptCompletionLine]:
        return PromptCompletionLine

    def row_of(self, wire: PromptCompletionLine) -> PromptCompletion:
        return PromptCompletion(
            prompt=wire.input_text, completion=wire.output_text, extra=wire.unknown_fields
        )

    def line_of(self, row: PromptCompletion) -> JsonObject:
        return {"input_text": row.prompt, "output_text": row.completion}
