"""Rows from every kind of file and frame, and back."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from sample_rows import preference_lines, routing_lines, write_lines

LINES = routing_lines(30)
CHAT: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": f"why {n}"}, {"role": "assistant", "content": "so"}]}
    for n in range(5)
]
ROWS = list(tk.Dataset.read(LINES, row=tk.PromptCompletion))


@pytest.mark.parametrize(
    "name",
    ["r.jsonl", "r.jsonl.gz", "r.jsonl.zst", "r.csv", "r.tsv", "r.csv.gz", "r.parquet", "r.arrow"],
)
def test_rows_survive_every_kind_of_file(tmp_path: Path, name: str) -> None:
    path = tk.Dataset.read(LINES, row=tk.PromptCompletion).write(tmp_path / name)
    again = tk.Dataset.read(path)
    assert list(again) == ROWS
    report = again.check()
    assert report.ok
    assert report.stats.rows == len(ROWS)


@pytest.mark.parametrize("name", ["r.parquet", "r.jsonl.zst"])
def test_conversations_and_preferences_survive_too(tmp_path: Path, name: str) -> None:
    for lines in (CHAT, preference_lines(6)):
        rows = tk.Dataset.read(lines)
        path = rows.write(tmp_path / name, overwrite=True)
        assert list(tk.Dataset.read(path)) == list(rows)


def test_choices_survive_a_table_of_texts_and_turns_are_refused(tmp_path: Path) -> None:
    rows = tk.Dataset.read(preference_lines(6))
    assert list(tk.Dataset.read(rows.write(tmp_path / "p.csv"))) == list(rows)
    with pytest.raises(tk.FormatLoss, match="messages"):
        tk.Dataset.read(CHAT).write(tmp_path / "c.csv")
    assert not (tmp_path / "c.csv").exists()


def test_a_json_array_is_read_with_a_warning_and_written_as_lines(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([*LINES, {"input_text": "x, ]"}], indent=1))
    rows = tk.Dataset.read(path)
    report = rows.check()
    assert report.counts == {"json-array": 1, "missing-field": 1}
    lines = path.read_text().splitlines()
    bad = report.errors[0]
    assert bad.line is not None
    assert bad.offset is not None
    assert [lines[bad.line - 1].strip(), lines[bad.line].strip()] == ["{", '"input_text": "x, ]"']
    assert path.read_text()[bad.offset] == "{"
    path.write_text(json.dumps(LINES))
    out = tk.Dataset.read(path).write(tmp_path / "rows.jsonl")
    assert [json.loads(line) for line in out.read_text().splitlines()] == LINES


@pytest.mark.parametrize(
    "text", ["[", "[{", '[{"input_text": "a"', "[{}}]", "[{} {}]", "[{},,{}]", "[]]"]
)
def test_a_broken_array_is_reported_and_not_raised(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rows.json"
    path.write_text(text)
    assert not tk.Dataset.read(path, row=tk.PromptCompletion).check().ok


def test_quoted_lines_of_a_csv_keep_the_line_where_they_begin(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b'input_text,output_text\r\n"a\nb",c\r\nd,\r\ne,f,g\r\n')
    report = tk.Dataset.read(path, row=tk.PromptCompletion).check()
    assert [(finding.rule, finding.line) for finding in report.errors] == [
        ("missing-field", 4),
        ("extra-values", 5),
    ]


@pytest.mark.parametrize("name", ["r.jsonl.gz", "r.jsonl.zst"])
def test_a_compressed_file_that_breaks_off_is_an_error_with_what_was_read(
    tmp_path: Path, name: str
) -> None:
    lines = routing_lines(4_000)
    path = tk.Dataset.read(lines).write(tmp_path / name)
    path.write_bytes(path.read_bytes()[:-100])
    report = tk.Dataset.read(path).check()
    (finding,) = report.errors
    assert finding.rule == "truncated-input"
    assert finding.line == report.stats.rows + 1
    assert report.stats.rows > 1_000
    with pytest.raises(tk.DatasetInvalid, match="breaks off"):
        list(tk.Dataset.read(path))


def test_lines_of_a_compressed_file_are_numbered(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl.gz"
    raw = b"".join(json.dumps(line).encode() + b"\n" for line in [*LINES, {"input_text": "x"}])
    path.write_bytes(gzip.compress(raw))
    assert [finding.line for finding in tk.Dataset.read(path).check().errors] == [31]


def test_frames_are_read(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    pyarrow = pytest.importorskip("pyarrow")
    frames: list[Any] = [
        pandas.DataFrame(LINES),
        polars.DataFrame(LINES),
        pyarrow.Table.from_pylist(LINES),
    ]
    for frame in frames:
        rows = tk.Dataset.read(frame)
        assert list(rows) == ROWS
        assert rows.check().ok
    again = pandas.DataFrame(tk.Dataset.read(frames[0]).lines())
    assert again.equals(frames[0])


def test_datasets_of_hugging_face_are_read() -> None:
    datasets = pytest.importorskip("datasets")
    assert list(tk.Dataset.read(datasets.Dataset.from_list(LINES))) == ROWS
    assert list(tk.Dataset.read(datasets.Dataset.from_list(CHAT))) == list(tk.Dataset.read(CHAT))


def test_remote_files_are_read_and_written_and_never_replaced_unasked() -> None:
    rows = tk.Dataset.read(LINES, row=tk.PromptCompletion)
    for name in ("a.jsonl", "b.jsonl.gz"):
        rows.write(f"memory://bucket/{name}", overwrite=True)
    assert list(tk.Dataset.read("memory://bucket/a.jsonl")) == ROWS
    both = tk.Dataset.read("memory://bucket/*.jsonl*")
    assert both.names == ("memory:///bucket/a.jsonl", "memory:///bucket/b.jsonl.gz")
    assert both.check().stats.duplicates == len(ROWS)
    with pytest.raises(tk.FileKept):
        rows.write("memory://bucket/a.jsonl")
    with pytest.raises(tk.SourceNotFound):
        tk.Dataset.read("memory://bucket/c.jsonl")


def test_nothing_is_left_where_writing_fails(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "r.jsonl", [*LINES, {"input_text": "x"}])
    with pytest.raises(tk.DatasetInvalid):
        tk.Dataset.read(path).write(tmp_path / "out.jsonl")
    assert not [entry for entry in tmp_path.iterdir() if "out.jsonl" in entry.name]
