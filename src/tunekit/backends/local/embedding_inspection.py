"""What can be known about documents, queries and an embedding model before a job starts.

Belongs here: counting tokens, finding texts that the model would cut, and the dimensions of its vectors.
Does not belong here: training (`embedding.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

from tunekit.backends.local.base_models import BaseModel, find_base_model, unreachable
from tunekit.backends.local.embedders import refuse_dimensions
from tunekit.backends.local.inspection import estimated_duration, unseen_model
from tunekit.data.check import rules
from tunekit.data.check.findings import Finding, Problem, Severity
from tunekit.data.dataset import Dataset, Located
from tunekit.errors import BaseModelNotFound
from tunekit.jobs.backend import Inspection, Limit, Rows, TokenCount
from tunekit.jobs.record import JobRequest
from tunekit.jobs.tokens import estimated_tokens
from tunekit.tuners.embedding import EmbeddingTuner

_COUNTED = 20_000
"""Documents and queries up to which tokens are counted; of more they are estimated."""
_AT_ONCE = 1_000
_CUT = 1_000
"""Texts that are too long of which each is named."""


def inspect_texts(request: JobRequest, rows: Rows, home: Path) -> Inspection:
    """Look at every text as the model would see it. Nothing is fetched and nothing is changed.

    Raises:
        BaseModelNotFound: There is no such base model.
        SettingInvalid: It has fewer dimensions than are asked for.
    """
    tuner: EmbeddingTuner = request.tuner
    base = find_base_model(tuner.base_model, home)
    writes = (f"{home / 'jobs'}: a folder with the rows, checkpoints and the model",)
    try:
        tokenizer = _tokenizer(base)
    except BaseModelNotFound:
        if base.is_here:
            raise
        return unseen_model(tuner.base_model, rows["corpus"], writes)
    there = _num_dimensions(base)
    if there is not None:
        refuse_dimensions(tuner.output_dimensionality, there)
    limit = _max_tokens(base, tokenizer)
    counts, findings = _looked_at(rows, tokenizer, limit, tuner.base_model)
    tokens = _total(counts)
    if tokens is None:
        tokens = estimated_tokens(chain(rows["queries"], rows["corpus"]))
    drawn = int(tuner.train_steps or 1) * int(tuner.batch_size or 1)
    texts = len(rows["queries"]) + len(rows["corpus"])
    return Inspection(
        findings=tuple(findings),
        tokens=tokens,
        limits=(
            *(
                (Limit(name="tokens per text", value=limit, whose=tuner.base_model),)
                if limit
                else ()
            ),
            *((Limit(name="dimensions", value=there, whose=tuner.base_model),) if there else ()),
        ),
        duration=estimated_duration(
            request, base, round(2 * drawn * tokens.total / max(texts, 1)), home
        ),
        writes=writes,
    )


def _tokenizer(base: BaseModel) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(base.source, local_files_only=True)
    except (OSError, ValueError) as error:
        raise unreachable(base, error) from error


def _looked_at(
    rows: Rows, tokenizer: Any, limit: int | None, whose: str
) -> tuple[list[int], list[Finding]]:
    """The tokens of each text, none where there are too many to count, and those that would be cut."""
    counts, findings = list[int](), list[Finding]()
    if len(rows["queries"]) + len(rows["corpus"]) > _COUNTED:
        return counts, findings
    for name, field in (("queries", "text"), ("corpus", "text")):
        for located, count in _counted(rows[name], tokenizer):
            counts.append(count)
            if limit is not None and count > limit and len(findings) < _CUT:
                findings.append(_too_long(located, field, count, limit, whose))
    return counts, findings


def _counted(rows: Dataset[Any], tokenizer: Any) -> Iterator[tuple[Located[Any], int]]:
    for part in _batches(rows.located()):
        texts = [located.row.prompt_text() for located in part]
        encoded = tokenizer(texts, verbose=False)["input_ids"]
        yield from zip(part, map(len, encoded), strict=True)


def _batches(located: Iterable[Located[Any]]) -> Iterator[tuple[Located[Any], ...]]:
    rows = iter(located)
    while part := tuple(islice(rows, _AT_ONCE)):
        yield part


def _too_long(located: Located[Any], field: str, count: int, limit: int, whose: str) -> Finding:
    fact = f"The text has {count:,} tokens; {whose} reads the first {limit:,}."
    fix = "Split the document, or put what matters first."
    problem = Problem(rules.ROW_TOO_LONG, fact, field=field, fix=fix, severity=Severity.WARNING)
    return Finding.of(problem, located.place)


def _total(counts: list[int]) -> TokenCount | None:
    if not counts:
        return None
    total = sum(counts)
    return TokenCount.counted(total=total, trained=total, longest_row=max(counts))


def _max_tokens(base: BaseModel, tokenizer: Any) -> int | None:
    """What the model reads of a text."""
    own = _json(base, "sentence_bert_config.json").get("max_seq_length")
    found = own or tokenizer.model_max_length
    return int(found) if isinstance(found, int) and found < 10**9 else None


def _num_dimensions(base: BaseModel) -> int | None:
    """Numbers in a vector, from the settings of the last layer that says so; `None` where none does."""
    modules = _json(base, "modules.json")
    listed: list[Mapping[str, Any]] = modules if isinstance(modules, list) else []
    for module in reversed(listed):
        config = _json(base, f"{module.get('path', '')}/config.json".lstrip("/"))
        for name in ("out_features", "embedding_dimension", "word_embedding_dimension"):
            if isinstance(config.get(name), int):
                return int(config[name])
    hidden = _json(base, "config.json").get("hidden_size")
    return hidden if isinstance(hidden, int) else None


def _json(base: BaseModel, name: str) -> Any:
    """A file of settings of a model that lies in a folder."""
    path = Path(base.source) / name
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
