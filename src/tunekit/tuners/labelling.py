"""Lets a teacher answer prompts, each only once: what it answered is kept beside the jobs and looked up first.

Belongs here: asking for the labels that are missing, and rows with the labels in them.
Does not belong here: the store (`labels.py`), any teacher (`distillation.py`, `backends/local/labels.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast

from pydantic import JsonValue

from tunekit._text import plural
from tunekit.data.check import rules
from tunekit.data.check.findings import Finding, Place, Problem
from tunekit.data.dataset import Dataset, Located
from tunekit.data.reader import Item
from tunekit.data.rows import (
    Asked,
    Conversation,
    Message,
    Prompt,
    PromptCompletion,
    Row,
    asked_of,
    with_text_behind,
)
from tunekit.tuners.labels import PROVENANCE, Label, LabelFacts, LabelStore, Provenance

_PATIENCE = 5
"""Failures in a row after which a teacher counts as gone, and nothing more is asked."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a teacher is asked, and the row for whose sake."""

    place: Place
    asked: Asked
    key: str
    """SHA-256 of all that the answer rests on."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a teacher says to one question."""

    answer: str = ""
    stopped: bool = True
    """Whether it ended the answer itself, rather than being cut off."""
    num_prompt_tokens: int | None = None
    num_output_tokens: int | None = None
    problem: str | None = None
    """Why there is no answer."""
    error: Exception | None = None
    """What was raised instead of an answer."""


Ask: TypeAlias = Callable[[Sequence[Question]], Sequence[Reply]]
"""A teacher: one reply per question, in order."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How a teacher is asked, and what else its answers rest on."""

    teacher: str
    """Its name."""
    drawing: Mapping[str, JsonValue]
    """How answers are drawn."""
    asked: Callable[[Asked], Asked]
    """What it reads for a prompt."""
    reasons: bool
    """Whether it is also asked why."""
    cut_answers: Literal["refuse", "keep"]
    """What becomes of answers that the teacher did not end."""

    def question(self, row: Row, place: Place) -> Question:
        """Asks for the answer to the prompt of a row."""
        return self._question(self.asked(asked_of(row)), place)

    def reason_question(self, row: PromptCompletion | Conversation, place: Place) -> Question:
        """Asks why the answer of a row is the answer."""
        asked = "Explain in one or two sentences why this is the answer."
        if isinstance(row, Conversation):
            return self._question((*row.messages, Message(role="user", content=asked)), place)
        return self._question(f"{row.prompt}\n\nAnswer: {row.completion}\n\n{asked}", place)

    def _question(self, asked: Asked, place: Place) -> Question:
        text = asked if isinstance(asked, str) else [turn.model_dump(mode="json") for turn in asked]
        rests_on = {"teacher": self.teacher, "text": text, "drawing": dict(self.drawing)}
        written = json.dumps(rests_on, sort_keys=True, ensure_ascii=False)
        return Question(place, asked, hashlib.sha256(written.encode()).hexdigest())


def reason_prompt(prompt: Asked) -> Asked:
    """What the student is asked where it learns reasons: never the plain prompt, which it answers as before."""
    return with_text_behind(prompt, "Explain in one or two sentences why.")


def answered_row(prompt: Asked, answer: str, extra: Mapping[str, JsonValue]) -> Row:
    """A prompt with its answer as a row to learn: a conversation stays one."""
    if isinstance(prompt, str):
        return PromptCompletion(prompt=prompt, completion=answer, extra=extra)
    turns = (*prompt, Message(role="model", content=answer))
    return Conversation(messages=turns, extra=extra)


@dataclass(slots=True)
class Labeller:
    """Completes rows with the labels of a teacher."""

    wording: Wording
    store: LabelStore
    ask: Ask
    asked_by: str
    """Key of the job."""
    at_once: int = 1
    """Questions that are asked together."""
    asks: Literal["texts", "texts and turns"] = "texts and turns"
    """Whether the teacher also reads conversations."""
    watch: Callable[[int, int], None] | None = None
    """Told before each call how many of how many are done; may raise to stop."""
    findings: list[Finding] = field(default_factory=list[Finding])
    """Rows without a label, and why."""
    num_left: int = 0
    """Questions that were not asked any more."""
    cause: Exception | None = None
    """The first error that the teacher raised."""

    def completed(self, parts: Mapping[str, Iterable[Located[Any]]]) -> Completed:
        """The rows with their labels, as far as the teacher gave them; `findings` has the others."""
        located: Completed = {name: list(rows) for name, rows in parts.items()}
        if self.asks == "texts":
            self.findings.extend(conversations(item for rows in located.values() for item in rows))
        if not self.findings:
            located = self._answered(located)
        if self.wording.reasons and not self.findings:
            located = self._explained(located)
        return located

    def _answered(self, parts: Completed) -> Completed:
        asked = [item for rows in parts.values() for item in rows if isinstance(item.row, Prompt)]
        self._ask_for([self._question(item) for item in asked])
        return {name: _of_one_kind(list(self._with_answers(rows))) for name, rows in parts.items()}

    def _explained(self, parts: Completed) -> Completed:
        items = [item for rows in parts.values() for item in rows]
        self._ask_for([self.wording.reason_question(item.row, item.place) for item in items])
        return {name: list(self._with_reasons(rows)) for name, rows in parts.items()}

    def _with_answers(self, rows: Iterable[Located[Any]]) -> Iterator[Located[Any]]:
        for item in rows:
            if not isinstance(item.row, Prompt):
                yield item
                continue
            label = self.store.get(self._question(item).key)
            if label is not None:
                source = self._provenance(item.place).model_copy(
                    update={"answer": self._facts(label)}
                )
                row = answered_row(item.row.prompt, label.answer, item.row.extra)
                yield Located(_with_provenance(row, source), item.place)

    def _with_reasons(self, rows: Iterable[Located[Any]]) -> Iterator[Located[Any]]:
        for item in rows:
            label = self.store.get(self.wording.reason_question(item.row, item.place).key)
            if label is not None:
                known = Provenance.of(item.row, self.asked_by) or self._provenance(item.place)
                source = known.model_copy(
                    update={"rationale": self._facts(label), "reason": label.answer}
                )
                yield Located(_with_provenance(item.row, source), item.place)

    def _question(self, item: Located[Any]) -> Question:
        return self.wording.question(item.row, item.place)

    def _ask_for(self, questions: Sequence[Question]) -> None:
        """Ask for every label that is not in the store; afterwards it is there, or a finding says why not."""
        missing = missing_of(questions, self.store)
        problems: dict[str, str] = {}
        failures = 0
        for start in range(0, len(missing), self.at_once):
            if failures >= _PATIENCE:
                self.num_left = len(missing) - start
                break
            if self.watch is not None:
                self.watch(start, len(missing))
            batch = missing[start : start + self.at_once]
            failed = self._ask_batch(batch)
            problems |= failed
            failures = failures + 1 if len(failed) == len(batch) else 0
        for question in questions:
            problem = problems.get(question.key) or self._problem(question)
            if problem is not None:
                fact = f"The teacher {self.wording.teacher!r} gave no label: {problem}."
                self.findings.append(Finding.of(Problem(rules.LABEL_MISSING, fact), question.place))

    def _ask_batch(self, batch: Sequence[Question]) -> dict[str, str]:
        """Ask, keep the answers at once, and give what went wrong by key."""
        replies = self.ask(batch)
        failed: dict[str, str] = {}
        labels: list[Label] = []
        for question, reply in zip(batch, replies, strict=True):
            if reply.problem is not None or not reply.answer.strip():
                failed[question.key] = reply.problem or "the answer was empty"
                self.cause = self.cause or reply.error
                continue
            labels.append(
                Label(
                    key=question.key,
                    teacher=self.wording.teacher,
                    answer=reply.answer,
                    stopped=reply.stopped,
                    num_prompt_tokens=reply.num_prompt_tokens,
                    num_output_tokens=reply.num_output_tokens,
                    asked_by=self.asked_by,
                )
            )
        self.store.add(labels)
        return failed

    def _problem(self, question: Question) -> str | None:
        label = self.store.get(question.key)
        if label is None or label.stopped or self.wording.cut_answers == "keep":
            return None
        tokens = plural(label.num_output_tokens or 0, "token")
        return f"the answer was cut off at {tokens}; allow more, or overlong='truncate'"

    def _provenance(self, place: Place) -> Provenance:
        return Provenance(place=str(place), job_key=self.asked_by)

    def _facts(self, label: Label) -> LabelFacts:
        return LabelFacts(
            teacher=label.teacher,
            label=label.key,
            reused=label.asked_by != self.asked_by,
            num_prompt_tokens=label.num_prompt_tokens,
            num_output_tokens=label.num_output_tokens,
        )


Completed: TypeAlias = Mapping[str, list[Located[Any]]]
"""Rows with their labels, by the name of the dataset."""


def missing_of(questions: Iterable[Question], store: LabelStore) -> list[Question]:
    """The questions that have no label yet, each once and in order."""
    missing = {question.key: question for question in questions if not store.get(question.key)}
    return list(missing.values())


def conversations(rows: Iterable[Located[Any]]) -> Iterator[Finding]:
    """A finding for every prompt that is more than one text, for a teacher that is a function of one."""
    for item in rows:
        if isinstance(item.row, Prompt) and not isinstance(item.row.prompt, str):
            fact = "The prompt is a conversation, and a function teaches by one text."
            fix = "Write it as one text, {'input_text': ...}, or give a model as teacher."
            yield Finding.of(Problem(rules.WRONG_KIND, fact, fix=fix), item.place)


def _of_one_kind(rows: list[Located[Any]]) -> list[Located[Any]]:
    """The rows, all as conversations where some are: a dataset has rows of one kind."""
    kinds: set[type[Row]] = {type(item.row) for item in rows}
    if kinds != {PromptCompletion, Conversation}:
        return rows
    return [Located(_as_conversation(item.row), item.place) for item in rows]


def _as_conversation(row: PromptCompletion | Conversation) -> Row:
    if isinstance(row, Conversation):
        return row
    asked = (Message(role="user", content=row.prompt),)
    return answered_row(asked, row.completion, row.extra)


def one_by_one(ask: Ask) -> Ask:
    """The same teacher, asked singly where it refuses several questions, so that one bad prompt spoils no other."""

    def asked(batch: Sequence[Question]) -> Sequence[Reply]:
        try:
            return ask(batch)
        except Exception as error:
            if len(batch) == 1:
                return [Reply(problem=f"it raised {type(error).__name__}", error=error)]
            return [reply for question in batch for reply in asked([question])]

    return asked


def dataset_of(rows: Sequence[Located[Any]], names: tuple[str, ...] = ()) -> Dataset[Any]:
    """Rows as a dataset, each with the place that it has in the user's own file."""
    kind = cast("type[Row] | None", type(rows[0].row) if rows else None)
    return Dataset((_Placed(rows, names),), kind)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A source of rows whose places are known."""

    rows: Sequence[Located[Any]]
    names: tuple[str, ...]

    @property
    def num_bytes(self) -> None:
        return None

    def records(self) -> Iterator[Item]:
        """Every row in order."""
        return (Item(located.place, located.row) for located in self.rows)


def _with_provenance(row: Row, source: Provenance) -> Row:
    written = source.model_dump(mode="json", exclude_none=True)
    return row.model_copy(update={"extra": {**row.extra, PROVENANCE: written}})
