"""Rankings held against labels: the figures of trec_eval, tuned beside base."""

from __future__ import annotations

import random

import ir_measures
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from tunekit.data.rows import RelevanceLabel
from tunekit.evaluation.retrieval import (
    RETRIEVAL_METRICS,
    Found,
    compare_retrieval,
    judged_by,
    ndcg,
    ranking,
    recall,
    reciprocal_rank,
)

TREC = {
    "ndcg_at_10": "ndcg_cut_10",
    "mrr": "recip_rank",
    "recall_at_10": "recall_10",
    "recall_at_100": "recall_100",
}
ids = st.sampled_from([f"d{number}" for number in range(30)])
label_sets = st.dictionaries(ids, st.integers(min_value=0, max_value=4), min_size=1, max_size=20)
similarity_sets = st.dictionaries(
    ids, st.sampled_from([0.0, -0.5, 0.25, 0.5, 0.5000000001, 0.75]), min_size=1, max_size=30
)
"""With many ties, one of them only in 32 bits."""


@given(scores=label_sets, similarities=similarity_sets)
@settings(max_examples=200, deadline=None)
def test_the_figures_are_those_of_trec_eval(
    scores: dict[str, int], similarities: dict[str, float]
) -> None:
    measures = {"ndcg_cut.10", "recip_rank", "recall.10,100"}
    judge = pytrec_eval.RelevanceEvaluator({"q": scores}, measures)
    expected = judge.evaluate({"q": similarities})["q"]
    ranked = ranking(similarities)
    for name, metric in RETRIEVAL_METRICS.items():
        assert metric(ranked, scores) == pytest.approx(expected[TREC[name]], abs=1e-6), name


def test_the_means_are_those_of_ir_measures() -> None:
    draw = random.Random(5)
    labels, run, found = {}, {}, []
    for number in range(40):
        query = f"q{number}"
        labels[query] = {f"d{draw.randrange(50)}": draw.randrange(4) for _ in range(6)}
        run[query] = {
            f"d{document}": draw.choice([0.1, 0.2, draw.random()]) for document in range(50)
        }
        ranked = tuple(ranking(run[query])[:100])
        found.append(
            Found(
                query_id=query, place="", text="", scores=labels[query], tuned=ranked, base=ranked
            )
        )
    measures = {
        "ndcg_at_10": ir_measures.nDCG @ 10,
        "mrr": ir_measures.RR,
        "recall_at_10": ir_measures.R @ 10,
    }
    expected = ir_measures.pytrec_eval.calc_aggregate(list(measures.values()), labels, run)
    evaluation = compare_retrieval(found, documents=50)
    for name, measure in measures.items():
        assert evaluation.metrics[name].tuned.value == pytest.approx(expected[measure], abs=1e-6)  # type: ignore[index]
    assert evaluation.difference.value == 0


def test_the_gain_is_linear() -> None:
    # 2 at rank 2 and 1 at rank 1, of an ideal the other way round; an exponential gain would give 0.797
    assert ndcg(["a", "b"], {"a": 1, "b": 2}, k=10) == pytest.approx(0.8597186)


def test_of_equal_similarities_the_greater_id_comes_first() -> None:
    assert ranking({"d1": 0.5, "d3": 0.5, "d2": 0.5, "d0": 0.9}) == ["d0", "d3", "d2", "d1"]


def test_a_query_without_a_relevant_document_scores_nothing() -> None:
    for metric in RETRIEVAL_METRICS.values():
        assert metric(["a", "b"], {"a": 0}) == 0
    assert reciprocal_rank(["b"], {"a": 1}) == 0
    assert recall(["a"], {"a": 1, "c": 2}, k=10) == 0.5


def found(query: str, tuned: tuple[str, ...], base: tuple[str, ...]) -> Found:
    """A query whose relevant document is `d`."""
    return Found(query_id=query, place=query, text=query, scores={"d": 1}, tuned=tuned, base=base)


def test_queries_that_changed_are_told_the_most_changed_first() -> None:
    evaluation = compare_retrieval(
        [
            found("same", ("d",), ("d",)),
            found("lost", ("x",), ("d",)),
            found("worse", ("x", "d"), ("d",)),
            found("better", ("d",), ("x", "d")),
            found("won", ("d",), ("x",)),
        ],
        documents=2,
    )
    assert [outcome.query_id for outcome in evaluation.worsened] == ["lost", "worse"]
    assert [outcome.query_id for outcome in evaluation.improved] == ["won", "better"]
    lost = evaluation.worsened[0]
    assert (lost.base_rank, lost.tuned_rank) == (1, None)
    assert lost.change == -1
    assert not evaluation.better


def test_better_is_better_beyond_chance() -> None:
    won = [found(str(number), ("d",), ("x", "d")) for number in range(20)]
    assert compare_retrieval(won, documents=2).better
    assert not compare_retrieval([*won[:1], found("x", ("x",), ("d",))], documents=2).better


def test_labels_of_what_is_not_there_are_set_aside() -> None:
    labels = [
        RelevanceLabel(query_id=query, document_id=document, score=score)
        for query, document, score in (
            ("whole", "d1", 2),
            ("part", "d1", 1),
            ("part", "gone", 2),
            ("lost", "gone", 1),
            ("lost", "d1", 0),
            ("absent", "d1", 1),
            ("never", "d1", 0),
            ("never", "gone", 0),
        )
    ]
    judged = judged_by(labels, queries={"whole", "part", "lost", "never"}, documents={"d1", "d2"})
    assert judged.scores == {"whole": {"d1": 2}, "part": {"d1": 1}, "never": {"d1": 0}}
    assert judged.labels_left_out == 5
    assert judged.queries_left_out == 2
