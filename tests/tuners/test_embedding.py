"""The settings of embedding tuning, on the fake."""

from __future__ import annotations

from typing import Any

import pytest
import pytrec_eval
from pydantic import ValidationError

import tunekit as tk
from sample_rows import retrieval, routing


def tuner(**settings: Any) -> tk.EmbeddingTuner:
    return tk.EmbeddingTuner(base_model="any", **settings)


def test_the_plan_says_where_each_setting_comes_from() -> None:
    plan = tk.Client(tk.MemoryBackend()).plan(tuner(task_type="RETRIEVAL_QUERY"), retrieval())
    sources = {setting.name: (setting.value, setting.source) for setting in plan.settings}
    assert sources["task_type"] == ("RETRIEVAL_QUERY", "you")
    assert sources["objective"] == ("auto", "default")
    assert sources["batch_size"] == (16, "default")
    assert sources["train_steps"] == (3, "rows")
    assert plan.rows == 12
    assert [ref.name for ref in plan.job.datasets] == ["train", "test", "corpus", "queries"]


@pytest.mark.parametrize(
    "settings",
    [
        {"tuning_mode": "full", "adapter_size": 4},
        {"task_type": "SEARCH"},
        {"output_dimensionality": 0},
        {"hard_negatives": -1},
        {"epochs": 1, "train_steps": 2},
    ],
)
def test_a_setting_that_cannot_be_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        tuner(**settings)


def test_rows_of_another_kind_are_named() -> None:
    data = retrieval()
    wrong: Any = routing(12)
    mixed = tk.RetrievalData(
        corpus=data.corpus, queries=data.queries, train_labels=data.train_labels, test_labels=wrong
    )
    report = tk.Client(tk.MemoryBackend()).check(tuner(), mixed)
    assert "wrong-row-kind" in {finding.rule for finding in report.errors}


def test_data_from_the_command_line_are_put_together() -> None:
    documents = tk.Dataset.read([{"_id": "d", "text": "a"}])
    queries = tk.Dataset.read([{"_id": "q", "text": "b"}])
    labels = tk.Dataset.read([{"query-id": "q", "corpus-id": "d", "score": 2}])
    data = tuner().data_of({"train": labels, "corpus": documents, "queries": queries})
    assert data.queries.head() == [tk.Query(id="q", text="b")]
    assert data.labels("train").head()[0].score == 2
    with pytest.raises(tk.SettingInvalid, match="no 'queries' rows"):
        tuner().data_of({"train": labels, "corpus": documents})


def test_the_model_of_the_fake_embeds_searches_and_is_evaluated() -> None:
    known = {"zorp": "belt", "vash": "pump", "grum": "press", "sizz": "torch"}
    known |= {"fraz": "hot", "drib": "leaking", "clog": "stuck"}

    def tuned(text: str) -> list[float]:
        words = [known.get(word, word) for word in text.split()]
        return [float(words.count(word)) for word in (*known.values(), *known)]

    def base(text: str) -> list[float]:
        return [float(text.split().count(word)) for word in (*known.values(), *known)]

    backend = tk.MemoryBackend(embeddings=tuned, base_embeddings=base)
    data = retrieval()
    model = tk.Client(backend).tune(tuner(output_dimensionality=12), data).result()
    assert isinstance(model, tk.EmbeddingModel)
    assert model.embed(["zorp fraz", "the belt is hot"]).shape == (2, 12)
    (match,) = model.search("zorp fraz", top_k=1)
    assert match.document.text == "the belt is hot"
    assert match.similarity == pytest.approx(1.0)
    evaluation = model.evaluate(data)
    assert evaluation.tuned.value == 1
    assert evaluation.base.value < 0.8
    assert evaluation.better
    assert (evaluation.queries, evaluation.documents) == (12, 12)


def test_a_search_can_be_in_other_documents() -> None:
    model = tk.Client(tk.MemoryBackend()).tune(tuner(), retrieval()).result()
    others = tk.Dataset.read([{"_id": "x", "text": "nothing"}], row=tk.Document)
    assert [match.document.id for match in model.search("nothing", corpus=others)] == ["x"]
    with pytest.raises(tk.SettingInvalid, match="no document to search"):
        model.search("a", corpus=tk.Dataset.read([], row=tk.Document))
    with pytest.raises(tk.SettingInvalid, match="top_k is 0"):
        model.search("a", top_k=0)


def test_one_text_instead_of_several_is_refused() -> None:
    model = tk.Client(tk.MemoryBackend()).tune(tuner(), retrieval()).result()
    with pytest.raises(tk.SettingInvalid, match=r"embed\(\[text\]\)"):
        model.embed("a")


def test_labels_to_evaluate_on_are_chosen_or_named() -> None:
    data = retrieval()
    model = tk.Client(tk.MemoryBackend()).tune(tuner(), data).result()
    only_train = tk.RetrievalData(
        corpus=data.corpus, queries=data.queries, train_labels=data.train_labels
    )
    with pytest.raises(tk.SettingInvalid, match="no validation labels; it has 'train'"):
        model.evaluate(only_train)
    assert model.evaluate(only_train, labels="train", max_queries=4).queries == 4


def test_bad_data_are_refused_in_an_evaluation() -> None:
    data = retrieval()
    model = tk.Client(tk.MemoryBackend()).tune(tuner(), data).result()
    label: dict[str, Any] = {"query-id": "query-0", "corpus-id": "note-0", "score": 1}
    bad = tk.RetrievalData(
        corpus=data.corpus,
        queries=data.queries,
        test_labels=tk.Dataset.read([label, label | {"score": 2}], row=tk.RelevanceLabel),
    )
    with pytest.raises(tk.DatasetInvalid, match="conflicting-label"):
        model.evaluate(bad)


def part_of_a_collection() -> tk.RetrievalData:
    """Labels of a whole collection, with half of its documents and two thirds of its queries."""
    data = retrieval(graded=True)
    return tk.RetrievalData(
        corpus=tk.Dataset.read(list(data.corpus)[::2], row=tk.Document),
        queries=tk.Dataset.read(
            [query for n, query in enumerate(data.queries) if n % 3], row=tk.Query
        ),
        test_labels=data.test_labels,
    )


def test_a_part_of_a_collection_is_evaluated_on_what_is_there() -> None:
    model = tk.Client(tk.MemoryBackend()).tune(tuner(), retrieval()).result()
    data = part_of_a_collection()
    documents = {document.id: document.content for document in data.corpus}
    queries = {query.id: query.text for query in data.queries}
    labels: dict[str, dict[str, int]] = {}
    for label in data.labels("test"):
        if label.query_id in queries and label.document_id in documents:
            labels.setdefault(label.query_id, {})[label.document_id] = label.score
    similarities = (
        model.embed(list(queries.values())) @ model.embed(list(documents.values())).T
    ).tolist()
    run = {
        query: dict(zip(documents, row, strict=True))
        for query, row in zip(queries, similarities, strict=True)
    }
    judged = pytrec_eval.RelevanceEvaluator(labels, {"ndcg_cut.10"}).evaluate(run)
    expected = sum(figures["ndcg_cut_10"] for figures in judged.values()) / len(judged)

    evaluation = model.evaluate(data)
    assert evaluation.tuned.value == pytest.approx(expected, abs=1e-6)
    assert evaluation.queries == len(labels)
    assert evaluation.queries + evaluation.queries_left_out == 12
    left = sum(1 for _ in data.labels("test")) - sum(map(len, labels.values()))
    assert evaluation.labels_left_out == left > 0
    assert f"Left out: {left} labels" in str(evaluation)


def test_a_part_of_a_collection_is_not_tuned_on() -> None:
    data = part_of_a_collection()
    data.train_labels = data.test_labels
    with pytest.raises(tk.DatasetInvalid, match="dangling-label"):
        tk.Client(tk.MemoryBackend()).tune(tuner(), data)


def test_labels_of_another_collection_are_told() -> None:
    model = tk.Client(tk.MemoryBackend()).tune(tuner(), retrieval()).result()
    data = part_of_a_collection()
    data.queries = tk.Dataset.read([{"_id": "x", "text": "y"}], row=tk.Query)
    with pytest.raises(tk.SettingInvalid, match="No query has test labels whose documents"):
        model.evaluate(data)


def test_a_backend_without_the_ability_says_so() -> None:
    class Mute(tk.MemoryBackend):
        embed = None  # type: ignore[assignment]

    model = tk.Client(Mute()).tune(tuner(), retrieval()).result()
    with pytest.raises(tk.MethodUnsupported, match="cannot ask its embedding models"):
        model.embed(["a"])
    with pytest.raises(tk.MethodUnsupported, match="cannot export"):
        model.export("nowhere")
