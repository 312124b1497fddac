"""What rows ask and teach, as numbers: equal for equal rows, whatever file, format or kind they come in.

The turns that ask are hashed together, with the sequence of speakers as the seed; what is taught is the hash of the
answer with the question as the seed. Two control characters keep the turns apart.
XXH3 is stable between versions and platforms (https://github.com/Cyan4973/xxHash); it is no protection against somebody
who makes rows collide on purpose, and needs not be.

Belongs here: the numbers of each kind of row.
Does not belong here: finding equal rows (`repetition.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import JsonValue
from xxhash import xxh3_64_intdigest, xxh3_128_digest

from tunekit.data.check.images import file_digest
from tunekit.data.rows import (
    Conversation,
    FilePart,
    FunctionCallPart,
    FunctionResponsePart,
    ImageRow,
    Message,
    Part,
    Preference,
    Prompt,
    PromptCompletion,
    Role,
    Row,
)

DIGEST_BYTES = 16
MASK = (1 << 64) - 1
BETWEEN_TURNS, ESCAPE = "\x1e", "\x1f"
"""What keeps turns apart, and what stands before a character that means itself no longer. The fast path takes no text
that has one of them."""
CANDIDATE_SEED, REJECTED_SEED = 8, 9
LAST_BIT_OFF = 0xFE
NO_QUESTION = 0
"""The question of a row that has no answer, and of rows whose kind is not known here."""


@dataclass(frozen=True, slots=True)
class RowKeys:
    """A row as numbers."""

    digest: bytes
    """16 bytes: what the row teaches. The last bit is the choice of a preference, and else 0: rows that differ in it
    alone are the same preference with the candidates exchanged."""
    question: int
    """What it asks, as 64 bits: rows that ask the same and teach something else contradict each other."""


def row_keys(row: Row) -> RowKeys:
    """The numbers of a row; its unknown fields play no part."""
    match row:
        case PromptCompletion():
            return _answered((_escaped(row.prompt), _escaped(row.completion)), ("user", "model"))
        case Conversation() if row.messages:
            return _answered(_texts(row.messages), _roles(row.messages), _tools(row.tools))
        case Prompt():
            return RowKeys(lesson(_tools(row.tools), _asked(row.prompt)), NO_QUESTION)
        case Preference():
            return _preference_keys(row)
        case ImageRow():  # what counts is the picture, wherever it lies
            row = row.model_copy(update={"image": file_digest(Path(row.image)) or row.image})
            return _keys_of_fields(row)
        case _:
            return _keys_of_fields(row)


def _keys_of_fields(row: Row) -> RowKeys:
    text = type(row).__name__ + row.model_dump_json(exclude={"extra"})
    return RowKeys(lesson(text, 0), NO_QUESTION)


@cache
def speakers_seed(roles: tuple[Role, ...]) -> int:
    """The seed of the hash of turns with these speakers."""
    return xxh3_64_intdigest(" ".join(roles).encode())


def row_digest(row: Row) -> bytes:
    """What a row teaches, as 16 bytes: equal for rows that differ in unknown fields only."""
    return row_keys(row).digest


def text_digest(text: str) -> bytes:
    """A text as 16 bytes."""
    return hashlib.blake2b(_encoded(text), digest_size=DIGEST_BYTES).digest()


def dataset_digest(row_digests: Iterable[bytes]) -> str:
    """The rows in order, as SHA-256 over their own digests."""
    sha = hashlib.sha256()
    for digests in row_digests:
        sha.update(digests)
    return sha.hexdigest()


def lesson(text: str, seed: int, last_bit: int = 0) -> bytes:
    """What is taught by an answer to a question."""
    digest = xxh3_128_digest(_encoded(text), seed & MASK)
    return digest[:-1] + bytes(((digest[-1] & LAST_BIT_OFF) | last_bit,))


def _answered(texts: tuple[str, ...], roles: tuple[Role, ...], tools: str = "") -> RowKeys:
    asked = _hash(tools + BETWEEN_TURNS.join(texts[:-1]), speakers_seed(roles))
    return RowKeys(lesson(texts[-1], asked), asked)


def _asked(prompt: str | tuple[Message, ...]) -> int:
    if isinstance(prompt, str):
        return _hash(_escaped(prompt), speakers_seed(("user",)))
    return _hash(BETWEEN_TURNS.join(_texts(prompt)), speakers_seed(_roles(prompt)))


def _preference_keys(row: Preference) -> RowKeys:
    seed = _asked(row.prompt) + CANDIDATE_SEED
    chosen, rejected = _hash(row.chosen, seed), _hash(row.rejected, seed)
    digest = lesson(row.rejected, chosen + REJECTED_SEED, row.choice)
    return RowKeys(digest, (chosen + rejected) & MASK)


def _roles(messages: tuple[Message, ...]) -> tuple[Role, ...]:
    return tuple(message.role for message in messages)


def _texts(messages: tuple[Message, ...]) -> tuple[str, ...]:
    return tuple(
        _escaped(message.content)
        if isinstance(message.content, str)
        else "".join(map(_part, message.content))
        for message in messages
    )


def _part(part: Part) -> str:
    match part:
        case FilePart():
            settings = f"{ESCAPE}s{_json(part.settings)}" if part.settings else ""
            return f"{ESCAPE}f{_escaped(part.uri)}{ESCAPE}m{_escaped(part.mime_type)}{settings}"
        case FunctionCallPart():
            return f"{ESCAPE}c{_json([part.id, part.name, part.args])}"
        case FunctionResponsePart():
            return f"{ESCAPE}r{_json([part.id, part.name, part.response])}"
        case _:
            return f"{ESCAPE}t{_escaped(part.text)}"


def _tools(tools: tuple[Mapping[str, JsonValue], ...]) -> str:
    return f"{ESCAPE}o{_json(tools)}{BETWEEN_TURNS}" if tools else ""


def _json(value: object) -> str:
    """A value as JSON, in which neither of the characters that keep turns apart can stand."""
    return json.dumps(value, sort_keys=True, default=dict)


def _escaped(text: str) -> str:
    if ESCAPE in text or BETWEEN_TURNS in text:
        return text.replace(ESCAPE, f"{ESCAPE}e").replace(BETWEEN_TURNS, f"{ESCAPE}b")
    return text


def _hash(text: str, seed: int) -> int:
    return xxh3_64_intdigest(_encoded(text), seed & MASK)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
