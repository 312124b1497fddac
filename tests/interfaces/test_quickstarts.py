"""Every quickstart runs from rows to a measured before and after, on a few of its rows and with a few steps."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.retrieval.machine_notes import FOLDER, machine_notes

import tunekit as tk
from tunekit.quickstart import Size, methods, quickstart_of
from tunekit.tuners.retrieval import LabelsName


@pytest.mark.parametrize("method", methods())
def test_a_quickstart_runs_to_its_figures(method: str, home: Path) -> None:
    told: list[str] = []
    client = tk.Client(tk.LocalBackend(home), watch="silent")
    enough_for_the_gate = Size(max_rows=60, train_steps=12)
    size = (
        enough_for_the_gate if method == "rlhf" else Size(max_rows=30, train_steps=3, num_images=1)
    )
    outcome = quickstart_of(method)(client, lambda line, _: told.append(line), size)
    assert outcome.method == method
    assert 0 <= outcome.before <= 1
    assert 0 <= outcome.after <= 1
    assert outcome.rows > 0
    assert client.model(outcome.model_id).record.method == method.replace("-", "_")
    assert any(line.startswith("client.plan") for line in told)


def test_the_machine_notes_are_those_of_their_script() -> None:
    data, notes = tk.RetrievalData.read(FOLDER), machine_notes()
    assert [(row.id, row.text) for row in data.queries] == [
        (row["_id"], row["text"]) for row in notes.queries
    ]
    assert [row.content for row in data.corpus] == [
        f"{row['title']} {row['text']}" for row in notes.corpus
    ]
    parts: tuple[tuple[LabelsName, tuple[tuple[str, str], ...]], ...] = (
        ("train", notes.train),
        ("test", notes.test),
    )
    for name, pairs in parts:
        assert [(row.query_id, row.document_id) for row in data.labels(name)] == list(pairs)


def test_the_machine_notes_have_no_fault_and_hold_whole_notes_out() -> None:
    data = tk.RetrievalData.read(FOLDER)
    report = data.check()
    assert report.findings == ()
    assert len(data.corpus) >= 200
    assert len(data.queries) >= 200
    train = {row.document_id for row in data.labels("train")}
    assert train.isdisjoint(row.document_id for row in data.labels("test"))
