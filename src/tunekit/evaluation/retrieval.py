"""How well documents are found: rankings held against labels, tuned beside base.

The figures are those of trec_eval (https://github.com/usnistgov/trec_eval), which BEIR and `ir_measures` report too:
nDCG has the score of a label as its gain (linear, not exponential), documents without a label count as irrelevant, and
of two documents with the same similarity the one with the greater id comes first.

Belongs here: figures of one ranking, and the value that compares two models.
Does not belong here: vectors and similarities (`jobs/`, `backends/`), drawing the comparison (`display/`).
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from types import MappingProxyType
from typing import Literal

from tunekit._plugins import html_view, text_view
from tunekit._value import Value
from tunekit.data.rows import RelevanceLabel
from tunekit.evaluation.comparison import Compared
from tunekit.evaluation.intervals import Score, mean_difference, mean_score

RetrievalMetric = Literal["ndcg_at_10", "mrr", "recall_at_10", "recall_at_100"]
"""Figures of a ranking. All go from 0 to 1, higher is better."""

RANKED = 100
"""Documents of a ranking that are looked at; `mrr` is 0 where the first relevant one lies beyond."""


def ranking(similarities: Mapping[str, float]) -> list[str]:
    """The ids of documents, the most similar first.

    Similarities are compared in 32 bits, and of equal ones the greater id comes first, as trec_eval does it.
    """
    ids = list(similarities)
    rounded = dict(zip(ids, array("f", similarities.values()), strict=True))
    return sorted(sorted(ids, reverse=True), key=lambda id_: -rounded[id_])


def ndcg(ranked: Sequence[str], scores: Mapping[str, int], *, k: int) -> float:
    """Gain of the first `k` documents, discounted by rank, as a share of the best that there could be.

    The gain is the score of the label, and rank `r` counts `1 / log2(r + 1)`
    (https://doi.org/10.1145/582415.582418, with the linear gain of trec_eval's `ndcg_cut`).
    """
    best = sorted((score for score in scores.values() if score > 0), reverse=True)
    ideal = _discounted(best[:k])
    if ideal == 0:
        return 0.0
    return _discounted([max(scores.get(id_, 0), 0) for id_ in ranked[:k]]) / ideal


def reciprocal_rank(ranked: Sequence[str], scores: Mapping[str, int]) -> float:
    """1 divided by the rank of the first relevant document, 0 where there is none."""
    return next((1 / rank for rank, id_ in enumerate(ranked, 1) if scores.get(id_, 0) > 0), 0.0)


def recall(ranked: Sequence[str], scores: Mapping[str, int], *, k: int) -> float:
    """Share of the relevant documents that are among the first `k`."""
    relevant = {id_ for id_, score in scores.items() if score > 0}
    if not relevant:
        return 0.0
    return len(relevant.intersection(ranked[:k])) / len(relevant)


RETRIEVAL_METRICS: Mapping[RetrievalMetric, Callable[[Sequence[str], Mapping[str, int]], float]] = (
    MappingProxyType(
        {
            "ndcg_at_10": partial(ndcg, k=10),
            "mrr": reciprocal_rank,
            "recall_at_10": partial(recall, k=10),
            "recall_at_100": partial(recall, k=100),
        }
    )
)
"""Each figure by its name: ids of documents in order and scores by id to a number from 0 to 1."""


class Judged(Value):
    """The labels by which a search is judged: those whose query and document are both there."""

    scores: Mapping[str, Mapping[str, int]]
    """Score by id of document, by id of query."""
    labels_left_out: int = 0
    queries_left_out: int = 0


def judged_by(
    labels: Iterable[RelevanceLabel], *, queries: AbstractSet[str], documents: AbstractSet[str]
) -> Judged:
    """Set aside the labels that name what is not there.

    A query whose relevant documents all lack is left out with its other labels, since nothing right could be found.

    Args:
        labels: All of them.
        queries: Ids of the queries that are there.
        documents: Ids of the documents that are there.
    """
    everything: dict[str, dict[str, int]] = {}
    for label in labels:
        everything.setdefault(label.query_id, {})[label.document_id] = label.score
    kept = {
        query: {id_: score for id_, score in scores.items() if id_ in documents}
        for query, scores in everything.items()
        if query in queries
    }
    found = {
        query: scores
        for query, scores in kept.items()
        if scores and _lost_nothing_relevant(everything[query], scores)
    }
    return Judged(
        scores=found,
        labels_left_out=sum(map(len, everything.values())) - sum(map(len, found.values())),
        queries_left_out=len(everything) - len(found),
    )


def _lost_nothing_relevant(all_scores: Mapping[str, int], kept: Mapping[str, int]) -> bool:
    """Whether there is something relevant to find, or never was."""
    return any(score > 0 for score in kept.values()) or max(all_scores.values()) <= 0


class Found(Value):
    """One query, what is relevant to it, and what both models found, the most similar first."""

    query_id: str
    place: str
    """File and line of the query."""
    text: str
    scores: Mapping[str, int]
    """Score by id of document."""
    tuned: tuple[str, ...]
    base: tuple[str, ...]


class QueryOutcome(Value):
    """How one query fared with both models."""

    query_id: str
    place: str
    """File and line of the query."""
    text: str
    tuned: float
    """nDCG@10 of the tuned model."""
    base: float
    tuned_rank: int | None
    """Rank of the first relevant document, from 1; `None` where it is not among the first hundred."""
    base_rank: int | None

    @property
    def change(self) -> float:
        """Tuned minus base."""
        return self.tuned - self.base


class RetrievalEvaluation(Value):
    """The tuned embedding model beside the base on the same queries and documents."""

    metric: RetrievalMetric = "ndcg_at_10"
    """The figure by which the two are judged."""
    metrics: Mapping[RetrievalMetric, Compared]
    queries: int
    """Queries that were asked: those that have a label."""
    documents: int
    """Documents that were searched."""
    labels_left_out: int = 0
    """Labels that were left out: they name a document or query that is not there, or their query was left out."""
    queries_left_out: int = 0
    """Queries that have labels and were left out: they are not there, or no document that is relevant to them is."""
    outcomes: tuple[QueryOutcome, ...]
    """Every query, those that got worst first."""

    @property
    def tuned(self) -> Score:
        """The tuned model's nDCG@10."""
        return self.metrics[self.metric].tuned

    @property
    def base(self) -> Score:
        """The base model's nDCG@10."""
        return self.metrics[self.metric].base

    @property
    def difference(self) -> Score:
        """Tuned minus base, query by query."""
        return self.metrics[self.metric].difference

    @property
    def better(self) -> bool:
        """Whether the tuned model is better beyond chance: the whole interval of the difference is above 0."""
        return self.difference.low > 0

    @property
    def improved(self) -> tuple[QueryOutcome, ...]:
        """The queries that got better, the most first."""
        return tuple(outcome for outcome in reversed(self.outcomes) if outcome.change > 0)

    @property
    def worsened(self) -> tuple[QueryOutcome, ...]:
        """The queries that got worse, the most first."""
        return tuple(outcome for outcome in self.outcomes if outcome.change < 0)

    def __str__(self) -> str:
        return text_view(self)

    def _repr_html_(self) -> str:
        return html_view(self)


def compare_retrieval(
    found: Sequence[Found], *, documents: int, judged: Judged | None = None
) -> RetrievalEvaluation:
    """What two models found, held against the labels.

    Args:
        found: At least one query with the rankings of both.
        documents: Number of documents that were searched.
        judged: What was left out. `None` is nothing.
    """
    outcomes = [_outcome(one) for one in found]
    return RetrievalEvaluation(
        metrics={name: _compared(found, metric) for name, metric in RETRIEVAL_METRICS.items()},
        queries=len(found),
        documents=documents,
        labels_left_out=judged.labels_left_out if judged else 0,
        queries_left_out=judged.queries_left_out if judged else 0,
        outcomes=tuple(sorted(outcomes, key=lambda outcome: outcome.change)),
    )


def _compared(
    found: Sequence[Found], metric: Callable[[Sequence[str], Mapping[str, int]], float]
) -> Compared:
    tuned = [metric(one.tuned, one.scores) for one in found]
    base = [metric(one.base, one.scores) for one in found]
    return Compared(
        tuned=mean_score(tuned), base=mean_score(base), difference=mean_difference(tuned, base)
    )


def _outcome(found: Found) -> QueryOutcome:
    return QueryOutcome(
        query_id=found.query_id,
        place=found.place,
        text=found.text,
        tuned=ndcg(found.tuned, found.scores, k=10),
        base=ndcg(found.base, found.scores, k=10),
        tuned_rank=_first_rank(found.tuned, found.scores),
        base_rank=_first_rank(found.base, found.scores),
    )


def _first_rank(ranked: Sequence[str], scores: Mapping[str, int]) -> int | None:
    return next((rank for rank, id_ in enumerate(ranked, 1) if scores.get(id_, 0) > 0), None)


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))
