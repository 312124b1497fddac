"""What an export of a tuned model is, and which backends can make one.

Belongs here: the value, the formats, and the protocol.
Does not belong here: writing the files (`backends/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol, get_args, runtime_checkable

from tunekit._plugins import html_view, text_view
from tunekit._text import did_you_mean, either
from tunekit._value import Value
from tunekit.errors import FormatUnknown

ExportFormat = Literal["safetensors", "onnx", "onnx-int8", "onnx-int4"]
"""How a model can be written. All are folders with the tokenizer and the chat template beside the weights.

- `safetensors`: what transformers loads by itself.
- `onnx`, `onnx-int8`, `onnx-int4`: what ONNX Runtime GenAI runs on phones, on boards and in applications, with weights
  of 32, of 8, or mostly of 4 bits (https://onnxruntime.ai/docs/genai/). Fewer bits are smaller and drift further.
"""

EXPORT_FORMATS: Mapping[str, ExportFormat] = {name: name for name in get_args(ExportFormat)}
"""Each by its name."""


def export_format(name: str) -> ExportFormat:
    """The format of that name.

    Raises:
        FormatUnknown: There is none.
    """
    if name not in EXPORT_FORMATS:
        raise FormatUnknown(
            f"There is no format {name!r} to export to.{did_you_mean(name, EXPORT_FORMATS)}",
            hint=f"Write one of {either(EXPORT_FORMATS)}.",
            place="format",
        )
    return EXPORT_FORMATS[name]


class Exported(Value):
    """A model that was written to a folder and answers like the tuned one."""

    folder: Path
    """Where it lies: the weights with every adapter merged into them, and the tokenizer."""
    format: ExportFormat
    num_bytes: int
    """Size of the weights on disk."""
    compared: Literal["answers", "vectors", "pictures"] = "answers"
    """What was compared: what a model of that kind makes of a prompt."""
    drift: float
    """How far it is from the tuned model, from 0 to 1.

    - Answers: how far its next tokens are, the larger of two means over the tokens of the tuned model's answers. One is
      how much of the probability lies on other tokens, the other how much less likely the tuned model finds the token
      that the exported one would take at temperature 0.
    - Vectors: the largest of 1 minus the cosine of both vectors of a text.
    - Pictures: the mean difference of a pixel."""
    num_prompts: int
    """Prompts, or texts, on which the two were compared."""
    num_same_answers: int
    """Prompts for which both have the same, as far as they were compared: the very same tokens at temperature 0, or
    vectors or pictures that are equal but for rounding."""

    def __str__(self) -> str:
        return text_view(self)

    def _repr_html_(self) -> str:
        return html_view(self)


@runtime_checkable
class Exports(Protocol):
    """A backend that can write its models to a folder."""

    def export_model(
        self, model_id: str, folder: Path, format: ExportFormat, *, max_drift: float | None
    ) -> Exported:
        """Write a model, and make sure that it answers like the tuned one.

        Args:
            model_id: Id of a model or checkpoint.
            folder: Where to; it must not be there yet.
            format: How.
            max_drift: Largest drift that is borne; see `Exported.drift`. `None` leaves it to the backend.

        Raises:
            FileKept: The folder is there already.
            MissingExtra: The format needs an extra that is not installed.
            MethodUnsupported: The format cannot hold a model of this architecture.
            ExportFailed: It could not be written, or what was written could not be run.
            ExportDrifted: What was written answers differently; nothing is left behind.
        """
        ...
