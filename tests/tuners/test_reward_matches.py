"""Rewards that hold an answer against what was expected, and those that count its words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

import tunekit as tk
from reward_cases import python, scores
from tunekit.tuners.rewards import (
    ExactMatch,
    JsonMatch,
    LengthReward,
    RegexMatch,
    Reward,
    Sample,
    StringMatch,
    WeightedSum,
)

# --- samples ----------------------------------------------------------------------------------------------------------


def test_a_sample_has_the_further_fields_of_its_row() -> None:
    row = tk.Prompt(prompt="2 + 2?", extra={"answer": "4", "id": 7})
    assert Sample.of(row, "5") == Sample(
        prompt="2 + 2?", response="5", references={"answer": "4", "id": 7}
    )


def test_an_object_of_references_is_opened() -> None:
    row = tk.Prompt(prompt="2 + 2?", extra={"references": {"answer": "4"}, "id": 7})
    assert Sample.of(row, "5").references == {"answer": "4", "id": 7}


def test_the_answer_of_a_row_is_a_reference() -> None:
    pair = tk.PromptCompletion(prompt="2 + 2?", completion="4")
    turns = (tk.Message(role="user", content="2 + 2?"), tk.Message(role="model", content="4"))
    chat = tk.Conversation(messages=turns)
    assert Sample.of(pair, "5").references == Sample.of(chat, "5").references == {"completion": "4"}
    assert Sample.of(chat, "5").prompt == turns[:1]
    assert Sample.of(chat, "5").prompt_text == "2 + 2?"


# --- matches ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reward", "right", "wrong"),
    [
        (ExactMatch(expected="{{references.answer}}"), ["C++", " C++\n"], ["c++", "C++!", ""]),
        (ExactMatch(expected="c++", letter_case="ignored"), ["C++", "c++"], ["c"]),
        (StringMatch(expected="{{references.answer}}"), ["It is C++.", "C++"], ["C+", "c++"]),
        (StringMatch(expected="C++", operation="equals"), ["C++"], ["It is C++."]),
        (StringMatch(expected="^C", operation="regex"), ["C++"], ["It is C++."]),
        (RegexMatch(pattern="is {{references.answer}}$"), ["It is C++"], ["It is CCC", "It is C"]),
        (RegexMatch(pattern="it IS", letter_case="ignored"), ["It is"], ["It was"]),
        (
            JsonMatch(key="lang", expected="{{references.answer}}"),
            ['{"lang": "C++", "n": 1}', ' {"lang": "C++"}\n'],
            [
                '{"lang": "C"}',
                '{"n": {"lang": "C++"}}',
                "C++",
                '["lang"]',
                "",
                "[" * 100_000,
                "1" * 5000,
            ],
        ),
        (
            JsonMatch(key="n", expected="3"),
            ['{"n": 3}', '{"n": "3"}'],
            ['{"n": 33}', '{"n": null}'],
        ),
        (JsonMatch(key="n", expected="null"), ['{"n": null}'], ["{}"]),
        (JsonMatch(key="n", expected=r"^\d$", operation="regex"), ['{"n": 3}'], ['{"n": 33}']),
    ],
)
def test_a_match_gives_one_number_for_right_and_another_for_wrong(
    reward: Reward, right: list[str], wrong: list[str]
) -> None:
    assert set(scores(reward, *right, answer="C++")) == {1.0}
    assert set(scores(reward, *wrong, answer="C++")) == {0.0}


def test_right_and_wrong_may_give_other_numbers() -> None:
    assert scores(ExactMatch(expected="a", correct=0.5, wrong=-2), "a", "b") == [0.5, -2.0]


def test_a_reference_that_is_no_text_is_compared_as_json_spells_it() -> None:
    assert scores(ExactMatch(expected="{{references.n}} kg"), "70 kg", n=70) == [1.0]
    assert scores(ExactMatch(expected="{{references.n}}"), "true", n=True) == [1.0]


def test_a_reference_that_a_sample_lacks_is_named_with_the_closest() -> None:
    samples = [Sample(prompt="p", response="r", references={"answer": "4"})] * 2
    samples.append(Sample(prompt="p", response="r", references={"anwser": "a secret text"}))
    with pytest.raises(tk.SettingInvalid) as caught:
        ExactMatch(expected="{{references.answer}}").score(samples)
    text = str(caught.value)
    assert text.startswith("ExactMatch: Sample 3 has no reference 'answer'; it has 'anwser'.")
    assert "Did you mean 'anwser'?" in text
    assert "secret" not in text


@pytest.mark.parametrize(
    "expected", ["{{reference.answer}}", "{{ references.answer }}", "{{references.}}"]
)
def test_a_placeholder_that_is_misspelt_is_refused(expected: str) -> None:
    with pytest.raises(ValidationError, match=r"Write '\{\{references\."):
        ExactMatch(expected=expected)


@pytest.mark.parametrize(
    "make",
    [
        lambda: RegexMatch(pattern="("),
        lambda: StringMatch(expected="(", operation="regex"),
        lambda: JsonMatch(key="a", expected="(", operation="regex"),
        lambda: ExactMatch(expected="a", extract="("),
        lambda: ExactMatch(expected=""),
        lambda: ExactMatch(expected="a", correct=float("nan")),
        LengthReward,
        lambda: LengthReward(min_words=5, max_words=4),
        lambda: LengthReward(max_words=0),
        lambda: WeightedSum({}),
        lambda: WeightedSum({ExactMatch(expected="a"): 0.0}),
        lambda: WeightedSum({ExactMatch(expected="a"): float("inf")}),
    ],
)
def test_settings_that_cannot_be_are_refused(make: Any) -> None:
    with pytest.raises(ValidationError):
        make()


def test_text_that_is_no_pattern_may_stand_where_none_is_needed() -> None:
    assert scores(StringMatch(expected="("), "f(x)") == [1.0]


# --- taking the answer out --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extract", "response", "score"),
    [
        (r"<a>(.*?)</a>", "<a>1</a> no: <a>4</a>", 1.0),
        (r"<a>(.*?)</a>", "<a>4</a> no: <a>1</a>", 0.0),
        (r"\d+", "1 or 2 or 4", 1.0),
        (r"=(\d)|x", "=4", 1.0),
        (r"=(\d)|x", "=4 x", 0.0),
        (r"<a>(.*?)</a>", "4", 0.0),
        (None, "4", 1.0),
    ],
)
def test_the_first_group_of_the_last_match_is_scored(
    extract: str | None, response: str, score: float
) -> None:
    assert scores(ExactMatch(expected="4", extract=extract), response) == [score]


def test_every_kind_can_take_the_answer_out() -> None:
    heard = python("return float(response == '')", extract="(x+)!")
    assert scores(heard, "what", "xx!") == [1.0, 0.0]
    assert scores(LengthReward(min_words=2, extract="<a>(.*)</a>"), "a b c <a>d</a>") == [0.5]


# --- length -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reward", "given"),
    [
        (LengthReward(min_words=4), {0: 0, 1: 0.25, 3: 0.75, 4: 1, 400: 1}),
        (LengthReward(max_words=4), {0: 1, 4: 1, 5: 0.75, 6: 0.5, 8: 0, 400: 0}),
        (LengthReward(min_words=2, max_words=4), {1: 0.5, 2: 1, 4: 1, 6: 0.5}),
        (LengthReward(min_words=4, max_words=4), {3: 0.75, 4: 1, 5: 0.75}),
    ],
)
def test_a_length_gives_one_inside_and_falls_outside(
    reward: LengthReward, given: dict[int, float]
) -> None:
    assert scores(reward, *("word " * words for words in given)) == list(given.values())
