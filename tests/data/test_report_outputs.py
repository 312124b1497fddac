"""A report as HTML, SARIF and JSON, and rows through every format."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

import tunekit as tk
from sample_rows import routing_lines, write_lines
from tunekit.data.formats import FORMATS

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "report.schema.json"


def report(folder: Path) -> tk.Report:
    lines: list[Any] = [
        *routing_lines(24),
        {"input_text": ["<b>secret</b>"], "output_text": "x"},
        "{",
        routing_lines(1)[0],
    ]
    return tk.Dataset.read(write_lines(folder / "rows.jsonl", lines)).check()


def test_the_page_has_figures_histograms_and_findings_and_fetches_nothing(tmp_path: Path) -> None:
    made = report(tmp_path)
    page = made.to_html()
    HTMLParser().feed(page)
    assert page.startswith("<!DOCTYPE html>")
    assert page.count('class="histogram"') == 3
    assert page.count('class="rule"') == len(made.counts)
    assert "<b>secret" not in page
    assert "&lt;b&gt;secret" in page
    assert not re.search(r"<script|src=|href=|url\(", page)
    assert "rows.jsonl:26" in page
    assert made._repr_html_() in page


def test_histograms_count_every_text_once() -> None:
    rows = [tk.PromptCompletion(prompt="x" * n, completion="y") for n in (1, 2, 3, 4, 5, 1000)]
    lengths = tk.Dataset.read(rows).check().stats.prompt_characters
    assert lengths is not None
    assert sum(count for _, count in lengths.histogram) == 6
    assert lengths.histogram[:4] == ((1, 1), (2, 1), (4, 2), (8, 1))
    assert lengths.histogram[-1] == (1024, 1)


def test_sarif_names_rule_level_and_line_and_no_text_of_a_row(tmp_path: Path) -> None:
    made = report(tmp_path)
    log = json.loads(made.to_sarif())
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert len(run["results"]) == len(made.findings)
    listed = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in run["results"]} == listed
    broken = next(one for one in run["results"] if one["ruleId"] == "not-json")
    assert broken["level"] == "error"
    assert broken["locations"][0]["physicalLocation"]["region"] == {"startLine": 26}
    assert "secret" not in made.to_sarif()


def test_json_goes_there_and_back_and_has_a_schema(tmp_path: Path) -> None:
    made = report(tmp_path)
    assert tk.Report.model_validate_json(made.to_json()) == made
    assert "findings" in TypeAdapter(tk.Report).json_schema()["properties"]


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1
).filter(str.strip)
TURNS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=3)


def conversation(turns: list[tuple[str, str]], system: str | None) -> tk.Conversation:
    messages = [tk.Message(role="system", content=system)] if system else []
    for asked, answered in turns:
        messages.append(tk.Message(role="user", content=asked))
        messages.append(tk.Message(role="model", content=answered))
    return tk.Conversation(messages=tuple(messages))


ROWS: st.SearchStrategy[tk.Row] = st.one_of(
    st.builds(lambda p, c: tk.PromptCompletion(prompt=p, completion=c), TEXTS, TEXTS),
    st.builds(conversation, TURNS, st.none() | TEXTS),
    st.builds(lambda p: tk.Prompt(prompt=p), TEXTS),
    st.builds(
        lambda p, a, c: tk.Preference(prompt=p, candidates=(a, a + "."), choice=c),
        TEXTS,
        TEXTS,
        st.sampled_from((0, 1)),
    ),
)


@given(ROWS)
@settings(max_examples=150, deadline=None)
def test_a_row_survives_every_format_that_can_hold_it(row: tk.Row) -> None:
    held = 0
    for form in FORMATS.values():
        try:
            line = form.encode(row)
        except tk.FormatLoss:
            continue
        held += 1
        decoded = form.decode(json.loads(json.dumps(line)))
        assert decoded.row is not None
        assert form.encode(decoded.row) == line
        (again,) = tk.Dataset.read([line], row=type(row))
        assert again == row
    assert held


def test_the_json_of_a_report_has_the_fields_of_the_published_schema(tmp_path: Path) -> None:
    written = SCHEMA.read_text(encoding="utf-8")
    schema, made = json.loads(written), json.loads(report(tmp_path).to_json())
    assert set(schema["required"]) < set(made) == set(schema["properties"])
    inside = schema["$defs"]
    assert {one["severity"] for one in made["findings"]} <= set(inside["Severity"]["enum"])
    assert made["findings"]
    for one in made["findings"]:
        assert set(one) == set(inside["Finding"]["properties"])
    assert set(made["datasets"]["rows"]) == set(inside["Statistics"]["properties"])
