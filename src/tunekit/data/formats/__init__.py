"""The shapes that files of rows have, one file per format: decode a line to a row, encode a row to a line."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, get_args

from tunekit._text import did_you_mean, either
from tunekit.data.formats.base import Decoded, Format, FormatName
from tunekit.data.formats.gemini import GeminiFormat
from tunekit.data.formats.gemini_preference import GeminiPreferenceFormat
from tunekit.data.formats.messages import MessagesFormat
from tunekit.data.formats.palm_chat import PalmChatFormat
from tunekit.data.formats.preference import PreferenceFormat
from tunekit.data.formats.prompt_completion import PromptCompletionFormat
from tunekit.data.formats.prompts import PromptsFormat
from tunekit.data.formats.retrieval_corpus import RetrievalCorpusFormat
from tunekit.data.formats.retrieval_labels import RetrievalLabelsFormat
from tunekit.data.formats.retrieval_queries import RetrievalQueriesFormat
from tunekit.errors import FormatUnknown

__all__ = ["FORMATS", "Decoded", "Format", "FormatName", "format_named"]

AnyFormat = Format[Any, Any]

_ALL: tuple[AnyFormat, ...] = (
    PromptCompletionFormat(),
    MessagesFormat(),
    PalmChatFormat(),
    GeminiFormat(),
    PromptsFormat(),
    PreferenceFormat(),
    GeminiPreferenceFormat(),
    RetrievalCorpusFormat(),
    RetrievalQueriesFormat(),
    RetrievalLabelsFormat(),
)

FORMATS: Mapping[FormatName, AnyFormat] = MappingProxyType({form.name: form for form in _ALL})
"""Every format by its name."""


def format_named(name: str) -> AnyFormat:
    """The format of that name.

    Raises:
        FormatUnknown: There is none.
    """
    for known, form in FORMATS.items():
        if known == name:
            return form
    names = get_args(FormatName)
    raise FormatUnknown(
        f"There is no format {name!r}.{did_you_mean(name, names)}",
        hint=f"Write one of {either(names)}.",
    )
