"""Proves lines whose fields are plain texts: prompts with completions, prompts, and pairs of candidates.

Belongs here: the structs and columns of these formats.
Does not belong here: the guards (`base.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

import msgspec
from xxhash import xxh3_64_intdigest, xxh3_128_digest

from tunekit.data.check.digests import (
    CANDIDATE_SEED,
    MASK,
    NO_QUESTION,
    REJECTED_SEED,
    speakers_seed,
)
from tunekit.data.check.proofs.base import Columns, Fast, Prover
from tunekit.data.check.proofs.screens import Screen, doubtful_answers

_ANSWERED, _ASKED = speakers_seed(("user", "model")), speakers_seed(("user",))
Text: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]
"""A text with a character; whether one of them is visible is a matter of the screens."""


class InputOutput(Fast):
    """The spelling of Vertex AI."""

    input_text: Text
    output_text: Text


class PromptAndCompletion(Fast):
    """The spelling of TRL."""

    input_text: Text = msgspec.field(name="prompt")
    output_text: Text = msgspec.field(name="completion")


class PromptCompletionProver(Prover):
    """Proves prompts with one answer each."""

    dialects = (InputOutput, PromptAndCompletion)

    def columns(self, rows: list[InputOutput], passes: Screen) -> Columns:
        prompts = [row.input_text for row in rows]
        completions = [row.output_text for row in rows]
        found = Columns(num_strings=4 * len(rows))
        found.prompts = lambda: prompts
        found.prompt_lengths = list(map(len, prompts))
        answers = doubtful_answers(found.prompt_lengths, completions, found.prompts)
        found.doubtful = sorted({*_doubtful(passes, prompts, completions), *answers})
        if found.doubtful:
            return found
        found.completions = completions
        found.questions = [xxh3_64_intdigest(text.encode(), _ANSWERED) for text in prompts]
        found.digests = [
            xxh3_128_digest(text.encode(), asked)
            for text, asked in zip(completions, found.questions, strict=True)
        ]
        return found


class InputText(Fast):
    """The spelling of Vertex AI."""

    input_text: Text


class PromptText(Fast):
    """The spelling of TRL."""

    input_text: Text = msgspec.field(name="prompt")


class PromptProver(Prover):
    """Proves prompts that are plain texts."""

    dialects = (InputText, PromptText)

    def columns(self, rows: list[InputText], passes: Screen) -> Columns:
        prompts = [row.input_text for row in rows]
        found = Columns(num_strings=2 * len(rows), doubtful=_doubtful(passes, prompts))
        if found.doubtful:
            return found
        found.prompts = lambda: prompts
        found.prompt_lengths = list(map(len, prompts))
        found.questions = [NO_QUESTION] * len(rows)
        found.digests = [
            xxh3_128_digest(b"", xxh3_64_intdigest(text.encode(), _ASKED)) for text in prompts
        ]
        return found


class TwoCandidates(Fast):
    """A prompt, two answers and a choice."""

    input_text: Text
    candidate_0: Text
    candidate_1: Text
    choice: Literal[0, 1]


class PreferenceProver(Prover):
    """Proves pairs of answers whose prompt is a plain text."""

    dialects = (TwoCandidates,)

    def columns(self, rows: list[TwoCandidates], passes: Screen) -> Columns:
        prompts = [row.input_text for row in rows]
        firsts = [row.candidate_0 for row in rows]
        seconds = [row.candidate_1 for row in rows]
        found = Columns(num_strings=7 * len(rows))
        equal = {index for index, row in enumerate(rows) if row.candidate_0 == row.candidate_1}
        found.doubtful = sorted({*_doubtful(passes, prompts, firsts, seconds), *equal})
        if found.doubtful:
            return found
        found.prompts = lambda: prompts
        found.prompt_lengths = list(map(len, prompts))
        for row in rows:
            self._add(found, row)
        return found

    @staticmethod
    def _add(found: Columns, row: TwoCandidates) -> None:
        chosen, rejected = row.candidate_0, row.candidate_1
        if row.choice:
            chosen, rejected = rejected, chosen
        seed = (xxh3_64_intdigest(row.input_text.encode(), _ASKED) + CANDIDATE_SEED) & MASK
        first = xxh3_64_intdigest(chosen.encode(), seed)
        second = xxh3_64_intdigest(rejected.encode(), seed)
        found.choices.append((row.choice, len(chosen), len(rejected)))
        found.questions.append((first + second) & MASK)
        found.digests.append(xxh3_128_digest(rejected.encode(), (first + REJECTED_SEED) & MASK))


def _doubtful(passes: Screen, *columns: Sequence[str]) -> list[int]:
    """The rows of which a text does not pass the screens."""
    if all(passes(column) for column in columns):
        return []
    return [index for index, texts in enumerate(zip(*columns, strict=True)) if not passes(texts)]
