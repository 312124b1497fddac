"""A job's own copy of its rows."""

from __future__ import annotations

from pathlib import Path

import pytest

import tunekit as tk
from sample_rows import routing_lines, write_lines
from tunekit.data.leakage import leaked_rows
from tunekit.data.store import read_copy, write_copy


def test_a_copy_has_the_rows_and_their_places(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "r.jsonl", ["", *routing_lines(3)])
    rows = tk.Dataset.read(path, row=tk.PromptCompletion)
    write_copy(rows, tmp_path / "copy", digest=rows.digest())
    copied = list(read_copy(tmp_path / "copy"))
    assert [located.row for located in copied] == list(rows)
    assert [str(located.place) for located in copied] == [f"{path}:{n}" for n in (2, 3, 4)]


def test_rows_that_changed_in_between_are_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "r.jsonl", routing_lines(3))
    rows = tk.Dataset.read(path, row=tk.PromptCompletion)
    digest = rows.digest()
    write_lines(tmp_path / "r.jsonl", routing_lines(4))
    with pytest.raises(tk.DatasetChanged):
        write_copy(rows, tmp_path / "copy", digest=digest)


def test_validation_prompts_that_are_trained_on_are_found(tmp_path: Path) -> None:
    train = tk.Dataset.read(
        write_lines(tmp_path / "t.jsonl", routing_lines(5)), row=tk.PromptCompletion
    )
    lines = [*routing_lines(2, seed=4), routing_lines(5)[2]]
    validation = tk.Dataset.read(write_lines(tmp_path / "v.jsonl", lines), row=tk.PromptCompletion)
    findings = list(leaked_rows(train, validation))
    assert [(finding.rule, finding.line) for finding in findings] == [("leaked-row", 3)]
    assert "t.jsonl:3" in findings[0].message
