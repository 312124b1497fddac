"""Every fault of a file is found: one row that has it, and one that has not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from sample_rows import routing_lines, write_lines
from tunekit.data.check.rules import RULES

GOOD = routing_lines(12)
TURNS = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]


def found(tmp_path: Path, *lines: Any, good: Any = GOOD, row: Any = None) -> list[tk.Finding]:
    """The findings of a file with good lines first and then the ones given."""
    path = write_lines(tmp_path / "rows.jsonl", [*good, *lines])
    return list(tk.Dataset.read(path, row=row).check().findings)


BAD_LINES: list[tuple[str, Any, str | None]] = [
    ("not-json", '{"input_text": "a", "output_text": "b",}', None),
    ("not-json", '{"input_text": "a" "output_text": "b"}', None),
    ("not-json", "{'input_text': 'a', 'output_text': 'b'}", None),
    ("not-json", '{"input_text": NaN, "output_text": "b"}', None),
    ("not-json", '{"input_text": 1e999, "output_text": "b"}', None),
    ("not-json", '{"input_text": ' + "9" * 5000 + ', "output_text": "b"}', None),
    ("not-json", '{"a": ' * 100_000, None),
    ("not-json", '{"input_text": "a"} {"input_text": "b"}', None),
    ("not-json", '{"input_text":', None),
    ("not-an-object", "[1, 2]", None),
    ("not-an-object", "null", None),
    ("not-an-object", '"text"', None),
    ("not-utf8", b'{"input_text": "\xff", "output_text": "b"}', None),
    ("blank-line", "", None),
    ("blank-line", "   ", None),
    ("duplicate-key", '{"input_text": "a", "input_text": "c", "output_text": "b"}', "input_text"),
    ("nul-character", b'{"input_text": "a\x00", "output_text": "b"}', None),
    ("nul-character", '{"input_text": "a\\u0000", "output_text": "b"}', "input_text"),
    ("lone-surrogate", '{"input_text": "a\\ud83d", "output_text": "b"}', "input_text"),
    ("missing-field", {"input_text": "a"}, "output_text"),
    ("misspelt-field", {"input_text": "a", "outptu_text": "b"}, "outptu_text"),
    ("unknown-field", GOOD[0] | {"input_text": "x Message: y Team:", "note": 1}, "note"),
    ("wrong-type", {"input_text": 5, "output_text": "b"}, "input_text"),
    ("wrong-type", {"input_text": ["a"], "output_text": "b"}, "input_text"),
    ("empty-text", {"input_text": "a", "output_text": ""}, "output_text"),
    ("empty-text", {"input_text": " \n", "output_text": "b"}, "input_text"),
    ("mixed-format", {"messages": TURNS}, None),
]


@pytest.mark.parametrize(("rule", "line", "field"), BAD_LINES)
def test_a_bad_line_is_found_where_it_is(
    tmp_path: Path, rule: str, line: Any, field: str | None
) -> None:
    findings = [finding for finding in found(tmp_path, line) if finding.rule == rule]
    assert [(finding.line, finding.field) for finding in findings] == [(13, field)]
    assert findings[0].path == str(tmp_path / "rows.jsonl")


def test_good_lines_have_no_findings(tmp_path: Path) -> None:
    assert found(tmp_path) == []


def test_twenty_kinds_of_bad_rows_give_one_finding_each_at_its_line(tmp_path: Path) -> None:
    kinds = [(rule, line) for rule, line, _ in BAD_LINES if rule != "unknown-field"]
    kinds += [
        ("duplicate-row", GOOD[2]),
        ("missing-instruction", {"input_text": "a", "output_text": "b"}),
    ]
    findings = found(tmp_path, *(line for _, line in kinds))
    expected = [(rule, place) for place, (rule, _) in enumerate(kinds, start=len(GOOD) + 1)]
    assert [(finding.rule, finding.line) for finding in findings] == expected
    assert len(kinds) >= 20

    memory = tk.MemoryBackend()
    tuner = tk.SupervisedTuner(base_model="tunekit/nano")
    with pytest.raises(tk.DatasetInvalid) as caught:
        tk.Client(memory).tune(
            tuner, tk.Dataset.read(tmp_path / "rows.jsonl", row=tk.PromptCompletion)
        )
    refused = [finding.rule for finding in caught.value.report.errors]
    assert len(refused) >= 20
    assert memory.requests == []


@pytest.mark.parametrize(
    ("rule", "turns", "field"),
    [
        ("unknown-role", ["usr", "assistant"], "messages[0].role"),
        ("role-order", ["assistant", "user", "assistant"], "messages[0]"),
        ("role-order", ["user", "user", "assistant"], "messages[1]"),
        ("system-not-first", ["user", "system", "assistant"], "messages[1]"),
        ("last-turn", ["user", "assistant", "user"], "messages[2]"),
        ("no-trainable-turn", ["system", "user"], "messages"),
    ],
)
def test_turns_out_of_order_are_found(
    tmp_path: Path, rule: str, turns: list[str], field: str
) -> None:
    messages = [{"role": role, "content": f"text {index}"} for index, role in enumerate(turns)]
    findings = found(
        tmp_path, {"messages": messages}, good=[{"messages": TURNS}] * 3, row=tk.Conversation
    )
    assert (rule, 4, field) in [(f.rule, f.line, f.field) for f in findings]


def test_a_byte_order_mark_is_found_and_read_past(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(GOOD[0]).encode() + b"\n")
    report = tk.Dataset.read(path).check()
    assert [(finding.rule, finding.line) for finding in report.findings] == [("byte-order-mark", 1)]
    assert report.stats.rows == 1


def test_crlf_is_noted_once(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"".join(json.dumps(line).encode() + b"\r\n" for line in GOOD))
    report = tk.Dataset.read(path).check()
    assert [(finding.rule, finding.line) for finding in report.findings] == [("crlf", 1)]
    assert report.stats.rows == len(GOOD)


def test_utf16_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(json.dumps(GOOD[0]).encode("utf-16"))
    finding = tk.Dataset.read(path).check().findings[0]
    assert finding.rule == "not-utf8"
    assert "UTF-16" in finding.message


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"")
    report = tk.Dataset.read(path, row=tk.PromptCompletion).check()
    assert [finding.rule for finding in report.findings] == ["no-rows"]
    assert not report.ok


def test_a_file_of_no_known_shape_says_so(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "rows.jsonl", [{"q": "a", "a": "b"}] * 3)
    findings = tk.Dataset.read(path).check().findings
    assert [finding.rule for finding in findings] == ["unknown-format"] * 3


def test_a_duplicate_is_reported_at_the_later_line(tmp_path: Path) -> None:
    findings = found(tmp_path, GOOD[3])
    assert [(finding.rule, finding.line) for finding in findings] == [("duplicate-row", 13)]
    assert ":4" in findings[0].message


def test_rows_that_differ_in_notes_only_are_duplicates(tmp_path: Path) -> None:
    rules = [finding.rule for finding in found(tmp_path, GOOD[3] | {"id": 7})]
    assert "duplicate-row" in rules


def test_conflicting_completions_are_found(tmp_path: Path) -> None:
    other = "billing" if GOOD[5]["output_text"] == "shipping" else "shipping"
    findings = found(tmp_path, GOOD[5] | {"output_text": other})
    assert [(finding.rule, finding.line) for finding in findings] == [
        ("conflicting-completion", 13)
    ]


def test_a_prompt_without_the_shared_instruction_is_found(tmp_path: Path) -> None:
    findings = found(tmp_path, {"input_text": "my parcel is lost", "output_text": "shipping"})
    assert [(finding.rule, finding.line) for finding in findings] == [("missing-instruction", 13)]


def test_prompts_in_another_order_are_found(tmp_path: Path) -> None:
    good = [
        {"input_text": f"question: why {n}? context: because of {n * n}.", "output_text": str(n)}
        for n in range(12)
    ]
    swapped = {"input_text": "context: because of rain. question: why?", "output_text": "rain"}
    lacking = {"input_text": "question: why not?", "output_text": "none"}
    findings = found(tmp_path, swapped, lacking, good=good)
    expected = [("inconsistent-prompt-shape", 13), ("inconsistent-prompt-shape", 14)]
    assert [(finding.rule, finding.line) for finding in findings] == expected


def test_offsets_point_into_the_file(tmp_path: Path) -> None:
    bad = b'{"input_text": "x", "output_text": \xff}'
    finding = found(tmp_path, bad)[0]
    raw = (tmp_path / "rows.jsonl").read_bytes()
    assert finding.offset is not None
    assert raw[finding.offset] == 0xFF


def test_findings_never_hold_more_than_an_excerpt_and_none_when_switched_off(
    tmp_path: Path,
) -> None:
    secret = "a very long text that nobody should read in a log file " * 5
    path = write_lines(tmp_path / "r.jsonl", [{"input_text": [secret], "output_text": "b"}])
    dataset = tk.Dataset.read(path, row=tk.PromptCompletion)
    shown = dataset.check().findings[0]
    hidden = dataset.check(excerpts=False).findings[0]
    assert shown.excerpt is not None
    assert len(shown.excerpt) <= 40
    assert hidden.excerpt is None
    assert "very long" not in str(shown) + str(hidden)


def test_no_error_text_holds_row_text(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "r.jsonl", [{"input_text": "hush", "output_text": ["hush hush"]}])
    with pytest.raises(tk.DatasetInvalid) as caught:
        tk.Dataset.read(path, row=tk.PromptCompletion).check().raise_if_errors()
    assert "hush" not in str(caught.value)


def test_all_findings_are_counted_and_only_so_many_kept(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "r.jsonl", [*GOOD, *[{"input_text": "a"}] * 30])
    report = tk.Dataset.read(path, row=tk.PromptCompletion).check(max_findings_per_rule=7)
    assert report.counts["missing-field"] == 30
    assert sum(finding.rule == "missing-field" for finding in report.findings) == 7


def test_a_line_that_is_too_long_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunekit.data.reader.MAX_LINE_BYTES", 300)
    long = {"input_text": "x" * 1000, "output_text": "b"}
    path = write_lines(tmp_path / "r.jsonl", [GOOD[0], long, GOOD[1]])
    report = tk.Dataset.read(path).check()
    assert [(finding.rule, finding.line) for finding in report.findings] == [("line-too-long", 2)]
    assert report.stats.rows == 2


def test_every_rule_says_what_is_wrong_and_the_way_out() -> None:
    for rule in RULES.values():
        assert rule.summary.endswith(".")
        assert rule.fix.endswith(".")
        assert rule.id == rule.id.lower()
