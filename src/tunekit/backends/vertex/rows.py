"""Rows as Vertex AI reads them: spelt line by line, with a digest of the bytes and the place of every row.

Nothing of a row is lost on the way, or it is refused. Fields that a row only carries along stay at home: they are never
trained on, and what is not sent cannot leak.

Belongs here: spelling rows, and finding the place of a line again.
Does not belong here: how formats are spelt elsewhere (`data/formats/`), limits (`limits.py`), uploading (`storage.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from pydantic import JsonValue

from tunekit._value import Received
from tunekit.backends.vertex.case import SPELLINGS
from tunekit.data.check.digests import dataset_digest, row_digest
from tunekit.data.check.findings import Place
from tunekit.data.check.syntax import JsonObject
from tunekit.data.dataset import Dataset, Located
from tunekit.data.formats.convert import as_kind, without_tools
from tunekit.data.formats.gemini import gemini_line
from tunekit.data.formats.gemini_preference import GeminiPreferenceFormat
from tunekit.data.formats.messages import turn_line
from tunekit.data.formats.palm_chat import PalmChatFormat
from tunekit.data.formats.preference import PreferenceFormat
from tunekit.data.rows import (
    Conversation,
    Document,
    Message,
    Preference,
    Prompt,
    PromptCompletion,
    Query,
    RelevanceLabel,
    Row,
)
from tunekit.errors import DatasetChanged, FormatLoss

_CARRIED = ("generationConfig",)
"""Fields that a row only carries along, and that a line for Gemini has nevertheless."""
MAX_RUNS = 100_000
"""Stretches of neighbouring lines that are remembered; a dataset that is more scattered has no places afterwards."""

_LABELS_HEADER = b"query-id\tcorpus-id\tscore\n"

_GEMINI_PREFERENCE, _PREFERENCE, _PALM_CHAT = (
    GeminiPreferenceFormat(),
    PreferenceFormat(),
    PalmChatFormat(),
)


class Stretch(Received):
    """Neighbouring lines of one file."""

    path: str | None
    first_line: int
    num_rows: int


class Written(Received):
    """Rows as they were spelt."""

    name: str
    """What the dataset is for, such as `train`."""
    sha256: str
    size: int
    """Bytes."""
    num_rows: int
    digest: str
    """Of the rows themselves, however they are spelt."""
    stretches: tuple[Stretch, ...] | None = ()
    """Where the rows come from, in order; `None` where that is too much to remember."""

    def place(self, row: int) -> Place | None:
        """Where a row comes from.

        Args:
            row: Its number, from 0.
        """
        for stretch in self.stretches or ():
            if row < stretch.num_rows:
                return Place(stretch.path, stretch.first_line + row)
            row -= stretch.num_rows
        return None


def spelt(row: Row, spelling: SPELLINGS) -> JsonObject:
    """The line for a row.

    Raises:
        FormatLoss: A part of the row would be lost.
    """
    return _SPELLERS[spelling](row)


def write(
    rows: Dataset[Any], name: str, spelling: SPELLINGS, file: BinaryIO | None, *, digest: str | None
) -> Written:
    """Spell all rows.

    Args:
        rows: The rows.
        name: What they are for.
        spelling: How.
        file: Where to; `None` only counts.
        digest: What the rows must be, as `Dataset.digest` gives it; `None` takes them as they are.

    Raises:
        DatasetChanged: The rows are other ones by now.
        FormatLoss: A row would lose a part.
    """
    sha, size, digests, places = hashlib.sha256(), 0, bytearray(), _Places()
    number = 0

    def put(line: bytes) -> None:
        nonlocal size
        sha.update(line)
        size += len(line)
        if file is not None:
            file.write(line)

    if spelling == "relevance":
        put(_LABELS_HEADER)
    for located in rows.located():
        line = _line(located, spelling)
        put(_tab_separated(line) if spelling == "relevance" else _json_line(line))
        digests += row_digest(located.row)
        places.add(located.place)
        number += 1
    found = dataset_digest([bytes(digests)])
    if digest is not None and found != digest:
        raise DatasetChanged(
            "The rows are not the ones that were checked a moment ago.",
            hint="Call again when nothing writes to their files.",
            place=", ".join(rows.names) or None,
        )
    return Written(
        name=name,
        sha256=sha.hexdigest(),
        size=size,
        num_rows=number,
        digest=found,
        stretches=places.stretches(),
    )


def suffix_of(spelling: SPELLINGS) -> str:
    """What the names of such files end in."""
    return "tsv" if spelling == "relevance" else "jsonl"


def references_of(row: Prompt) -> Mapping[str, JsonValue]:
    """What a reward may look at: the row's further fields, those inside `references` among them."""
    references = dict(row.extra)
    inner = references.get("references")
    if isinstance(inner, dict):
        del references["references"]
        references |= inner
    return references


def _line(located: Located[Any], spelling: SPELLINGS) -> JsonObject:
    try:
        return spelt(located.row, spelling)
    except FormatLoss as loss:
        raise FormatLoss(loss.fact, hint=loss.hint, place=str(located.place)) from loss


def _json_line(line: JsonObject) -> bytes:
    return (json.dumps(line, ensure_ascii=False) + "\n").encode()


def _tab_separated(line: JsonObject) -> bytes:
    return ("\t".join(str(value) for value in line.values()) + "\n").encode()


class _Places:
    """Places, neighbouring lines as one."""

    def __init__(self) -> None:
        self._runs: list[tuple[str | None, int, int]] = []

    def add(self, place: Place) -> None:
        """Take the place of the next row in."""
        if len(self._runs) > MAX_RUNS:
            return
        if self._runs:
            path, first, count = self._runs[-1]
            if path == place.path and place.line == first + count:
                self._runs[-1] = (path, first, count + 1)
                return
        self._runs.append((place.path, place.line or 1, 1))

    def stretches(self) -> tuple[Stretch, ...] | None:
        """What came together."""
        if len(self._runs) > MAX_RUNS:
            return None
        return tuple(Stretch(path=p, first_line=f, num_rows=n) for p, f, n in self._runs)


def _gemini(row: Row) -> JsonObject:
    whole = _as(row, Conversation, "gemini")
    return {
        **gemini_line(whole.messages, whole.tools),
        **{k: row.extra[k] for k in _CARRIED if k in row.extra},
    }


def _messages(row: Row) -> JsonObject:
    turns = without_tools(_as(row, Conversation, "messages"), "messages")
    return {"messages": [turn_line(turn) for turn in turns]}


def _prompt_completion(row: Row) -> JsonObject:
    plain = _as(row, PromptCompletion, "prompt_completion")
    return {"input_text": plain.prompt, "output_text": plain.completion}


def _palm_chat(row: Row) -> JsonObject:
    return _PALM_CHAT.line_of(_as(row, Conversation, "palm_chat"))


def _gemini_preference(row: Row) -> JsonObject:
    """Scores are 1 and 0: Vertex AI takes no others."""
    plain = _as(row, Preference, "gemini_preference").model_copy(update={"extra": {}})
    return _GEMINI_PREFERENCE.line_of(plain)


def _preference(row: Row) -> JsonObject:
    return _PREFERENCE.line_of(_as(row, Preference, "preference"))


def _reinforcement(row: Row) -> JsonObject:
    prompt = _as(row, Prompt, "reinforcement")
    line = gemini_line(_turns(prompt), prompt.tools)
    references: JsonObject = {name: _text(v) for name, v in references_of(prompt).items()}
    return {**line, "references": references} if references else line


def _prompt_messages(row: Row) -> JsonObject:
    return {
        "messages": [
            turn_line(turn) for turn in without_tools(_as(row, Prompt, "messages"), "messages")
        ]
    }


def _prompts(row: Row) -> JsonObject:
    prompt = _as(row, Prompt, "prompts")
    turns = without_tools(prompt, "prompts")
    if isinstance(prompt.prompt, str):
        return {"input_text": prompt.prompt}
    return _PALM_CHAT.line_of(Conversation(messages=turns))


def _document(row: Row) -> JsonObject:
    document = _as(row, Document, "documents")
    title: JsonObject = {"title": document.title} if document.title else {}
    return {"_id": document.id, **title, "text": document.text}


def _query(row: Row) -> JsonObject:
    query = _as(row, Query, "queries")
    return {"_id": query.id, "text": query.text}


def _relevance(row: Row) -> JsonObject:
    label = _as(row, RelevanceLabel, "relevance")
    for name in (label.query_id, label.document_id):
        if any(space in name for space in "\t\r\n"):
            raise FormatLoss(
                "An id holds a tab or a line feed, which a file of labels cannot hold.",
                hint="Use other ids.",
            )
    return {"query-id": label.query_id, "corpus-id": label.document_id, "score": label.score}


def _turns(row: Prompt) -> tuple[Message, ...]:
    prompt = row.prompt
    return (Message(role="user", content=prompt),) if isinstance(prompt, str) else prompt


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _as(row: Row, kind: type[Any], form: str) -> Any:
    found = as_kind(row, kind)
    if found is None:
        raise FormatLoss(
            f"The format {form!r} cannot hold this {type(row).__name__}.",
            hint=f"It holds {kind.__name__} rows.",
        )
    return found


_SPELLERS: Mapping[SPELLINGS, Callable[[Row], JsonObject]] = {
    "documents": _document,
    "gemini": _gemini,
    "gemini_preference": _gemini_preference,
    "messages": _messages,
    "palm_chat": _palm_chat,
    "preference": _preference,
    "prompt_completion": _prompt_completion,
    "prompt_messages": _prompt_messages,
    "prompts": _prompts,
    "queries": _query,
    "reinforcement": _reinforcement,
    "relevance": _relevance,
}
