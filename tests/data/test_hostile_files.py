"""Whatever a file holds, each of its lines is a row or has a finding that names what is wrong with it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from tools.bench.fuzz import KINDS, account
from tools.bench.rows import write_mutated

import tunekit as tk

GOOD = b'{"input_text": "Where is it?", "output_text": "On its way."}'


def found(path: Path) -> list[tuple[str, int | None, str | None]]:
    findings = tk.Dataset.read(path, row=tk.PromptCompletion).check().findings
    return [(one.rule, one.line, one.field) for one in findings if one.rule != "duplicate-row"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_of_12_500_mutated_lines_is_a_row_or_is_refused_with_a_finding(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "rows.jsonl"
    write_mutated(path, kind, 12_500, seed=2_026)
    lines, rows, refused = account(path)
    assert lines >= 12_500 - 1  # a blank last line ends the one before it
    assert rows + refused == lines
    assert min(rows, refused) > 2_000


@pytest.mark.parametrize(
    ("line", "rule", "field"),
    [
        pytest.param(b'{"a": ' * 100_000, "not-json", None, id="nested and broken off"),
        pytest.param(
            b'{"input_text": ' + b"[" * 90_000 + b"]" * 90_000 + b', "output_text": "b"}',
            "not-json",
            None,
            id="deep nesting",
        ),
        pytest.param(GOOD.replace(b"it?", b"it\x00"), "nul-character", None, id="a NUL byte"),
        pytest.param(
            GOOD.replace(b"it?", b"it\\u0000"), "nul-character", "input_text", id="an escaped NUL"
        ),
        pytest.param(
            GOOD.replace(b"it?", b"it\\udc00\\ud83d"),
            "lone-surrogate",
            "input_text",
            id="surrogates",
        ),
        pytest.param(GOOD.replace(b"it?", b"it\xed\xa0\x80"), "not-utf8", None, id="CESU"),
        pytest.param(
            GOOD.replace(b"{", b'{"input_text": "a", '),
            "duplicate-key",
            "input_text",
            id="a key twice",
        ),
        pytest.param(GOOD.replace(b'"On its way."', b"NaN"), "not-json", None, id="NaN"),
        pytest.param(GOOD.replace(b'"On its way."', b"-Infinity"), "not-json", None, id="infinity"),
        pytest.param(
            GOOD.replace(b'"On its way."', b"1e999"), "not-json", None, id="a huge number"
        ),
        pytest.param(
            GOOD.replace(b'"On its way."', b"9" * 9_999), "not-json", None, id="long digits"
        ),
        pytest.param(
            b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}',
            "mixed-format",
            None,
            id="mixed formats",
        ),
    ],
)
def test_a_hostile_line_is_named_at_its_line_and_the_others_are_read(
    tmp_path: Path, line: bytes, rule: str, field: str | None
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n".join((GOOD, GOOD, line, GOOD)) + b"\n")
    assert found(path) == [(rule, 3, field)]


def test_a_line_of_a_hundred_megabytes_is_passed_over_and_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with path.open("wb") as file:
        file.write(GOOD + b'\n{"input_text": "')
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b'", "output_text": "b"}\n' + GOOD + b"\n")
    assert found(path) == [("line-too-long", 2, None)]


def test_a_packed_file_that_breaks_off_is_named_behind_what_could_be_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    packed = gzip.compress(
        b"".join(GOOD.replace(b"it", str(n).encode()) + b"\n" for n in range(9_000))
    )
    path.write_bytes(packed[: len(packed) // 2])
    ((rule, line, _),) = found(path)
    assert rule == "truncated-input"
    assert line is not None
    assert line > 1_000
