"""Every rule finds its bad example at its line and field, and is silent about its good one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tools.bench.rows import write_file
from tools.docs.rule_examples import EXAMPLES, Example

import tunekit as tk
from sample_rows import routing_lines, write_lines
from tunekit.data.check.sensitive_rules import SENSITIVE_RULES, sensitive_faults

FOUND_HERE = [name for name, example in EXAMPLES.items() if not example.elsewhere]
OTHER_TESTS = {
    "line-too-long", "truncated-input", "too-few-rows", "row-too-long", "untrainable-row", "label-missing",
    "unscorable-row", "leaked-row", "too-many-rows", "file-too-large", "unsupported-file",
    "duplicate-id", "dangling-label", "conflicting-label", "no-relevant-document", "leaked-query", "retrieval-limit",
    "unlabelled-document", "unlabelled-query",
    "image-missing", "image-unreadable", "image-truncated", "image-type", "image-animated", "image-too-small",
    "image-too-large", "image-upscaled", "image-cropped", "image-cmyk", "image-16-bit", "image-alpha", "image-rotated",
    "near-duplicate-image", "missing-caption", "caption-too-long", "too-few-images", "too-many-images",
}  # fmt: skip


def checked(folder: Path, lines: Sequence[Any], example: Example) -> tk.Report:
    path = folder / f"rows{example.suffix}"
    if lines:
        write_lines(path, lines)
    else:
        path.write_bytes(b"")
    row: type[tk.Row] | None = getattr(tk, example.row) if example.row else None
    also = [example.also] if example.also else []
    return tk.Dataset.read(path, row=row).check(also=also)


@pytest.mark.parametrize("id", FOUND_HERE)
def test_a_bad_row_is_found_at_its_line_and_field_and_a_good_one_is_not(
    tmp_path: Path, id: str
) -> None:
    example = EXAMPLES[id]
    found = [one for one in checked(tmp_path, example.bad, example).findings if one.rule == id]
    assert len(found) == 1
    last = None if example.whole else example.line or len(example.bad)
    assert (found[0].line, found[0].field) == (last, example.field)
    assert id not in checked(tmp_path, example.good, example).counts


def test_every_rule_has_an_example_and_the_others_have_tests_of_their_own() -> None:
    assert set(EXAMPLES) == {rule.id for rule in tk.rules()}
    assert set(EXAMPLES) - set(FOUND_HERE) == OTHER_TESTS
    assert len(tk.rules()) >= 60


@pytest.mark.parametrize("rule", SENSITIVE_RULES, ids=lambda rule: rule.id)
def test_what_is_sensitive_is_found_when_asked_for_and_never_shown(
    tmp_path: Path, rule: tk.Rule
) -> None:
    example = EXAMPLES[rule.id]
    path = write_lines(tmp_path / "rows.jsonl", example.bad)
    rows = tk.Dataset.read(path)
    assert rule.id not in rows.check().counts
    report = rows.check(also=[rule.id])
    assert report.counts == {rule.id: 1}
    bad = example.bad[0]
    assert isinstance(bad, dict)
    words = [
        word for word in bad["input_text"].split() if any(map(str.isdigit, word)) or "@" in word
    ]
    for word in words:
        assert word not in report.to_json()
        assert word not in str(report)


@pytest.mark.parametrize(
    "text",
    [
        "order 4000 0000 0000 0001", "2026-11-30 12:30:15", "version 1.2.3.4567", "GB33 BUKB 2020 1555 5555 51",
        "1234567890123", "me@home", "000-12-3456", "10.0.0.1:8080", "sk-short", "0000 0000 0000 0000",
        "https://example.org/a@b", "price: 1 000 000 000",
    ],
)  # fmt: skip
def test_look_alikes_are_not_sensitive(text: str) -> None:
    assert not list(sensitive_faults(text, [rule.id for rule in SENSITIVE_RULES]))


def test_rules_of_ones_own_are_asked_for_like_the_others(tmp_path: Path) -> None:
    @tk.rule(
        "no-shouting", summary="An answer is in capitals.", fix="Write it small.", severity="error"
    )
    def no_shouting(row: tk.Row) -> Iterator[str]:
        if (row.completion_text() or "").isupper():
            yield "The answer is in capitals."

    lines = [*routing_lines(4), {"input_text": "Where?", "output_text": "HERE"}]
    rows = tk.Dataset.read(write_lines(tmp_path / "rows.jsonl", lines))
    assert rows.check().ok
    (found,) = rows.check(also=[no_shouting], processes=2).errors
    assert (found.rule, found.line, found.fix) == ("no-shouting", 5, "Write it small.")
    assert rows.check(also=[no_shouting], ignore=["no-shouting"]).ok


@pytest.mark.parametrize("id", ["Shouting", "no shouting", "duplicate-row", ""])
def test_a_rule_of_ones_own_has_an_id_of_its_own(id: str) -> None:
    with pytest.raises(tk.SettingInvalid):
        tk.rule(id, summary="a", fix="b")
    with pytest.raises(tk.SettingInvalid, match="severity"):
        tk.rule("fine", summary="a", fix="b", severity="grave")


def test_findings_can_be_left_out_and_become_an_exit_code() -> None:
    rows = tk.Dataset.read([*routing_lines(4), routing_lines(1)[0]])
    report = rows.check()
    assert report.counts == {"duplicate-row": 1}
    assert (report.exit_code(), report.exit_code(fail_on="warning")) == (0, 1)
    for quiet in (report.without("duplicate-row"), rows.check(ignore=["duplicate-row"])):
        assert quiet.exit_code(fail_on="info") == 0
        assert quiet.counts == {}
    with pytest.raises(tk.SettingInvalid, match="'duplicate-row'"):
        rows.check(ignore=["duplicate-rwo"])
    with pytest.raises(tk.SettingInvalid, match="personal-data"):
        rows.check(also=["personal-dta"])


def test_opt_in_rules_run_on_large_files_too(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_file(path, "chat", 300_000)
    lines = path.read_bytes().splitlines()
    lines[7] = lines[7].replace(b'"content": "', b'"content": "ada@example.org ', 1)
    path.write_bytes(b"\n".join(lines))
    found = [
        one
        for one in tk.Dataset.read(path).check(also=["personal-data"]).findings
        if one.rule == "email-address"
    ]
    assert [(one.line, one.field) for one in found] == [(8, "messages[0].content")]
