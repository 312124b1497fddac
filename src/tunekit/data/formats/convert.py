"""From one kind of row to another, where nothing is lost.

Belongs here: which kinds of row can stand for each other.
Does not belong here: how a file spells them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from tunekit.data.rows import (
    CaptionedImage,
    Conversation,
    Message,
    Prompt,
    PromptCompletion,
    ReferenceImage,
    Row,
    RowT,
)
from tunekit.errors import FormatLoss


def as_kind(row: Row, kind: type[RowT]) -> RowT | None:
    """The same row as another kind, or `None` where a part of it would be lost."""
    if isinstance(row, kind):
        return row
    convert = _CONVERSIONS.get((type(row), kind))
    other = convert(row) if convert else None
    return other if isinstance(other, kind) else None


def without_tools(row: Conversation | Prompt, format_name: str) -> tuple[Message, ...]:
    """The turns of a row, for a format that has no place for the tools a model may call.

    Raises:
        FormatLoss: The row has tools.
    """
    if row.tools:
        raise FormatLoss(
            f"The row tells which tools the model may call, which the format {format_name!r} cannot hold.",
            hint="Write the format 'gemini'.",
        )
    asked = row.messages if isinstance(row, Conversation) else row.prompt
    return (Message(role="user", content=asked),) if isinstance(asked, str) else asked


def plain_turns(prompt: str | tuple[Message, ...]) -> str | tuple[Message, ...]:
    """A conversation of one user text as the plain text that it is."""
    match prompt:
        case (Message(role="user", content=str(text)),):
            return text
        case _:
            return prompt


def _conversation(row: PromptCompletion) -> Conversation:
    question = Message(role="user", content=row.prompt)
    answer = Message(role="model", content=row.completion)
    return Conversation(messages=(question, answer), extra=row.extra)


def _prompt_completion(row: Conversation) -> PromptCompletion | None:
    match () if row.tools else row.messages:
        case (
            Message(role="user", content=str(prompt)),
            Message(role="model", content=str(completion)),
        ):
            return PromptCompletion(prompt=prompt, completion=completion, extra=row.extra)
        case _:
            return None


def _reference_image(row: CaptionedImage) -> ReferenceImage:
    return ReferenceImage(image=row.image, caption=row.caption, extra=row.extra)


def _captioned_image(row: ReferenceImage) -> CaptionedImage | None:
    if row.caption is None:
        return None
    return CaptionedImage(image=row.image, caption=row.caption, extra=row.extra)


_CONVERSIONS: Mapping[tuple[type[Row], type[Row]], Callable[[Any], Row | None]] = MappingProxyType(
    {
        (PromptCompletion, Conversation): _conversation,
        (Conversation, PromptCompletion): _prompt_completion,
        (CaptionedImage, ReferenceImage): _reference_image,
        (ReferenceImage, CaptionedImage): _captioned_image,
    }
)
