"""Batches of pairs: no document is learnt as irrelevant to a query that it is relevant to."""

from __future__ import annotations

from typing import Any

import torch
from datasets import Dataset as Table
from hypothesis import given, settings
from hypothesis import strategies as st

import tunekit as tk
from sample_rows import retrieval
from tunekit.backends.local.embedding_batches import LabelledBatchSampler

pairs = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=40, unique=True
)


def sampler(
    labels: list[tuple[int, int]], *, batch_size: int = 4, negatives: int = 0
) -> tuple[LabelledBatchSampler, list[dict[str, Any]], dict[str, set[str]]]:
    """A sampler, its rows, and what is relevant to each query."""
    relevant: dict[str, set[str]] = {}
    for query, document in labels:
        relevant.setdefault(f"q{query}", set()).add(f"d{document}")
    rows = [
        {"anchor": f"q{query}", "positive": f"d{document}"}
        | {f"negative_{n}": f"d{8 + (query + n) % 4}" for n in range(negatives)}
        for query, document in labels
    ]
    made = LabelledBatchSampler(
        Table.from_list(rows), relevant, batch_size=batch_size, generator=torch.Generator(), seed=3
    )
    return made, rows, relevant


@given(labels=pairs, negatives=st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_a_document_is_relevant_to_its_own_query_only(
    labels: list[tuple[int, int]], negatives: int
) -> None:
    batches, rows, relevant = sampler(labels, negatives=negatives)
    drawn = list(batches)
    assert sorted(index for batch in drawn for index in batch) == list(range(len(rows)))
    assert all(1 <= len(batch) <= 4 for batch in drawn)
    for batch in drawn:
        for one in batch:
            others = [rows[index] for index in batch if index != one]
            told_apart = {text for row in others for name, text in row.items() if name != "anchor"}
            assert told_apart.isdisjoint(relevant[rows[one]["anchor"]])


def test_batches_are_full_where_nothing_hinders() -> None:
    batches, _, _ = sampler([(n, n) for n in range(8)])
    assert [len(batch) for batch in batches] == [4, 4]
    assert len(batches) == 2


def test_each_pass_has_an_order_of_its_own_that_can_be_had_again() -> None:
    batches, _, _ = sampler([(n, n) for n in range(8)])
    first = list(batches)
    batches.set_epoch(1)
    assert list(batches) != first
    batches.set_epoch(0)
    assert list(batches) == first


def test_documents_that_are_relevant_to_every_query_are_not_told_apart(
    inline: tk.Client, tiny_embedder: str
) -> None:
    data = retrieval()
    documents, queries = list(data.corpus)[:3], list(data.queries)[:3]
    data.train_labels = tk.Dataset.read(
        [
            {"query-id": query.id, "corpus-id": document.id, "score": 1}
            for query in queries
            for document in documents
        ],
        row=tk.RelevanceLabel,
    )
    data.test_labels = None
    tuner = tk.EmbeddingTuner(base_model=tiny_embedder, train_steps=4, batch_size=4)
    metrics = inline.tune(tuner, data).result().record.metrics
    assert metrics["first_loss"] == metrics["last_loss"] == 0
