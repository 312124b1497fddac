"""Rows held against what the base model and the way of tuning take on Vertex AI.

Belongs here: findings about rows that only the target can tell.
Does not belong here: the figures (`catalog/vertex.toml`), rules about settings (`checks.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tunekit.backends.vertex.case import SPELLINGS, Case
from tunekit.backends.vertex.rows import references_of, spelt
from tunekit.catalog.vertex import VertexLimit, vertex_limit
from tunekit.data.check import rules
from tunekit.data.check.findings import Finding, Problem, Severity
from tunekit.data.dataset import Dataset
from tunekit.data.rows import FilePart, Prompt, Row, asked_of
from tunekit.errors import FormatLoss
from tunekit.jobs.backend import Limit
from tunekit.jobs.tokens import estimated_tokens

_REFERENCE = re.compile(r"\{\{references\.([^{}\s]+)\}\}")
_MEDIA = ("application/pdf", "audio/", "image/", "video/")
_MAX_IMAGES = {"reinforcement": 15, "supervised": 30}
"""Source: https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/tune_gemini/image_tune."""
_FREE_VALIDATION, _VALIDATION_SHARE = 1_000, 0.3
"""More validation rows than these must be at most that share of the training rows."""
_KEPT = 1_000
"""Findings of a kind that are kept, as in a check."""


@dataclass(frozen=True, slots=True)
class Target:
    """What rows are held against."""

    case: Case
    spelling: SPELLINGS
    max_tokens: int | None
    max_prompt_tokens: int | None
    placeholders: frozenset[str]


def limits(case: Case) -> tuple[Limit, ...]:
    """The limits of the model and the way of tuning, for a plan."""
    found = _limit(case)
    named = {
        "tokens in a row": case.model.max_example_tokens if case.model else None,
        "training rows": found.max_train_rows if found else None,
        "validation rows": _max_validation(case, found),
        "bytes in a file": found.max_file_bytes if found else None,
    }
    return tuple(
        Limit(name=name, value=value, whose=case.base_model)
        for name, value in named.items()
        if value is not None
    )


def row_findings(
    case: Case, rows: Mapping[str, Dataset[Any]], spellings: Mapping[str, SPELLINGS]
) -> Iterator[Finding]:
    """Faults of single rows; of each dataset at most as many as a check keeps."""
    found = _limit(case)
    placeholders = frozenset(_REFERENCE.findall(_reward_text(case)))
    for name, spelling in spellings.items():
        target = Target(
            case,
            spelling,
            case.model.max_example_tokens if case.model else None,
            found.max_prompt_tokens if found else None,
            placeholders,
        )
        kept = 0
        for located in rows[name].located():
            for problem in _problems(located.row, target):
                kept += 1
                if kept <= _KEPT:
                    yield Finding.of(problem, located.place)


def size_findings(
    case: Case, counts: Mapping[str, int], sizes: Mapping[str, int]
) -> Iterator[Finding]:
    """Faults of a dataset as a whole.

    Args:
        case: The job.
        counts: Rows by dataset.
        sizes: Bytes by dataset, as they would be sent.
    """
    found = _limit(case)
    if found is None:
        return
    train, validation = counts.get("train", 0), counts.get("validation", 0)
    for name, count, most in (
        ("training", train, found.max_train_rows),
        ("validation", validation, _max_validation(case, found)),
    ):
        if most is not None and count > most:
            fact = f"{count:,} {name} rows; {case.base_model!r} takes {most:,} ({found.source})."
            yield Finding.of(Problem(rules.TOO_MANY_ROWS, fact), None)
    if found.max_validation_rows and _FREE_VALIDATION < validation > train * _VALIDATION_SHARE:
        fact = (
            f"{validation:,} validation rows are more than {_VALIDATION_SHARE:.0%} of {train:,} training rows "
            f"({found.source})."
        )
        yield Finding.of(Problem(rules.TOO_MANY_ROWS, fact), None)
    for name, size in sizes.items():
        if found.max_file_bytes is not None and size > found.max_file_bytes:
            fact = f"The {name} rows are {size:,} bytes; the most is {found.max_file_bytes:,} ({found.source})."
            yield Finding.of(Problem(rules.FILE_TOO_LARGE, fact), None)
    if found.recommended_rows is not None and train < found.recommended_rows:
        fact = (
            f"{train:,} rows; {found.recommended_rows:,} or more are recommended ({found.source})."
        )
        yield Finding.of(Problem(rules.TOO_FEW_ROWS, fact), None)


def _problems(row: Row, target: Target) -> Iterator[Problem]:
    try:
        spelt(row, target.spelling)
    except FormatLoss as loss:
        yield Problem(rules.WRONG_KIND, loss.fact, fix=loss.hint)
        return
    yield from _file_problems(row, target)
    yield from _length_problems(row, target)
    if target.spelling == "reinforcement" and isinstance(row, Prompt):
        missing = sorted(target.placeholders - set(references_of(row)))
        for name in missing:
            fact = f"The reward names the reference {name!r}, and the row has none of that name."
            yield Problem(rules.UNSCORABLE_ROW, fact)


def _file_problems(row: Row, target: Target) -> Iterator[Problem]:
    files = _files(row)
    for file in files:
        if not file.mime_type.startswith(_MEDIA):
            fact = f"The row points to a file of the type {file.mime_type!r}."
            fix = "Vertex AI takes images, sounds, videos and PDF."
            yield Problem(rules.UNSUPPORTED_FILE, fact, fix=fix)
        if not file.uri.startswith(("gs://", "https://", "http://")):
            fact = "The row points to a file that is neither in Cloud Storage nor on the web."
            fix = "Upload the file, and write gs://bucket/name."
            yield Problem(rules.UNSUPPORTED_FILE, fact, fix=fix)
    images = sum(file.mime_type.startswith("image/") for file in files)
    most = _MAX_IMAGES.get(target.case.tuner.kind)
    if most is not None and images > most:
        fact = f"The row points to {images} images; the most is {most}."
        yield Problem(rules.UNSUPPORTED_FILE, fact, fix="Leave some out, or make two rows.")


def _length_problems(row: Row, target: Target) -> Iterator[Problem]:
    """Only a guess from the bytes, so only a warning: the server counts with the model's own tokenizer."""
    tokens = estimated_tokens([row])
    prompt = tokens.total - tokens.trained
    for what, count, most in (
        ("row", tokens.total, target.max_tokens),
        ("prompt", prompt, target.max_prompt_tokens),
    ):
        if most is not None and count > most:
            fact = (
                f"The {what} is about {count:,} tokens; {target.case.base_model!r} takes {most:,}."
            )
            fix = "Shorten or split it: Vertex AI drops rows that are too long, and gives up at a tenth of them."
            yield Problem(rules.ROW_TOO_LONG, fact, fix=fix, severity=Severity.WARNING)


def _files(row: Row) -> tuple[FilePart, ...]:
    asked = asked_of(row)
    return () if isinstance(asked, str) else tuple(file for turn in asked for file in turn.files)


def _reward_text(case: Case) -> str:
    reward = getattr(case.tuner, "reward", None)
    return reward.model_dump_json() if reward is not None else ""


def _limit(case: Case) -> VertexLimit | None:
    return vertex_limit(case.family, case.tuner.kind)


def _max_validation(case: Case, found: VertexLimit | None) -> int | None:
    own = case.model.max_validation_rows if case.model else None
    return own or (found.max_validation_rows if found else None)
