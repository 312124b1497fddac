"""The fast path: proves whole blocks of lines to be fine, and never calls anything wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from tunekit.data.check.survey import Survey
from tunekit.data.formats import FORMATS, FormatName
from tunekit.data.rows import Conversation, PromptCompletion, Row

if TYPE_CHECKING:  # numpy and msgspec are loaded where there is a file for which it is worth it
    from tunekit.data.check.proofs.base import Prover

__all__ = ["prover_for"]


def prover_for(found: Survey, row_type: type[Row] | None) -> Prover | None:
    """The prover of a dataset's lines, or `None` where each line goes the slow way."""
    make = _PROVERS.get(found.format) if found.format else None
    if make is None or found.format is None:
        return None
    wanted = row_type or FORMATS[found.format].row_type
    given = FORMATS[found.format].row_type
    if wanted is given or (given, wanted) == (PromptCompletion, Conversation):
        return make(False)  # noqa: FBT003
    if (given, wanted) == (Conversation, PromptCompletion):
        return make(True)  # noqa: FBT003
    return None


def _prompt_completion(two_turns: bool) -> Prover:  # noqa: ARG001, FBT001
    from tunekit.data.check.proofs.texts import PromptCompletionProver  # noqa: PLC0415

    return PromptCompletionProver()


def _prompts(two_turns: bool) -> Prover:  # noqa: ARG001, FBT001
    from tunekit.data.check.proofs.texts import PromptProver  # noqa: PLC0415

    return PromptProver()


def _preference(two_turns: bool) -> Prover:  # noqa: ARG001, FBT001
    from tunekit.data.check.proofs.texts import PreferenceProver  # noqa: PLC0415

    return PreferenceProver()


def _messages(two_turns: bool) -> Prover:  # noqa: FBT001
    from tunekit.data.check.proofs.chats import MessagesProver  # noqa: PLC0415

    return MessagesProver(two_turns_only=two_turns)


def _palm_chat(two_turns: bool) -> Prover:  # noqa: FBT001
    from tunekit.data.check.proofs.chats import PalmChatProver  # noqa: PLC0415

    return PalmChatProver(two_turns_only=two_turns)


def _gemini(two_turns: bool) -> Prover:  # noqa: FBT001
    from tunekit.data.check.proofs.chats import GeminiProver  # noqa: PLC0415

    return GeminiProver(two_turns_only=two_turns)


_PROVERS: Mapping[FormatName, Callable[[bool], Prover]] = MappingProxyType(
    {
        "gemini": _gemini,
        "messages": _messages,
        "palm_chat": _palm_chat,
        "preference": _preference,
        "prompt_completion": _prompt_completion,
        "prompts": _prompts,
    }
)
