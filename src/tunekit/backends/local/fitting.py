"""Holds the rows of distillation against the limits of the student, and cuts them where that was asked for.

Belongs here: which part of a row is cut, by how much, and the finding that says so.
Does not belong here: rows as the model reads them (`encoding.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from tunekit.backends.local.encoding import ChatTemplateRefuses, Encoder
from tunekit.data.check import rules
from tunekit.data.check.findings import Finding, Problem, Severity
from tunekit.data.dataset import Located
from tunekit.data.rows import Prompt, PromptCompletion

_HALF_A_CHARACTER = "�"
"""What a tokenizer makes of a character whose bytes were cut apart."""

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
            problems = list(_told(item.row, row))
        self.findings.extend(Finding.of(problem, item.place) for problem in problems)
        return Located(row, item.place)

    def _beyond(self, row: Prompt | PromptCompletion) -> Iterator[Problem]:
        sides = [("input_text", row.prompt_text(), self.max_input_tokens)]
        if isinstance(row, PromptCompletion):
            sides.append(("output_text", row.completion, self.max_output_tokens))
        for name, text, limit in sides:
            length = len(self._ids(text))
            if limit is not None and length > limit:
                fact = f"The text has {length:,} tokens; {limit:,} are allowed."
                fix = "Shorten it, or set overlong='truncate'."
                yield Problem(rules.ROW_TOO_LONG, fact, field=name, fix=fix)

    def _cut(self, row: Prompt | PromptCompletion) -> Prompt | PromptCompletion:
        if isinstance(row, PromptCompletion) and self.max_output_tokens is not None:
            kept = self._shortened(row.completion, self.max_output_tokens, cut="end")
            row = row.model_copy(update={"completion": kept})
        if not isinstance(row.prompt, str):
            return row
        length = len(self._ids(row.prompt))
        room = min(length, self.max_input_tokens or length)
        while room > 0:
            kept = self._shortened(row.prompt, room, cut="start")
            cut = row.model_copy(update={"prompt": kept})
            excess = self._excess(cut)
            if excess <= 0:
                return cut
            room -= excess
        return row  # the answer alone is too long, which is an error of the row

    def _excess(self, row: Prompt | PromptCompletion) -> int:
        """Tokens beyond the context of the student."""
        if self.encoder.context_tokens is None:
            return 0
        try:
            (encoded,) = self.encoder.encodings(row)
        except ChatTemplateRefuses:
            return 0
        answer = 0 if isinstance(row, PromptCompletion) else 1
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


def _told(before: Prompt | PromptCompletion, after: Prompt | PromptCompletion) -> Iterator[Problem]:
    sides = (("input_text", "prompt", "start"), ("output_text", "completion", "end"))
    for name, attribute, side in sides:
        whole, kept = getattr(before, attribute, None), getattr(after, attribute, None)
        if whole != kept:
            lost = len(str(whole)) - len(str(kept))
            fact = (
                f"The text is too long for the student: its {side} is cut by {lost:,} characters."
            )
            fix = "Shorten it yourself to choose what is left out."
            yield Problem(rules.ROW_TOO_LONG, fact, field=name, fix=fix, severity=Severity.WARNING)
