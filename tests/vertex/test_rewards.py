"""The code that is sent to score answers scores as the reward does here."""

from __future__ import annotations

import json
from typing import Any

import pytest

import tunekit as tk
from tunekit.backends.vertex.rewards import clipped, reward_config
from tunekit.data.rows import Message
from tunekit.tuners.rewards import Sample


def counting(prompt, response, references):  # type: ignore[no-untyped-def]
    """Something that looks at everything."""
    import math

    return math.sqrt(len(response)) + (references["answer"] in response) - prompt.count("\n")


def evaluate(prompt, response, references):  # type: ignore[no-untyped-def]
    """A function with the name that the API wants."""
    return len(response) / 10


SAMPLES = [
    Sample(prompt=prompt, response=response, references={"answer": "Rome"})
    for prompt in (
        "Where?",
        (Message(role="system", content="Be brief."), Message(role="user", content="Where?")),
    )
    for response in ("rome", " ROME ", "In Rome, of course.", "", '{"city": "ROME"}', "no " * 9)
]
CODED = {
    "a function": tk.PythonReward(counting),
    "a function with a pattern": tk.PythonReward(counting, extract=r"R(\w+)"),
    "a function called evaluate": tk.PythonReward(evaluate),
    "a length": tk.LengthReward(min_words=2, max_words=4),
    "equal, whatever the case": tk.ExactMatch(
        expected="{{references.answer}}", letter_case="ignored", wrong=-0.5
    ),
    "contained, whatever the case": tk.StringMatch(
        expected="{{references.answer}}", letter_case="ignored"
    ),
    "a field, whatever the case": tk.JsonMatch(
        key="city", expected="{{references.answer}}", letter_case="ignored"
    ),
}


def served(code: str, sample: Sample, *, wrapped: bool) -> float:
    """The score that the sandbox of Vertex AI would give."""
    turns = (
        [Message(role="user", content=sample.prompt)]
        if isinstance(sample.prompt, str)
        else list(sample.prompt)
    )
    example: dict[str, Any] = {
        "contents": [
            {"role": turn.role, "parts": [{"text": turn.text}]}
            for turn in turns
            if turn.role != "system"
        ],
        "references": dict(sample.references),
    }
    for turn in turns:
        if turn.role == "system":
            example["systemInstruction"] = {"parts": [{"text": turn.text}]}
    content: dict[str, Any] = {"role": "model", "parts": [{"text": sample.response}]}
    space: dict[str, Any] = {}
    exec(code, space)
    return float(
        space["evaluate"](example, {"candidates": [{"content": content}]} if wrapped else content)
    )


@pytest.mark.parametrize("name", CODED)
def test_code_that_is_sent_scores_as_the_reward_does_here(name: str) -> None:
    reward = CODED[name]
    single: Any = reward_config(reward)["singleRewardConfig"]
    code = single["codeExecutionRewardScorer"]["pythonCodeSnippet"]
    here = reward.score(SAMPLES)
    assert len(set(here)) > 1
    for wrapped in (False, True):
        there = [served(code, sample, wrapped=wrapped) for sample in SAMPLES]
        assert there == pytest.approx(here)


def test_a_weight_below_zero_turns_the_sign() -> None:
    weights = {tk.LengthReward(max_words=2): -1.0, tk.ExactMatch(expected="a"): -2.0}
    config: Any = reward_config(tk.WeightedSum(weights))["compositeRewardConfig"]
    length, match = config["weightedRewardConfigs"]
    assert (length["weight"], match["weight"]) == (1.0, 2.0)
    code = length["rewardConfig"]["codeExecutionRewardScorer"]["pythonCodeSnippet"]
    assert served(code, SAMPLES[0], wrapped=False) == -1.0
    scorer = match["rewardConfig"]["stringMatchRewardScorer"]
    assert scorer["correctAnswerReward"] == -1.0


def test_sums_inside_sums_keep_their_shares() -> None:
    inner = tk.WeightedSum({tk.ExactMatch(expected="a"): 3.0, tk.ExactMatch(expected="b"): 1.0})
    outer = tk.WeightedSum({inner: 2.0, tk.ExactMatch(expected="c"): 2.0})
    config: Any = reward_config(outer)["compositeRewardConfig"]
    assert [part["weight"] for part in config["weightedRewardConfigs"]] == [1.5, 0.5, 2.0]
    names = [part["rewardConfig"]["rewardName"] for part in config["weightedRewardConfigs"]]
    assert len(set(names)) == 3


@pytest.mark.parametrize(
    ("reward", "expected"),
    [
        (tk.ExactMatch(expected="a.b", letter_case="ignored"), r"(?i)^\s*a\.b\s*$"),
        (tk.StringMatch(expected="a.b", letter_case="ignored"), r"(?i)a\.b"),
        (tk.RegexMatch(pattern="a.b", letter_case="ignored"), "(?i)a.b"),
    ],
)
def test_letter_case_is_ignored_by_a_pattern(reward: tk.Reward, expected: str) -> None:
    assert (
        expected
        in json.loads(json.dumps(reward_config(reward)))["singleRewardConfig"][
            "stringMatchRewardScorer"
        ]["stringMatchExpression"].values()
    )


def test_what_would_be_clipped_is_known() -> None:
    assert clipped(tk.ExactMatch(expected="a", correct=2.0))
    assert clipped(tk.WeightedSum({tk.ExactMatch(expected="a", wrong=-2.0): 1.0}))
    assert not clipped(tk.ExactMatch(expected="a"))


@pytest.mark.parametrize(
    "reward",
    [tk.AutoraterReward(prompt="{{response}}"), tk.CloudRunReward(uri="https://a.run.app")],
)
def test_a_reward_of_the_provider_cannot_be_given_here(reward: tk.Reward) -> None:
    with pytest.raises(tk.MethodUnsupported, match="on=backend"):
        reward.try_on("?", ["!"])


def test_a_reward_can_be_tried_where_it_will_be_given() -> None:
    class Elsewhere:
        def score_reward(self, reward: tk.Reward, samples: Any) -> list[float]:
            return [float(len(sample.response)) for sample in samples]

    reward = tk.CloudRunReward(uri="https://a.run.app")
    assert reward.try_on("?", ["a", "bb"], on=Elsewhere()).scores == (1.0, 2.0)
