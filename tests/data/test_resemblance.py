"""Rows that are nearly the same are found, whatever their number, and others are not."""

from __future__ import annotations

import pickle
import random
import time
from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from sample_rows import write_lines
from tunekit.data.check import parallel, resemblance

WORDS = [f"{first}{second}" for first in "bdfgklmnprst" for second in ("a", "eno", "ilu", "orav")]
WORDS = [first + second for first in WORDS for second in WORDS]


def answers(count: int, *, seed: int = 0, words: int = 40) -> list[dict[str, Any]]:
    """Rows of which no two have more in common than chance gives."""
    draw = random.Random(seed)
    return [
        {"input_text": " ".join(draw.choices(WORDS, k=words)), "output_text": draw.choice(WORDS)}
        for _ in range(count)
    ]


def near(rows: tk.Dataset[Any], **options: Any) -> list[tuple[int | None, str]]:
    report = rows.check(also=["near-duplicates"], **options)
    return [(one.line, one.message) for one in report.findings if one.rule == "near-duplicate"]


def changed(line: dict[str, Any], draw: random.Random, num_words: int) -> dict[str, Any]:
    words = line["input_text"].split()
    for place in draw.sample(range(len(words)), num_words):
        words[place] = draw.choice(WORDS)
    return line | {"input_text": " ".join(words)}


def test_a_row_with_a_word_changed_is_found_at_its_line_and_names_the_earlier_one(
    tmp_path: Path,
) -> None:
    lines = answers(50)
    lines.append(changed(lines[7], random.Random(1), 1))
    rows = tk.Dataset.read(write_lines(tmp_path / "rows.jsonl", lines))
    ((line, message),) = near(rows)
    assert line == 51
    assert "rows.jsonl:8" in message
    assert not [one for one in rows.check().findings if one.rule == "near-duplicate"]


def test_the_more_words_differ_the_fewer_rows_are_found() -> None:
    lines, draw = answers(100), random.Random(1)
    found = []
    for num_words in (1, 2, 20):
        copies = [changed(line, draw, num_words) for line in lines]
        found.append(len(near(tk.Dataset.read([*lines, *copies]))))
    assert found[0] >= 98
    assert found[1] >= 60
    assert found[2] == 0


def test_exact_repetitions_are_left_to_their_own_rule() -> None:
    lines = answers(3)
    report = tk.Dataset.read([*lines, *lines]).check(also=["near-duplicate"])
    assert report.counts == {"duplicate-row": 3}


def test_short_texts_are_found_when_they_differ_in_case_and_punctuation_alone() -> None:
    texts = ("Open today?", "open today", "Open on Monday?", "open Monday", "Open  today!")
    lines = [{"input_text": text, "output_text": f"yes {len(text)}"[:3]} for text in texts]
    assert [line for line, _ in near(tk.Dataset.read(lines))] == [2, 5]


def test_what_all_prompts_share_makes_no_row_like_another(tmp_path: Path) -> None:
    instruction = "Say which team shall answer the message that follows, with one word only."
    lines = [
        {"input_text": f"{instruction}\nmessage: {one['input_text']}", "output_text": "sales"}
        for one in answers(60, words=6)
    ]
    rows = tk.Dataset.read(write_lines(tmp_path / "rows.jsonl", lines))
    assert rows.template is not None
    assert near(rows) == []


def test_exchanged_candidates_and_turns_are_compared_too() -> None:
    first, second, prompt = (one["input_text"] for one in answers(3, words=30))
    pairs = [
        tk.Preference(prompt=prompt, candidates=(first, second), choice=0),
        tk.Preference(prompt=prompt, candidates=(second, first + " so"), choice=1),
    ]
    assert [line for line, _ in near(tk.Dataset.read(pairs, row=tk.Preference))] == [2]
    chats = [
        tk.Conversation(
            messages=(
                tk.Message(role="user", content=text),
                tk.Message(role="model", content=first),
            )
        )
        for text in (prompt, prompt.upper())
    ]
    assert [line for line, _ in near(tk.Dataset.read(chats, row=tk.Conversation))] == [2]


def test_parts_and_disk_give_what_one_pass_in_memory_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, draw = answers(120), random.Random(3)
    lines += [changed(line, draw, 1) for line in lines[::3]]
    path = write_lines(tmp_path / "rows.jsonl", lines)
    whole = near(tk.Dataset.read(path), processes=1)
    assert len(whole) >= 38
    monkeypatch.setattr(resemblance, "_RECORDS_IN_MEMORY", 7)
    assert near(tk.Dataset.read(path), processes=1) == whole
    monkeypatch.setattr(parallel, "RANGE_BYTES", 9_000)
    assert near(tk.Dataset.read(path), processes=2) == whole


def test_a_log_survives_the_way_to_another_process() -> None:
    log = resemblance.SketchLog()
    for ordinal, line in enumerate(answers(3)):
        row = tk.PromptCompletion(prompt=line["input_text"], completion="a")
        log.add(row, (), bytes((ordinal,) * 16), (ordinal, 0))
    again: resemblance.SketchLog = pickle.loads(pickle.dumps(log))
    assert list(again.chunks()) == list(log.chunks())


def test_four_thousand_rows_that_are_all_alike_are_not_held_against_each_other_in_pairs() -> None:
    base, draw = answers(1)[0], random.Random(5)
    copies = [base, *(changed(base, draw, 1) for _ in range(4_000))]

    def seconds(count: int) -> float:
        log = resemblance.SketchLog()
        for ordinal, line in enumerate(copies[:count]):
            row = tk.PromptCompletion(prompt=line["input_text"], completion="a")
            log.add(row, (), ordinal.to_bytes(16, "little"), (ordinal, 0))
        began = time.process_time()
        assert len(log.resemblances()) > 0.9 * count
        return time.process_time() - began

    small = min(seconds(500) for _ in range(2))
    assert (
        seconds(4_000) < 24 * small
    )  # eight times the rows; in pairs it would be 64 times the time
