"""Retrieval data: files as Vertex AI and BEIR have them, and every fault within and between them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from sample_rows import retrieval, retrieval_rows, write_lines
from tunekit.data.check.findings import Finding


def write_folder(folder: Path, **changed: list[Any] | None) -> Path:
    """A folder in the layout of BEIR; a part that is `None` is left out."""
    documents, queries, labels = retrieval_rows()
    header = "query-id\tcorpus-id\tscore"
    lines = [f"{row['query-id']}\t{row['corpus-id']}\t{row['score']}" for row in labels]
    parts: dict[str, list[Any] | None] = {
        "corpus": documents,
        "queries": queries,
        "train": [header, *lines[::2]],
        "dev": None,
        "test": [header, *lines[1::2]],
    }
    (folder / "qrels").mkdir(parents=True)
    for name, rows in (parts | changed).items():
        if rows is not None:
            file = f"{name}.jsonl" if name in ("corpus", "queries") else f"qrels/{name}.tsv"
            write_lines(folder / file, rows)
    return folder


def of_rule(data: tk.RetrievalData, rule: str) -> list[Finding]:
    """The findings of one rule."""
    return [finding for finding in data.check().findings if finding.rule == rule]


def test_a_folder_of_beir_loads_as_it_is(tmp_path: Path) -> None:
    documents, queries, _ = retrieval_rows()
    beir = [{**row, "metadata": {"url": "https://example.org"}} for row in documents]
    folder = write_folder(
        tmp_path / "beir", corpus=beir, queries=[{**row, "metadata": {}} for row in queries]
    )
    data = tk.RetrievalData.read(folder)
    assert data.check().ok
    assert not data.check().warnings
    assert len(data.corpus) == 12
    assert data.train_labels is not None
    assert data.validation_labels is None
    assert len(data.train_labels) == 12
    first = data.corpus.head(1)[0]
    assert first == tk.Document(
        id="note-0",
        title="repair note",
        text="the belt is hot",
        extra={"metadata": {"url": "https://example.org"}},
    )
    assert first.content == "repair note the belt is hot"
    assert data.queries.head(1) == [
        tk.Query(id="query-0", text="zorp fraz again", extra={"metadata": {}})
    ]
    assert data.train_labels.head(1)[0].score == 1


def test_a_folder_may_be_for_evaluation_only(tmp_path: Path) -> None:
    data = tk.RetrievalData.read(write_folder(tmp_path / "beir", train=None))
    assert data.train_labels is None
    assert data.check().ok
    with pytest.raises(tk.SettingInvalid, match="no train labels; it has 'test'"):
        tk.Client(tk.MemoryBackend()).plan(tk.EmbeddingTuner(base_model="any"), data)


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(tk.SourceNotFound, match="no labels in"):
        tk.RetrievalData.read(write_folder(tmp_path / "beir", train=None, test=None))
    with pytest.raises(tk.SourceNotFound, match=r"no file '.*corpus.jsonl'"):
        tk.RetrievalData.read(tmp_path / "nowhere")


def test_the_validation_labels_of_a_folder_are_those_for_development(tmp_path: Path) -> None:
    dev = ["query-id\tcorpus-id\tscore", "query-0\tnote-0\t1"]
    data = tk.RetrievalData.read(write_folder(tmp_path / "beir", dev=dev))
    assert len(data.labels("validation")) == 1


@pytest.mark.parametrize(
    ("line", "rule", "field"),
    [
        ("query-0\tnote-0\t-1", "label-score", "score"),
        ("query-0\tnote-0\t0.5", "label-score", "score"),
        ("query-0\tnote-0\thigh", "label-score", "score"),
        ("query-0 note-0 1", "column-count", None),
        ("query-0\tnote-0\t1\tmore", "column-count", None),
        ("query-99\tnote-0\t1", "dangling-label", "query-id"),
        ("query-0\tnote-99\t1", "dangling-label", "corpus-id"),
        ("\tnote-0\t1", "empty-text", "query-id"),
        ("query-2\tnote-1\t2", "conflicting-label", "score"),
        ("query-2\tnote-1\t1", "duplicate-row", None),
        ("query-0\tnote-\u00e9\udcff\t1", "not-utf8", None),
    ],
)
def test_a_bad_label_is_found_with_its_line(
    tmp_path: Path, line: str, rule: str, field: str | None
) -> None:
    lines: list[Any] = ["query-id\tcorpus-id\tscore", "query-2\tnote-1\t1"]
    lines.append(line.encode("utf-8", errors="surrogateescape"))
    lines += ["query-4\tnote-2\t1", "query-6\tnote-3\t1"]
    data = tk.RetrievalData.read(write_folder(tmp_path / "beir", train=lines))
    (finding,) = of_rule(data, rule)
    assert finding.path == str(tmp_path / "beir" / "qrels" / "train.tsv")
    assert (finding.line, finding.field) == (3, field)


def test_a_table_without_its_header_is_one_finding(tmp_path: Path) -> None:
    lines: list[Any] = ["query-0\tnote-0\t1", "query-2\tnote-1\t1"]
    data = tk.RetrievalData.read(write_folder(tmp_path / "beir", train=lines))
    (finding,) = of_rule(data, "missing-header")
    assert finding.line == 1
    assert len(data.check().errors) == 1


def test_a_score_may_be_left_out(tmp_path: Path) -> None:
    for number, lines in enumerate(
        (
            ["query-id\tcorpus-id", "query-0\tnote-0"],
            ["query-id\tcorpus-id\tscore", "query-0\tnote-0"],
        )
    ):
        path = write_lines(tmp_path / f"{number}.tsv", lines)
        assert [row.score for row in tk.Dataset.read(path, row=tk.RelevanceLabel)] == [1]


def test_a_table_may_come_from_windows(tmp_path: Path) -> None:
    raw = b"\xef\xbb\xbfquery-id\tcorpus-id\tscore\r\nquery-0\tnote-0\t3\r\n\r\n"
    (tmp_path / "labels.tsv").write_bytes(raw)
    labels = tk.Dataset.read(tmp_path / "labels.tsv", row=tk.RelevanceLabel)
    assert list(labels) == [tk.RelevanceLabel(query_id="query-0", document_id="note-0", score=3)]
    assert {finding.rule for finding in labels.check().findings} == {"crlf", "blank-line"}


@pytest.mark.parametrize(("name", "noun"), [("corpus", "document"), ("queries", "query")])
def test_an_id_that_is_there_twice_is_found(tmp_path: Path, name: str, noun: str) -> None:
    documents, queries, _ = retrieval_rows()
    rows = documents if name == "corpus" else queries
    again = [*rows, {**rows[0], "text": "another text"}]
    folder = write_folder(tmp_path / "beir", **{name: again})
    (finding,) = of_rule(tk.RetrievalData.read(folder), "duplicate-id")
    assert (finding.line, finding.field) == (len(again), "_id")
    assert f"{noun} at {folder / f'{name}.jsonl'}:1 has the same id" in finding.message


def test_a_misspelt_id_is_named(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "corpus.jsonl", [{"id": "a", "text": "b"}])
    (finding,) = tk.Dataset.read(path, row=tk.Document).check().errors
    assert (finding.rule, finding.field) == ("misspelt-field", "id")


def test_a_document_without_a_word_is_a_warning_and_a_query_an_error(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "rows.jsonl", [{"_id": "a", "title": "", "text": " "}])
    (of_document,) = tk.Dataset.read(path, row=tk.Document).check().findings
    assert (of_document.rule, of_document.severity.value) == ("empty-text", "warning")
    assert not tk.Dataset.read(path, row=tk.Query).check().ok


def test_a_query_in_training_and_test_is_a_warning(tmp_path: Path) -> None:
    lines = ["query-id\tcorpus-id\tscore", "query-0\tnote-0\t1", "query-3\tnote-1\t1"]
    data = tk.RetrievalData.read(write_folder(tmp_path / "beir", test=lines))
    (finding,) = of_rule(data, "leaked-query")
    assert finding.path == str(tmp_path / "beir" / "qrels" / "test.tsv")
    assert (finding.line, finding.field, finding.severity.value) == (2, "query-id", "warning")


def test_what_no_label_mentions_is_told(tmp_path: Path) -> None:
    documents, queries, _ = retrieval_rows()
    folder = write_folder(
        tmp_path / "beir",
        corpus=[*documents, {"_id": "note-x", "text": "a b"}],
        queries=[*queries, {"_id": "query-x", "text": "c"}],
    )
    data = tk.RetrievalData.read(folder)
    (document,) = of_rule(data, "unlabelled-document")
    (query,) = of_rule(data, "unlabelled-query")
    assert (document.line, query.line) == (13, 25)
    assert data.check().ok
    assert not data.check().warnings


def test_many_unlabelled_documents_are_summed_up(tmp_path: Path) -> None:
    documents, *_ = retrieval_rows()
    more = [{"_id": f"more-{n}", "title": "", "text": f"text {n}"} for n in range(150)]
    data = tk.RetrievalData.read(write_folder(tmp_path / "beir", corpus=[*documents, *more]))
    found = of_rule(data, "unlabelled-document")
    assert len(found) == 101
    assert "50 more; 150 documents in all" in found[-1].message


def test_a_query_with_nothing_relevant_is_a_warning(tmp_path: Path) -> None:
    lines = ["query-id\tcorpus-id\tscore"]
    lines += [f"query-{n}\tnote-{n // 2}\t{min(n, 1)}" for n in range(0, 20, 2)]
    data = tk.RetrievalData.read(write_folder(tmp_path / "beir", train=lines))
    (finding,) = of_rule(data, "no-relevant-document")
    assert finding.line == 2


def test_the_limits_of_the_managed_service_are_warnings(tmp_path: Path) -> None:
    documents, queries, labels = retrieval_rows()
    lines = [f"{row['query-id']}\t{row['corpus-id']}\t1" for row in labels[:2]]
    folder = write_folder(
        tmp_path / "beir",
        corpus=documents[:8],
        queries=queries[:8],
        train=["query-id\tcorpus-id\tscore", *lines],
        test=None,
    )
    messages = [
        finding.message for finding in of_rule(tk.RetrievalData.read(folder), "retrieval-limit")
    ]
    assert messages == [
        "There are 8 queries; Vertex AI takes 9 to 10,000.",
        "There are 8 documents; Vertex AI takes 9 to 500,000.",
        "The train labels are about 2 queries; Vertex AI wants 3 or more.",
        "All labels together are about 2 queries; Vertex AI wants 9 or more.",
    ]
    assert tk.RetrievalData.read(folder).check().ok


def test_all_faults_are_found_at_once_before_anything_starts(tmp_path: Path) -> None:
    documents, *_ = retrieval_rows()
    data = tk.RetrievalData.read(
        write_folder(
            tmp_path / "beir",
            corpus=[*documents, {"_id": "note-0", "text": 7}, "{"],
            train=["query-id\tcorpus-id\tscore", "query-0\tnote-0\t-1", "query-1\tnote-77\t1"],
        )
    )
    backend = tk.MemoryBackend()
    with pytest.raises(tk.DatasetInvalid) as caught:
        tk.Client(backend).tune(tk.EmbeddingTuner(base_model="any"), data)
    rules = {finding.rule for finding in caught.value.report.errors}
    assert rules == {"wrong-type", "not-json", "label-score", "dangling-label"}
    assert backend.requests == []


def test_labels_are_written_as_a_table_and_read_again(tmp_path: Path) -> None:
    labels = retrieval(graded=True).labels("train")
    written = labels.write(tmp_path / "labels.tsv")
    assert written.read_text().splitlines()[:2] == [
        "query-id\tcorpus-id\tscore",
        "query-0\tnote-0\t2",
    ]
    assert list(tk.Dataset.read(written, row=tk.RelevanceLabel)) == list(labels)
    as_json = labels.write(tmp_path / "labels.jsonl")
    assert json.loads(as_json.read_text().splitlines()[0])["corpus-id"] == "note-0"
    assert list(tk.Dataset.read(as_json)) == list(labels)


def test_an_id_that_would_break_a_table_is_refused(tmp_path: Path) -> None:
    row = tk.RelevanceLabel(query_id="a\tb", document_id="c")
    with pytest.raises(tk.FormatLoss, match="tab or a line feed"):
        tk.Dataset.read([row], row=tk.RelevanceLabel).write(tmp_path / "labels.tsv")
    assert not (tmp_path / "labels.tsv").exists()


def test_a_split_of_labels_keeps_a_query_on_one_side(tmp_path: Path) -> None:
    path = retrieval(graded=True).labels("train").write(tmp_path / "labels.tsv")
    train, test = tk.Dataset.read(path, row=tk.RelevanceLabel).split(0.25, seed=3)
    assert len(train) + len(test) == 24
    assert not {row.query_id for row in train} & {row.query_id for row in test}


def test_documents_need_no_common_shape() -> None:
    rows = [{"_id": f"d{n}", "text": f"Question: what is {n}\nAnswer: {n}"} for n in range(60)]
    rows.append({"_id": "x", "text": "something else"})
    report = tk.Dataset.read(rows, row=tk.Document).check()
    assert report.findings == ()
    assert report.stats.template is None
