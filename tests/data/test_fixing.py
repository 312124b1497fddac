"""A corrected copy has every safe correction, and nothing else changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from sample_rows import routing_lines, write_lines

LINES = routing_lines(9)


def test_a_copy_is_corrected_and_the_original_is_not_touched(tmp_path: Path) -> None:
    odd = {"input_text": 'a ",}" b', "output_text": "billing"}
    trailing = json.dumps(LINES[7])[:-1] + ",}"
    misspelt = {"input_text": LINES[8]["input_text"], "outptu_text": "billing"}
    lines: list[Any] = [
        *LINES[:7],
        "",
        LINES[0],
        trailing,
        misspelt,
        odd,
        {"input_text": 7},
        "{broken",
    ]
    path = Path(write_lines(tmp_path / "rows.jsonl", lines))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    before = path.read_bytes()
    rows = tk.Dataset.read(path)
    repair = rows.fix(tmp_path / "fixed.jsonl")
    assert path.read_bytes() == before
    assert [(one.rule, one.line) for one in repair.corrections] == [
        ("byte-order-mark", 1),
        ("crlf", 1),
        ("blank-line", 8),
        ("duplicate-row", 9),
        ("not-json", 10),
        ("misspelt-field", 11),
    ]
    assert (repair.rows, repair.left) == (12, 2)
    fixed = (tmp_path / "fixed.jsonl").read_bytes().split(b"\n")
    assert [json.loads(line) for line in fixed[:8]] == LINES[:8]
    assert json.loads(fixed[8]) == {"input_text": LINES[8]["input_text"], "output_text": "billing"}
    assert fixed[9:] == [json.dumps(odd).encode(), b'{"input_text": 7}', b"{broken", b""]
    report = tk.Dataset.read(tmp_path / "fixed.jsonl").check()
    assert set(report.counts) & set(repair.counts) == {"not-json"}
    assert "12 lines written, 2 lines with errors left." in str(repair)


def test_an_array_becomes_lines(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(LINES, indent=2))
    repair = tk.Dataset.read(path).fix(tmp_path / "rows.jsonl")
    assert repair.counts == {"json-array": 1}
    assert list(tk.Dataset.read(tmp_path / "rows.jsonl")) == list(tk.Dataset.read(LINES))


def test_the_original_is_never_the_target_and_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "rows.jsonl", LINES)
    rows = tk.Dataset.read(path)
    with pytest.raises(tk.FileKept, match="come from"):
        rows.fix(path, overwrite=True)
    (tmp_path / "other.jsonl").write_text("mine")
    with pytest.raises(tk.FileKept):
        rows.fix(tmp_path / "other.jsonl")
    assert rows.fix(tmp_path / "other.jsonl", overwrite=True).rows == 9
