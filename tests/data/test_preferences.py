"""What a check says about pairs of answers: contradictions, and choices that teach something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from sample_rows import write_lines

SHORT, LONG = "Yes.", "Yes, and here is why it is so."


def pair_line(number: int, choice: int, *, longer: int | None = None) -> dict[str, Any]:
    """A distinct pair; `longer` is the longer candidate, every third has equal lengths where it is `None`."""
    answers = [f"the answer {number:03} of one", f"the answer {number:03} of two"]
    if longer is not None:
        answers[longer] += " and then some"
    return {
        "input_text": f"why {number:03}?",
        "candidate_0": answers[0],
        "candidate_1": answers[1],
        "choice": choice,
    }


def scored_line(line: dict[str, Any]) -> dict[str, Any]:
    """The same pair with scores, the way Gemini's preference data have it."""
    return {
        "contents": [{"role": "user", "parts": [{"text": line["input_text"]}]}],
        "completions": [
            {
                "score": float(line["choice"] == index),
                "completion": {"role": "model", "parts": [{"text": line[f"candidate_{index}"]}]},
            }
            for index in (0, 1)
        ],
    }


def check(tmp_path: Path, lines: list[dict[str, Any]]) -> tk.Report:
    """The report on a file of these lines."""
    path = write_lines(tmp_path / "pairs.jsonl", lines)
    return tk.Dataset.read(path, row=tk.Preference).check()


def told(report: tk.Report, rule: str) -> list[tuple[int | None, str]]:
    """Line and message of each finding of a rule."""
    return [(found.line, found.message) for found in report.findings if found.rule == rule]


@pytest.mark.parametrize("choice", [0, 1])
def test_a_choice_that_is_always_the_same_side_is_found(tmp_path: Path, choice: int) -> None:
    report = check(tmp_path, [pair_line(n, choice, longer=n % 2) for n in range(20)])
    ((line, message),) = told(report, "one-sided-choice")
    assert line is None
    assert message == f"The choice is {choice} in all 20 rows."
    assert report.ok
    assert report.counts == {"one-sided-choice": 1}


def test_one_choice_of_the_other_side_is_enough(tmp_path: Path) -> None:
    report = check(tmp_path, [pair_line(n, int(n == 7), longer=n % 2) for n in range(20)])
    assert report.findings == ()


def test_few_rows_may_be_one_sided_and_of_one_length(tmp_path: Path) -> None:
    report = check(tmp_path, [pair_line(n, 1, longer=1) for n in range(19)])
    assert report.findings == ()


def test_scores_may_put_the_preferred_answer_first(tmp_path: Path) -> None:
    lines = [scored_line(pair_line(n, 0, longer=n % 2)) for n in range(20)]
    (finding,) = check(tmp_path, lines).findings
    assert (finding.rule, finding.severity) == ("one-sided-choice", "info")


@pytest.mark.parametrize("preferred", ["longer", "shorter"])
def test_a_choice_that_follows_the_length_is_found(tmp_path: Path, preferred: str) -> None:
    lines = []
    for number in range(30):
        choice = number % 2
        follows = number >= 3
        longer = choice if follows == (preferred == "longer") else 1 - choice
        lines.append(pair_line(number, choice, longer=longer))
    ((line, message),) = told(check(tmp_path, lines), "length-decides-choice")
    assert line is None
    assert message == f"The preferred candidate is the {preferred} one in 27 of 30 rows, 90 %."


def test_a_choice_that_mostly_follows_the_length_is_let_pass(tmp_path: Path) -> None:
    lines = [pair_line(n, n % 2, longer=n % 2 if n >= 4 else 1 - n % 2) for n in range(30)]
    assert check(tmp_path, lines).findings == ()


def test_candidates_of_equal_length_speak_against_the_length(tmp_path: Path) -> None:
    lines = [pair_line(n, n % 2, longer=n % 2 if n >= 4 else None) for n in range(30)]
    assert check(tmp_path, lines).findings == ()


@pytest.mark.parametrize("swapped", [False, True])
def test_opposite_choices_between_the_same_candidates_are_found(
    tmp_path: Path, swapped: bool
) -> None:
    lines = [pair_line(n, n % 2) for n in range(5)]
    again = lines[2] | {"choice": 1}
    if swapped:
        again = lines[2] | {
            "candidate_0": lines[2]["candidate_1"],
            "candidate_1": lines[2]["candidate_0"],
        }
    report = check(tmp_path, [*lines, again])
    ((line, message),) = told(report, "conflicting-choice")
    assert line == 6
    assert message == f"At {tmp_path / 'pairs.jsonl'}:3 the other one of the same two is preferred."
    assert report.counts == {"conflicting-choice": 1}


def test_other_candidates_for_the_same_prompt_are_no_conflict(tmp_path: Path) -> None:
    line = pair_line(1, 0)
    others = [line | {"candidate_1": "something else"}, line | {"input_text": "why else?"}]
    assert check(tmp_path, [line, *others]).findings == ()


def test_a_pair_with_its_candidates_exchanged_is_a_duplicate(tmp_path: Path) -> None:
    line = pair_line(1, 0)
    exchanged = line | {
        "candidate_0": line["candidate_1"],
        "candidate_1": line["candidate_0"],
        "choice": 1,
    }
    report = check(tmp_path, [line, pair_line(2, 1), exchanged, line])
    place = f"{tmp_path / 'pairs.jsonl'}:1"
    assert told(report, "duplicate-row") == [
        (3, f"The same row is at {place} already, with the candidates exchanged."),
        (4, f"The same row is at {place} already."),
    ]
    assert report.stats.duplicates == 2


def test_the_shares_of_the_choices_are_counted(tmp_path: Path) -> None:
    lines = [
        pair_line(1, 1, longer=1),
        pair_line(2, 1, longer=0),
        pair_line(3, 0),
        pair_line(4, 1, longer=1),
    ]
    choices = check(tmp_path, lines).stats.choices
    assert choices is not None
    assert (choices.second_preferred, choices.longer_preferred) == (0.75, 0.5)
    assert choices.shorter_preferred == 0.25


def test_rows_without_a_choice_have_no_shares() -> None:
    rows = [tk.PromptCompletion(prompt=f"p{n}", completion="c") for n in range(30)]
    assert tk.Dataset.read(rows, row=tk.PromptCompletion).check().stats.choices is None
