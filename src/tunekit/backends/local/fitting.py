"""Holds the rows of distillation against the limits of the student, and cuts them where that was asked for.

Belongs here: which part of a row is cut, by how much, and the finding that says so.
Does not belong here: rows as the model reads them (`encoding.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from tunekit._text import plural
from tunekit.backends.local.encoding import ChatTemplateRefuses, Encoder
from tunekit.data.check import rules
from tunekit.data.check.findings import Finding, Problem, Severity
from tunekit.data.dataset import Located
from tunekit.data.rows import (
    Asked,
    Conversation,
    Message,
    Prompt,
    PromptCompletion,
    Row,
    asked_of,
)

_HALF_A_CHARACTER = "�"
"""What a tokenizer makes of a character whose bytes were cut apart."""

_QUESTIONS_TO_CUT = 2
"""Questions that a conversation needs before the oldest can be left out."""

_Side = Literal["start", "end"]


@dataclass(slots=True)
class Fitter:
    """Makes rows fit a student.

    Args:
        encoder: The student's.
        overlong: Whether rows that are too long are cut; otherwise they are findings.
        max_input_tokens: Tokens of a prompt; `None` where the context is the only limit.
        max_output_tokens: Tokens of an answer; `None` where the context is the only limit.
    """

    encoder: Encoder
    overlong: Literal["refuse", "truncate"]
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    findings: list[Finding] = field(default_factory=list[Finding])
    """Errors where rows are refused, warnings where they were cut. The context as a limit of whole rows is not among
    the errors: every way of tuning looks at it."""

    def fitted(self, item: Located[Any]) -> Located[Any]:
        """A row within the limits, or as it is where it is refused."""
        problems = list(self._beyond(item.row))
        row = item.row
        if self.overlong == "truncate":
            row = self._cut(row)
            problems = [*_told(item.row, row), *self._uncut(row)]
        self.findings.extend(Finding.of(problem, item.place) for problem in problems)
        return Located(row, item.place)

    def _uncut(self, row: Row) -> Iterator[Problem]:
        """Why a conversation that was to be cut is too long still: its last question is."""
        if not isinstance(asked_of(row), str):
            yield from self._beyond(row)

    def _beyond(self, row: Row) -> Iterator[Problem]:
        asked, answer = asked_of(row), row.completion_text()
        name = "input_text" if isinstance(asked, str) else None
        sides = [(name, self._num_prompt_tokens(asked), self.max_input_tokens)]
        if answer is not None:
            name = "output_text" if isinstance(asked, str) else None
            sides.append((name, len(self._ids(answer)), self.max_output_tokens))
        for name, length, limit in sides:
            if limit is not None and length > limit:
                fact = f"The text has {length:,} tokens; {limit:,} are allowed."
                fix = "Shorten it, or set overlong='truncate'."
                yield Problem(rules.ROW_TOO_LONG, fact, field=name, fix=fix)

    def _cut(self, row: Row) -> Row:
        if isinstance(row, Prompt | PromptCompletion) and isinstance(row.prompt, str):
            return self._cut_text(row)
        return self._cut_turns(row)

    def _cut_text(self, row: Prompt | PromptCompletion) -> Prompt | PromptCompletion:
        if isinstance(row, PromptCompletion) and self.max_output_tokens is not None:
            kept = self._shortened(row.completion, self.max_output_tokens, cut="end")
            row = row.model_copy(update={"completion": kept})
        prompt = row.prompt_text()
        length = len(self._ids(prompt))
        room = min(length, self.max_input_tokens or length)
        while room > 0:
            cut = row.model_copy(update={"prompt": self._shortened(prompt, room, cut="start")})
            excess = self._excess(cut)
            if excess <= 0:
                return cut
            room -= excess
        return row  # the answer alone is too long, which is an error of the row

    def _cut_turns(self, row: Row) -> Row:
        """Cut the end of the answer, and leave out the oldest question and answer until the rest fits."""
        if isinstance(row, Conversation) and self.max_output_tokens is not None:
            last = row.messages[-1]
            kept = self._shortened(last.text, self.max_output_tokens, cut="end")
            if kept != last.text:
                turns = (*row.messages[:-1], last.model_copy(update={"content": kept}))
                row = row.model_copy(update={"messages": turns})
        whole = row
        while self._excess(row) > 0:
            shorter = _without_oldest(row)
            if shorter is None:
                return whole  # what is left is too long by itself, which is an error of the row
            row = shorter
        return row

    def _num_prompt_tokens(self, asked: Asked) -> int:
        """Tokens of a text, or of a conversation as the student reads it."""
        if isinstance(asked, str):
            return len(self._ids(asked))
        try:
            return len(self.encoder.prompt_ids(asked))
        except ChatTemplateRefuses:  # found where rows are made into tokens
            return 0

    def _excess(self, row: Row) -> int:
        """Tokens beyond what the student may see of a conversation, or beyond its context."""
        asked = asked_of(row)
        if not isinstance(asked, str) and self.max_input_tokens is not None:
            excess = self._num_prompt_tokens(asked) - self.max_input_tokens
            if excess > 0:
                return excess
        if self.encoder.context_tokens is None:
            return 0
        try:
            (encoded,) = self.encoder.encodings(row)
        except ChatTemplateRefuses:
            return 0
        answer = 1 if isinstance(row, Prompt) else 0
        return len(encoded.input_ids) + answer - self.encoder.context_tokens

    def _shortened(self, text: str, num_tokens: int, *, cut: _Side) -> str:
        """The text within so many tokens; the tokens of a part can be more than the part of the tokens."""
        ids = self._ids(text)
        if len(ids) <= num_tokens:
            return text
        for count in range(num_tokens, 0, -1):
            part = ids[-count:] if cut == "start" else ids[:count]
            kept = str(self.encoder.tokenizer.decode(part)).strip(_HALF_A_CHARACTER)
            if len(self._ids(kept)) <= num_tokens:
                return kept
        return ""

    def _ids(self, text: str) -> list[int]:
        return list(self.encoder.tokenizer(text, add_special_tokens=False)["input_ids"])


def _without_oldest(row: Row) -> Row | None:
    """The conversation without its oldest question and answer; `None` where only one question is left."""
    name = "messages" if isinstance(row, Conversation) else "prompt"
    turns: tuple[Message, ...] = getattr(row, name)
    start = 1 if turns[0].role == "system" else 0
    if sum(turn.role == "user" for turn in turns) < _QUESTIONS_TO_CUT:
        return None
    return row.model_copy(update={name: (*turns[:start], *turns[start + 2 :])})


def _told(before: Row, after: Row) -> Iterator[Problem]:
    is_text = isinstance(asked_of(before), str)
    for side, name, whole, kept in (
        ("start", "input_text", asked_of(before), asked_of(after)),
        ("end", "output_text", before.completion_text(), after.completion_text()),
    ):
        if whole == kept:
            continue
        lost = len(whole or "") - len(kept or "")
        unit = "character" if isinstance(whole, str) else "turn"
        fact = f"The text is too long for the student: its {side} is cut by {plural(lost, unit)}."
        fix = "Shorten it yourself to choose what is left out."
        field = name if is_text else None
        yield Problem(rules.ROW_TOO_LONG, fact, field=field, fix=fix, severity=Severity.WARNING)
