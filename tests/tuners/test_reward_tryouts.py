"""What a try-out says of a reward before anything is trained on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

import tunekit as tk
from reward_cases import python
from tunekit.tuners.rewards import (
    ExactMatch,
    Reward,
    StringMatch,
)

RESPONSES = [
    "yes",
    "no",
    "yes it is",
    "no it is not",
    "maybe",
    "yes but",
    "certainly not",
    "why not",
]


def doubts(reward: Reward, responses: Sequence[str] = RESPONSES, **settings: Any) -> list[str]:
    """The rules of the doubts that a try-out raises."""
    return [doubt.rule for doubt in reward.try_on("is it?", responses, **settings).warnings]


def test_a_reward_in_order_raises_no_doubt() -> None:
    tryout = StringMatch(expected="yes").try_on("is it?", RESPONSES, expected_best=0)
    assert tryout.warnings == ()
    assert tryout.scores == (1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    assert tryout.mean == pytest.approx(0.375)
    assert tryout.spread == pytest.approx(0.484, abs=0.001)


def test_a_constant_reward_is_found() -> None:
    tryout = python("return 0.5").try_on("is it?", RESPONSES, expected_best=0)
    assert [doubt.rule for doubt in tryout.warnings] == ["constant-reward"]
    assert "nothing can be learnt" in str(tryout)
    assert tryout.spread == 0
    assert doubts(python("return 0.5"), ["one"]) == []


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_reward_that_looks_at_the_length_only_is_found(sign: str) -> None:
    reward = python(f"return {sign}len(response) ** 2 / 100 + 0.01 * response.count('y')")
    tryout = reward.try_on("is it?", RESPONSES)
    assert [doubt.rule for doubt in tryout.warnings] == ["length-only-reward"]
    assert "looks at the length only" in str(tryout)
    assert ("Shorter" if sign else "Longer") in tryout.warnings[0].message


def test_few_or_equally_long_responses_do_not_tell_whether_the_length_counts() -> None:
    reward = python("return float(len(response) + response.count('a'))")
    assert doubts(reward, RESPONSES[:7]) == []
    assert doubts(reward, ["abc", "bcd", "aab", "cde", "aaa", "cab", "ddd", "bad"]) == []


@pytest.mark.parametrize(
    "expected_best",
    [0, [True, False, True, False, False, True, False, False], [0, 2, 5, 4, 7, 6, 1, 3], [5, 0]],
)
def test_a_reward_with_the_wrong_sign_is_found(expected_best: Any) -> None:
    right, flipped = StringMatch(expected="yes"), StringMatch(expected="yes", correct=-1)
    assert doubts(right, expected_best=expected_best) == []
    assert doubts(flipped, expected_best=expected_best) == ["sign-flipped-reward"]
    assert doubts(flipped) == []


def test_a_flipped_sign_is_counted_in_pairs() -> None:
    tryout = ExactMatch(expected="no").try_on("is it?", ["yes", "no", "no"], expected_best=0)
    assert tryout.warnings[0].message == "The better response scores lower in 2 of 2 pairs."


def test_a_tryout_is_a_short_text() -> None:
    tryout = ExactMatch(expected="no").try_on("is it?", ["yes", "no"], expected_best=0)
    assert str(tryout) == (
        "2 responses: mean 0.5, spread 0.5\n"
        "scores: 0, 1\n"
        "warning sign-flipped-reward: The better response scores lower in 1 of 1 pair. "
        "Turn the sign of the reward, or exchange what it gives for right and for wrong."
    )
    assert type(tryout).model_validate_json(tryout.model_dump_json()) == tryout


def test_references_may_be_given_once_or_per_response() -> None:
    reward = ExactMatch(expected="{{references.a}}")
    assert reward.try_on("p", ["x", "y"], {"a": "x"}).scores == (1.0, 0.0)
    assert reward.try_on(["p", "q"], ["x", "y"], [{"a": "x"}, {"a": "y"}]).scores == (1.0, 1.0)


@pytest.mark.parametrize(
    ("prompts", "responses", "settings"),
    [
        (["p"], ["a", "b"], {}),
        ("p", ["a", "b"], {"references": [{}]}),
        ("p", "ab", {}),
        ("p", [], {}),
        ("p", ["a", "b"], {"expected_best": 2}),
        ("p", ["a", "b"], {"expected_best": -1}),
        ("p", ["a", "b"], {"expected_best": True}),
        ("p", ["a", "b"], {"expected_best": [True]}),
        ("p", ["a", "b"], {"expected_best": []}),
        ("p", ["a", "b"], {"expected_best": [0, 0]}),
    ],
)
def test_lists_that_do_not_go_together_are_refused(
    prompts: Any, responses: Any, settings: dict[str, Any]
) -> None:
    with pytest.raises(tk.SettingInvalid):
        python("return len(response)").try_on(prompts, responses, **settings)
