"""What can be known about text rows and a base model before a job starts.

Belongs here: counting tokens, finding rows that the model cannot learn from, and guessing how long it takes.
Does not belong here: training (`supervised.py` and its siblings).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunekit._text import first_few, plural
from tunekit.backends.local.base_models import (
    BaseModel,
    find_base_model,
    load_encoder,
    num_parameters,
)
from tunekit.backends.local.encoding import ChatTemplateRefuses, Encoded, Encoder
from tunekit.backends.local.folder import JobFolder
from tunekit.backends.local.run import RunFailed
from tunekit.data.check import rules
from tunekit.data.check.findings import Finding, Problem
from tunekit.data.dataset import Dataset, Located
from tunekit.data.rows import Prompt, Row
from tunekit.errors import BaseModelNotFound
from tunekit.jobs.backend import Estimate, Inspection, Limit, Rows, TokenCount
from tunekit.jobs.record import JobProblem, JobRequest
from tunekit.jobs.tokens import estimated_tokens
from tunekit.tuners.registry import AnyTuner

_WHEN_FETCHED = "it is fetched when the job starts, and only then are rows held against its limits."
_START_SECONDS = 15.0
"""Loading the libraries and the model, before the first step."""
_FLOPS_PER_SECOND = 5e10
"""A cautious guess of what two processor cores do in training, in floating-point operations a second."""
_FLOPS_PER_TOKEN_AND_WEIGHT = 6
"""Forward and backward pass together (https://arxiv.org/abs/2001.08361)."""


@dataclass(frozen=True, slots=True)
class Room:
    """How long prompts may be that the model answers while it learns."""

    prompt_tokens: int | None
    """Longest prompt; `None` is what the model takes."""
    answer_tokens: int
    """Longest answer, for which there has to be room."""


@dataclass(slots=True)
class RowsSeen:
    """What an encoder made of rows: their tokens, and the faults that only tokens show."""

    encoder: Encoder
    whose: str
    """Whose limits the rows are held against."""
    room: Room | None = None
    """For prompts that the model answers while it learns."""
    findings: list[Finding] = field(default_factory=list[Finding])
    rows: int = 0
    total: int = 0
    learnt: int = 0
    longest: int = 0

    @property
    def mean(self) -> float:
        """Tokens of a row."""
        return self.total / max(self.rows, 1)

    def encoded(self, rows: Iterable[Located[Any]]) -> Iterator[Encoded]:
        """The rows that can be learnt from, as tokens; the others become findings."""
        return (encodings[0] for _, encodings in self.read(rows))

    def read(
        self, rows: Iterable[Located[Any]]
    ) -> Iterator[tuple[Located[Any], tuple[Encoded, ...]]]:
        """The rows that the model can use, each with its tokens; the others become findings."""
        for located in rows:
            try:
                encodings = self.encoder.encodings(located.row)
            except ChatTemplateRefuses as refusal:
                self.findings.append(Finding.of(refusal.problem(), located.place))
                continue
            problems = list(self._problems(located.row, encodings))
            self.findings.extend(Finding.of(problem, located.place) for problem in problems)
            if not problems:
                self._count(encodings)
                yield located, encodings

    def _problems(self, row: Row, encodings: tuple[Encoded, ...]) -> Iterator[Problem]:
        if isinstance(row, Prompt):
            yield from self._prompt_problems(encodings[0])
            return
        for encoded in encodings:
            yield from self.encoder.problems(encoded, whose=self.whose)

    def _prompt_problems(self, encoded: Encoded) -> Iterator[Problem]:
        length, room, context = len(encoded.input_ids), self.room, self.encoder.context_tokens
        most = room.prompt_tokens if room else None
        answer = room.answer_tokens if room else 1
        if most is not None and length > most:
            fact = f"The prompt has {length:,} tokens; prompt_sequence_length is {most:,}."
            yield Problem(rules.ROW_TOO_LONG, fact)
        elif context is not None and length + answer > context:
            fact = (
                f"The prompt has {length:,} tokens and an answer up to {answer:,}; "
                f"{self.whose} takes {context:,} in all."
            )
            yield Problem(rules.ROW_TOO_LONG, fact)

    def tokens(self) -> TokenCount:
        """The tokens so far."""
        return TokenCount.counted(total=self.total, trained=self.learnt, longest_row=self.longest)

    def _count(self, encodings: tuple[Encoded, ...]) -> None:
        lengths = [len(encoded.input_ids) for encoded in encodings]
        self.rows += 1
        self.total += sum(lengths)
        self.learnt += sum(encoded.num_learnt for encoded in encodings)
        self.longest = max(self.longest, *lengths)


def refuse_unusable(seen: Mapping[str, RowsSeen]) -> None:
    """Rows are looked at before a job starts, unless the base model had to be fetched first."""
    findings = [finding for rows in seen.values() for finding in rows.findings]
    if not findings:
        return
    places = first_few([finding.place for finding in findings])
    raise RunFailed(
        JobProblem(
            code="rows-unusable",
            message=f"{plural(len(findings), 'row')} cannot be learnt from: {places}. {findings[0].message}",
            hint=findings[0].fix,
        )
    )


def inspect_text_rows(
    request: JobRequest,
    rows: Rows,
    home: Path,
    *,
    drawn: int | None = None,
    room: Room | None = None,
) -> Inspection:
    """Look at every row as the model would see it. Nothing is fetched and nothing is changed.

    Args:
        request: What is asked for.
        rows: Its datasets.
        home: Root folder of the backend.
        drawn: Rows that go through the model in all. `None` takes steps times batch size.
        room: For prompts that the model answers while it learns.

    Raises:
        BaseModelNotFound: There is no such base model.
        SettingInvalid: The model cannot take rows of that kind.
    """
    name = request.tuner.base_model
    base = find_base_model(name, home)
    writes = (f"{home / 'jobs'}: a folder with the rows, checkpoints and the model",)
    try:
        encoder = load_encoder(base, offline=True)
    except BaseModelNotFound:
        if base.is_here:
            raise
        return unseen_model(name, rows["train"], writes)
    seen = {part: RowsSeen(encoder, name, room) for part in rows}
    for part, dataset in rows.items():
        for _ in seen[part].read(dataset.located()):
            pass
    limit, tokens = encoder.context_tokens, seen["train"].tokens()
    return Inspection(
        findings=tuple(finding for part in seen.values() for finding in part.findings),
        tokens=tokens,
        limits=(Limit(name="tokens per row", value=limit, whose=name),) if limit else (),
        duration=estimated_duration(
            request, base, _tokens_trained_on(request, tokens, drawn), home
        ),
        writes=writes,
    )


def unseen_model(name: str, train: Dataset[Any], writes: tuple[str, ...]) -> Inspection:
    """What can be said of a model that is not on this machine yet."""
    return Inspection(
        tokens=estimated_tokens(train),
        writes=(*writes, f"the hub's cache: {name}, which is not on this machine yet"),
        warnings=(f"{name!r} is not on this machine yet: {_WHEN_FETCHED}",),
    )


def estimated_duration(
    request: JobRequest, base: BaseModel, steps_tokens: int, home: Path
) -> Estimate | None:
    """How long training takes: from an earlier job on the same base model, else from the number of weights."""
    known = _seconds_per_token(request.tuner, home)
    if known is not None:
        seconds = _START_SECONDS + known * steps_tokens
        basis = "an earlier job of this kind on the same base model on this machine"
        return Estimate(low=seconds * 0.7, high=seconds * 1.5, basis=basis)
    weights = num_parameters(base)
    if weights is None:
        return None
    work = _FLOPS_PER_TOKEN_AND_WEIGHT * weights * steps_tokens
    seconds = _START_SECONDS + work / _FLOPS_PER_SECOND
    basis = (
        f"{weights:,} weights and {steps_tokens:,} tokens on two processor cores; a GPU is faster"
    )
    return Estimate(low=seconds / 3, high=seconds * 3, basis=basis)


def _tokens_trained_on(request: JobRequest, tokens: TokenCount, drawn: int | None) -> int:
    train = request.dataset("train")
    rows = train.num_rows if train else 0
    if drawn is None:
        drawn = int(request.tuner.train_steps) * int(request.tuner.batch_size)
    return round(tokens.total / max(rows, 1) * drawn)


def _seconds_per_token(tuner: AnyTuner, home: Path) -> float | None:
    """From the newest job of the same kind on the same base model that ended well."""
    newest = sorted((home / "jobs").glob("*/status.json"), key=lambda path: -path.stat().st_mtime)
    for path in newest:
        model = JobFolder(path.parent).record().model
        if model and (model.base_model, model.method) == (tuner.base_model, tuner.kind):
            return model.metrics.get("seconds_per_token")
    return None
