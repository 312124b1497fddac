"""What there is to know about a job before it is started: its request, faults, cost and warnings. Nothing is sent.

Belongs here: putting the pure parts together.
Does not belong here: any of them (`recipes.py` and what it finds, `limits.py`, `cost.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain

from tunekit._text import size as bytes_text
from tunekit.backends.vertex.capability import warnings as model_warnings
from tunekit.backends.vertex.case import SPELLINGS, Body, Case
from tunekit.backends.vertex.cost import cost
from tunekit.backends.vertex.limits import limits, row_findings, size_findings
from tunekit.backends.vertex.recipes import recipe_for
from tunekit.backends.vertex.rewards import clipped
from tunekit.backends.vertex.rows import Written, suffix_of, write
from tunekit.data.check.findings import Finding, Severity
from tunekit.data.rows import Row
from tunekit.jobs.backend import Inspection, Rows
from tunekit.jobs.tokens import estimated_tokens

PENDING = "labels-of-the-teacher"
"""Stands for the digest of rows that a teacher has yet to answer."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A request, and the rows that belong to it."""

    case: Case
    body: Body
    written: tuple[Written, ...]
    spellings: Mapping[str, SPELLINGS]


def data_uri(staging: str, name: str, spelling: SPELLINGS) -> str:
    """Where rows lie: under the digest of their bytes, so that the same rows are never sent twice."""
    return f"{staging}/data/{name}.{suffix_of(spelling)}"


def drafted(case: Case, rows: Rows, *, in_place: Mapping[str, str]) -> Draft:
    """The request for a job.

    Args:
        case: The job; where its rows lie is found out here.
        rows: Its rows.
        in_place: Datasets that lie in Cloud Storage already, in the right format.

    Raises:
        SettingInvalid: A setting cannot be on Vertex AI.
        MethodUnsupported: Vertex AI does not tune that.
        FormatLoss: A row would lose a part.
    """
    recipe = recipe_for(case.tuner.kind)
    spellings = recipe.spellings(case)
    incomplete = case.tuner.is_incomplete(rows)
    written = () if incomplete else tuple(_measured(rows, spellings, in_place))
    known = {one.name: data_uri(case.staging, one.sha256, spellings[one.name]) for one in written}
    unknown = {name: data_uri(case.staging, PENDING, how) for name, how in spellings.items()}
    placed = replace(case, uris=unknown | known | dict(in_place))
    return Draft(placed, recipe.body(placed), written, spellings)


def inspected(case: Case, rows: Rows, today: date, *, in_place: Mapping[str, str]) -> Inspection:
    """What a plan shows.

    Raises:
        SettingInvalid: A setting cannot be on Vertex AI.
        MethodUnsupported: Vertex AI does not tune that.
    """
    spellings = recipe_for(case.tuner.kind).spellings(case)
    incomplete = case.tuner.is_incomplete(rows)
    findings = [] if incomplete else list(row_findings(case, rows, spellings))
    if any(finding.severity is Severity.ERROR for finding in findings):
        return Inspection(findings=tuple(findings), limits=limits(case))
    draft = drafted(case, rows, in_place=in_place)
    findings.extend(_whole(draft))
    tokens = estimated_tokens(_texts(rows))
    return Inspection(
        findings=tuple(findings),
        tokens=tokens,
        limits=limits(case),
        cost=cost(case, tokens, rows["train"]),
        writes=tuple(_writes(draft)),
        request=draft.body.json,
        warnings=tuple(_warnings(case, today)),
    )


def _texts(rows: Rows) -> Iterator[Row]:
    """The rows whose text is learnt from: labels have none, documents and queries do."""
    if "corpus" not in rows:
        return iter(rows["train"])
    return chain(rows["corpus"], rows["queries"])


def _whole(draft: Draft) -> Iterator[Finding]:
    counts = {one.name: one.num_rows for one in draft.written}
    sizes = {one.name: one.size for one in draft.written}
    return size_findings(draft.case, counts, sizes)


def _measured(
    rows: Rows, spellings: Mapping[str, SPELLINGS], in_place: Mapping[str, str]
) -> Iterator[Written]:
    for name, spelling in spellings.items():
        if name not in in_place:
            yield write(rows[name], name, spelling, None, digest=None)


def _writes(draft: Draft) -> Iterator[str]:
    for one in draft.written:
        uri = draft.case.uris[one.name]
        yield f"{uri} ({one.name}, {one.num_rows:,} rows, {bytes_text(one.size)})"
    if "outputUri" in draft.body.json or draft.body.resource == "pipelineJobs":
        yield f"{draft.case.output_uri} (by the job)"


def _warnings(case: Case, today: date) -> Iterator[str]:
    tuner = case.tuner
    if case.parent is None:
        yield from model_warnings(tuner, case.model, today)
    if tuner.seed:
        yield f"seed={tuner.seed} cannot be sent: Vertex AI draws as it likes, and two runs differ."
    if tuner.kind == "reinforcement" and clipped(tuner.reward):
        yield "The reward gives more than 1 or less than -1; Vertex AI clips it to that range."
    if tuner.kind == "reinforcement":
        yield f"algorithm={tuner.algorithm!r} and kl_coeff={tuner.kl_coeff:g} cannot be sent; Vertex AI has its own."
