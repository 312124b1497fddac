"""What the command does with a model of each kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tunekit as tk
from sample_rows import retrieval, retrieval_rows, routing, routing_lines, write_lines
from tunekit.commands import ask, hold, write
from tunekit.jobs.clock import SystemClock
from tunekit.jobs.model_kinds import model_handle


@pytest.fixture
def searching() -> tk.EmbeddingModel:
    """An embedding model of the fake, to which texts are close that share words."""
    tuner = tk.EmbeddingTuner(base_model="any")
    return tk.Client(tk.MemoryBackend()).tune(tuner, retrieval()).result()


@pytest.fixture
def answering() -> tk.TextModel:
    """A text model of the fake that knows one word."""
    backend = tk.MemoryBackend(predictions=lambda prompt: "billing")
    tuner = tk.SupervisedTuner(base_model="any")
    return tk.Client(backend).tune(tuner, routing(12)).result()


def beir(folder: Path) -> str:
    """The sample rows as a folder."""
    documents, queries, labels = retrieval_rows()
    (folder / "qrels").mkdir(parents=True)
    write_lines(folder / "corpus.jsonl", documents)
    write_lines(folder / "queries.jsonl", queries)
    lines = [f"{row['query-id']}\t{row['corpus-id']}\t{row['score']}" for row in labels]
    for name, part in (("dev", lines[::3]), ("test", lines)):
        write_lines(folder / "qrels" / f"{name}.tsv", ["query-id\tcorpus-id\tscore", *part])
    return str(folder)


def test_a_text_model_answers(answering: tk.TextModel) -> None:
    with pytest.warns(tk.PromptShapeWarning):
        reply = ask(answering, "where", {"temperature": 0.5, "top_k": None})
    assert reply.text == "billing"
    assert reply.json["text"] == "billing"  # type: ignore[index, call-overload]


def test_an_embedding_model_finds_documents(searching: tk.EmbeddingModel) -> None:
    reply = ask(searching, "the pump is stuck", {"top_k": 2, "vector": None})
    lines = reply.text.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("  1.  ")
    assert lines[0].endswith("note-5  repair note the pump is stuck")
    found = json.loads(json.dumps(reply.json))
    assert found[0]["document"]["id"] == "note-5"
    assert found[0]["similarity"] >= found[1]["similarity"]
    assert len(ask(searching, "pump", {}).text.splitlines()) == 5


def test_a_long_document_is_one_short_line() -> None:
    rows = [*retrieval().corpus, tk.Document(id="long", text="omper\n" * 100)]
    data = retrieval()
    data.corpus = tk.Dataset.read(rows, row=tk.Document)
    tuner = tk.EmbeddingTuner(base_model="any")
    model = tk.Client(tk.MemoryBackend()).tune(tuner, data).result()
    (line,) = ask(model, "omper", {"top_k": 1}).text.splitlines()
    assert line.startswith("  1.  1.000  long  omper omper")
    assert line.endswith("…")
    assert len(line) < 110


def test_a_vector_is_printed_when_asked_for(searching: tk.EmbeddingModel) -> None:
    reply = ask(searching, "pump", {"vector": True})
    assert reply.json == json.loads(reply.text)
    assert reply.json == pytest.approx(searching.embed(["pump"])[0].tolist())


def test_an_option_of_another_kind_is_refused(
    searching: tk.EmbeddingModel, answering: tk.TextModel
) -> None:
    with pytest.raises(tk.SettingInvalid, match=r"--temperature is not .* 'embedding'.*--top-k"):
        ask(searching, "pump", {"temperature": 0.0})
    with pytest.raises(tk.SettingInvalid, match=r"--top-k is not .* 'text'"):
        ask(answering, "pump", {"top_k": 3})
    with pytest.raises(tk.SettingInvalid, match=r"--labels is not .* 'text'"):
        hold(answering, [], {"labels": "test"})


def test_an_embedding_model_is_held_against_a_folder(
    searching: tk.EmbeddingModel, tmp_path: Path
) -> None:
    folder = beir(tmp_path / "beir")
    whole = hold(searching, [folder], {"max_rows": None, "labels": None})
    assert isinstance(whole, tk.RetrievalEvaluation)
    assert whole.queries == 24
    some = hold(searching, [folder], {"max_rows": 3, "labels": "validation"})
    assert isinstance(some, tk.RetrievalEvaluation)
    assert {outcome.query_id for outcome in some.outcomes} == {"query-0", "query-3", "query-6"}
    for files in ([], [folder, folder], [f"{folder}/corpus.jsonl"]):
        with pytest.raises(tk.SettingInvalid, match=r"one folder.*corpus\.jsonl"):
            hold(searching, files, {})


def test_a_text_model_is_held_against_files(answering: tk.TextModel, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "rows.jsonl", routing_lines(6))
    evaluation = hold(answering, [file], {"max_rows": 4})
    assert isinstance(evaluation, tk.Evaluation)
    assert evaluation.rows == 4


def test_an_embedding_model_has_one_format(searching: tk.EmbeddingModel, tmp_path: Path) -> None:
    with pytest.raises(tk.MethodUnsupported, match="no export to 'onnx'"):
        write(searching, tmp_path / "out", {"format": "onnx"})
    with pytest.raises(tk.SettingInvalid, match="--max-drift is not"):
        write(searching, tmp_path / "out", {"format": "safetensors", "max_drift": 0.1})
    with pytest.raises(tk.FormatUnknown):
        write(searching, tmp_path / "out", {"format": "gguf"})


def test_what_a_kind_cannot_do_is_told(searching: tk.EmbeddingModel, tmp_path: Path) -> None:
    record = searching.record.model_copy(update={"kind": "reward_model"})
    model = model_handle(tk.MemoryBackend(), record, SystemClock())
    for call in (
        lambda: ask(model, "a", {}),
        lambda: hold(model, ["a"], {}),
        lambda: write(model, tmp_path, {}),
    ):
        with pytest.raises(tk.MethodUnsupported, match=r"'reward_model'.*client\.model\("):
            call()
