"""Rewards that ask others: a reward model, or several rewards; and every kind as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import tunekit as tk
from reward_cases import ALL, REWARDS, scores
from tunekit.tuners.rewards import (
    AnyReward,
    ExactMatch,
    LengthReward,
    Reward,
    RewardModelReward,
    Sample,
    StringMatch,
    Weighted,
    WeightedSum,
)

# --- reward models ----------------------------------------------------------------------------------------------------


def test_a_reward_model_needs_a_judge() -> None:
    with pytest.raises(tk.MethodUnsupported, match="local:job/reward_model"):
        scores(RewardModelReward(model="local:job/reward_model"), "a")


def test_a_judge_scores_what_was_taken_out() -> None:
    asked: list[tuple[str, list[str]]] = []

    def judge(model: str, samples: Sequence[Sample]) -> list[float]:
        asked.append((model, [sample.response for sample in samples]))
        return [0.25] * len(samples)

    reward = RewardModelReward(model="local:j/m", extract="<a>(.*)</a>")
    whole = WeightedSum({reward: 1.0, ExactMatch(expected="never"): 1.0})
    samples = [Sample(prompt="p", response=text) for text in ("<a>b</a>", "c")]
    assert whole.score(samples, judge=judge) == [0.125, 0.125]
    assert asked == [("local:j/m", ["b", ""])]


def test_a_judge_that_loses_a_sample_is_an_error() -> None:
    samples = [Sample(prompt="p", response="r")] * 3
    with pytest.raises(tk.SettingInvalid, match="2 scores for 3 samples"):
        RewardModelReward(model="local:j/m").score(samples, judge=lambda model, samples: [1.0, 2.0])


# --- sums -------------------------------------------------------------------------------------------------------------


def test_a_sum_is_the_weighted_mean() -> None:
    reward = WeightedSum({ExactMatch(expected="a"): 3, LengthReward(max_words=1): 1})
    assert scores(reward, "a", "b", "a b") == [1.0, 0.25, 0.0]
    assert reward == WeightedSum(
        [
            Weighted(reward=ExactMatch(expected="a"), weight=3),
            Weighted(reward=LengthReward(max_words=1), weight=1),
        ]
    )


def test_a_weight_below_zero_takes_away() -> None:
    reward = WeightedSum({ExactMatch(expected="a"): 1, StringMatch(expected="!"): -3})
    assert scores(reward, "a", "b!") == [0.25, -0.75]


@given(weights=st.lists(st.floats(0.01, 100), min_size=1, max_size=4))
def test_a_sum_of_equal_rewards_is_that_reward(weights: list[float]) -> None:
    part = LengthReward(min_words=2)
    reward = WeightedSum([Weighted(reward=part, weight=weight) for weight in weights])
    assert scores(reward, "a", "a b") == pytest.approx([0.5, 1.0])


@pytest.mark.parametrize("reward", ALL, ids=lambda reward: reward.kind)
def test_a_reward_is_a_value_that_survives_json(reward: AnyReward) -> None:
    nested = WeightedSum({WeightedSum({reward: 2.0}, extract="(.*)"): 0.5, reward: -1.0})
    for before in (reward, nested):
        again = REWARDS.validate_json(REWARDS.dump_json(before))
        assert again == before
        assert hash(again) == hash(before)
        assert type(again) is type(before)


def test_every_kind_is_in_the_union() -> None:
    def below(kind: type[Reward]) -> set[type[Reward]]:
        return {kind} | {lower for child in kind.__subclasses__() for lower in below(child)}

    ours = [kind for kind in below(Reward) if kind.__module__.startswith("tunekit.")]
    kinds = {kind.model_fields["kind"].default for kind in ours if "kind" in kind.model_fields}
    assert kinds == {reward.kind for reward in ALL} | {"weighted_sum"}
    assert len(kinds) == sum("kind" in kind.model_fields for kind in ours)


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "exact"},
        {"expected": "a"},
        {"kind": "exact_match"},
        {"kind": "exact_match", "expected": "a", "expectd": 1},
        {"kind": "weighted_sum", "rewards": [{"reward": {"kind": "exact_match"}, "weight": 1}]},
    ],
)
def test_json_that_is_no_reward_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        REWARDS.validate_python(data)
