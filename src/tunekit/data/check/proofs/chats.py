"""Proves lines that are conversations of plain texts, in the three spellings of them.

Turns of several parts, and turns that point to files, go the slow way.

Belongs here: the structs and columns of these formats.
Does not belong here: the guards (`base.py`), the order of turns (`formats/turns.py`).
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType
from xxhash import xxh3_64_intdigest, xxh3_128_digest

from tunekit.data.check.digests import BETWEEN_TURNS, speakers_seed
from tunekit.data.check.proofs.base import Columns, Fast, Prover
from tunekit.data.check.proofs.screens import Screen, doubtful_answers
from tunekit.data.check.proofs.texts import Text
from tunekit.data.check.text_rules import is_plain_answer
from tunekit.data.formats.turns import turn_problems
from tunekit.data.rows import Message, Role

_ROLES: dict[str, Role] = {
    "system": "system",
    "user": "user",
    "assistant": "model",
    "bot": "model",
    "model": "model",
}


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A sequence of speakers that is in order."""

    seed: int
    has_system: bool


@dataclass(frozen=True, slots=True)
class Turns:
    """The speakers and the texts of rows."""

    roles: list[tuple[str, ...]]
    texts: list[list[str]]
    """A row with turns of several parts has more texts than roles."""
    num_strings: int


class ChatProver(Prover):
    """Proves conversations."""

    def __init__(self, *, two_turns_only: bool = False) -> None:
        super().__init__()
        self._two_turns_only = two_turns_only
        self._patterns: dict[tuple[str, ...], _Pattern | None] = {}

    @abstractmethod
    def turns(self, rows: list[Any]) -> Turns:
        """The speakers and texts of rows, a system turn first, and the strings that the lines consist of."""

    def columns(self, rows: list[Any], passes: Screen) -> Columns:
        turns = self.turns(rows)
        found = Columns(num_strings=turns.num_strings)
        self._fill(found, turns)
        if not found.doubtful:
            found.doubtful = doubtful_answers(
                found.prompt_lengths, found.completions, found.prompts
            )
        else:  # the columns have gaps, so that single answers are looked at
            found.doubtful = sorted({*found.doubtful, *self._doubtful_answers(turns)})
        if not passes(list(chain.from_iterable(turns.texts))):
            screened = (index for index, texts in enumerate(turns.texts) if not passes(texts))
            found.doubtful = sorted({*found.doubtful, *screened})
        return found

    def _fill(self, found: Columns, turns: Turns) -> None:
        patterns, questions, digests = self._patterns, found.questions, found.digests
        completions, lengths = found.completions, found.prompt_lengths
        for roles, texts in zip(turns.roles, turns.texts, strict=True):
            if roles not in patterns:
                patterns[roles] = self._pattern(roles)
            pattern = patterns[roles]
            if pattern is None or len(roles) != len(texts):
                found.doubtful.append(len(questions) + len(found.doubtful))
                continue
            length = len(texts[0])
            lengths.append(length + 1 + len(texts[1]) if pattern.has_system else length)
            answer = texts.pop()
            asked = xxh3_64_intdigest(BETWEEN_TURNS.join(texts).encode(), pattern.seed)
            texts.append(answer)
            questions.append(asked)
            completions.append(answer)
            digests.append(xxh3_128_digest(answer.encode(), asked))
        found.prompts = lambda: [
            "\n".join(texts[:2]) if roles[0] == "system" else texts[0]
            for roles, texts in zip(turns.roles, turns.texts, strict=True)
        ]

    @staticmethod
    def _doubtful_answers(turns: Turns) -> list[int]:
        return [
            index
            for index, texts in enumerate(turns.texts)
            if not (
                texts
                and texts[-1]
                and is_plain_answer("", texts[-1])
                and texts[-1] not in texts[:-1]
            )
        ]

    def _pattern(self, roles: tuple[str, ...]) -> _Pattern | None:
        spoken: list[Role] = [_ROLES[role] for role in roles]
        messages = tuple(Message(role=role, content="-") for role in spoken)
        if any(turn_problems(messages, field="", last="model")):
            return None
        if self._two_turns_only and len(messages) != 2:
            return None
        return _Pattern(speakers_seed(tuple(spoken)), spoken[0] == "system")


class MessagesTurn(Fast):
    """A turn of `messages`."""

    role: Literal["system", "user", "assistant", "model"]
    content: Text


class MessagesRow(Fast):
    """A line of `messages`."""

    messages: list[MessagesTurn]


class MessagesProver(ChatProver):
    """Proves the format `messages`."""

    dialects = (MessagesRow,)

    def turns(self, rows: list[MessagesRow]) -> Turns:
        turns = [row.messages for row in rows]
        roles: list[tuple[str, ...]] = [tuple([turn.role for turn in spoken]) for spoken in turns]
        texts = [[turn.content for turn in spoken] for spoken in turns]
        return Turns(roles, texts, len(rows) + 4 * sum(map(len, turns)))


class PalmTurn(Fast):
    """A turn of `palm_chat`."""

    author: Literal["user", "assistant", "bot"]
    content: Text


class PalmRow(Fast):
    """A line of `palm_chat`."""

    messages: list[PalmTurn]
    context: str | UnsetType = UNSET


class PalmChatProver(ChatProver):
    """Proves the format `palm_chat`."""

    dialects = (PalmRow,)

    def turns(self, rows: list[PalmRow]) -> Turns:
        found = Turns([], [], 0)
        strings = 0
        for row in rows:
            roles: tuple[str, ...] = tuple([turn.author for turn in row.messages])
            texts = [turn.content for turn in row.messages]
            strings += 1 + 4 * len(texts)
            if isinstance(row.context, str):
                strings += 2
                if row.context:
                    roles, texts = ("system", *roles), [row.context, *texts]
            found.roles.append(roles)
            found.texts.append(texts)
        return Turns(found.roles, found.texts, strings)


class GeminiPart(Fast):
    """A text."""

    text: Text


Parts: TypeAlias = Annotated[list[GeminiPart], msgspec.Meta(min_length=1)]


class GeminiTurn(Fast):
    """A turn of `gemini`."""

    role: Literal["user", "model", "assistant"]
    parts: Parts


class GeminiInstruction(Fast):
    """The system instruction of `gemini`."""

    parts: Parts
    role: str | UnsetType = UNSET


class GeminiRow(Fast):
    """A line of `gemini`."""

    contents: list[GeminiTurn]
    instruction: GeminiInstruction | UnsetType = msgspec.field(
        default=UNSET, name="systemInstruction"
    )


class GeminiSnakeRow(Fast):
    """A line of `gemini` with a field in snake case."""

    contents: list[GeminiTurn]
    instruction: GeminiInstruction | UnsetType = msgspec.field(
        default=UNSET, name="system_instruction"
    )


class GeminiProver(ChatProver):
    """Proves the format `gemini`."""

    dialects = (GeminiRow, GeminiSnakeRow)

    def turns(self, rows: list[GeminiRow]) -> Turns:
        turns = [row.contents for row in rows]
        roles: list[tuple[str, ...]] = [tuple([turn.role for turn in spoken]) for spoken in turns]
        texts = [[part.text for turn in spoken for part in turn.parts] for spoken in turns]
        strings = len(rows) + 3 * sum(map(len, roles)) + 2 * sum(map(len, texts))
        for index, row in enumerate(rows):
            instruction = row.instruction
            if isinstance(instruction, GeminiInstruction):
                told = [part.text for part in instruction.parts]
                strings += 2 + (0 if instruction.role is UNSET else 2) + 2 * len(told)
                roles[index], texts[index] = ("system", *roles[index]), told + texts[index]
        return Turns(roles, texts, strings)
