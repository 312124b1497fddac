"""Rewards as Vertex AI is told of them: as its five kinds, where a reward is one of them.

Source: https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/tuning/reinforcement-tuning.

Belongs here: from a typed reward to the fields of the API.
Does not belong here: scoring (`tuners/rewards/`), the code that is sent along (`reward_code.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count

from pydantic import JsonValue

from tunekit.backends.vertex.case import Json, without_none
from tunekit.backends.vertex.reward_code import length_code, match_code, python_code
from tunekit.errors import MethodUnsupported
from tunekit.tuners.rewards import (
    AutoraterReward,
    CloudRunReward,
    JsonMatch,
    LengthReward,
    MatchOperation,
    PythonReward,
    Reward,
    RewardModelReward,
    TextMatch,
    WeightedSum,
)

_OPERATIONS: dict[MatchOperation, str] = {
    "contains": "PARTIAL_MATCH",
    "equals": "EXACT_MATCH",
    "regex": "REGEX_CONTAINS",
}
_LEAST, _MOST = -1.0, 1.0
"""Vertex AI clips every reward to this range."""


def reward_config(reward: Reward) -> Json:
    """The fields that tell of a reward.

    Raises:
        MethodUnsupported: Vertex AI cannot give that reward.
    """
    if not isinstance(reward, WeightedSum):
        return {"singleRewardConfig": _single(reward, "reward", sign=1.0)}
    numbers = count(1)
    parts: list[JsonValue] = [
        {
            "weight": abs(weight),
            "rewardConfig": _single(
                part, f"{_kind(part)}_{next(numbers)}", sign=1.0 if weight > 0 else -1.0
            ),
        }
        for part, weight in _leaves(reward, 1.0)
    ]
    return {"compositeRewardConfig": {"weightedRewardConfigs": parts}}


def clipped(reward: Reward) -> bool:
    """Whether a reward gives more or less than Vertex AI takes, and would be clipped."""
    if isinstance(reward, WeightedSum):
        return any(clipped(part.reward) for part in reward.rewards)
    if isinstance(reward, TextMatch | AutoraterReward):
        return not all(_LEAST <= score <= _MOST for score in (reward.correct, reward.wrong))
    return False


def _leaves(reward: WeightedSum, factor: float) -> Iterator[tuple[Reward, float]]:
    """The rewards of a sum, those of inner sums with their share of it."""
    if reward.extract is not None:
        raise _refused(
            reward,
            "taking the answer out for a whole sum",
            "Give `extract` to each of its rewards.",
        )
    for part in reward.rewards:
        weight = factor * part.weight
        if isinstance(part.reward, WeightedSum):
            inner = part.reward
            whole = sum(abs(one.weight) for one in inner.rewards)
            yield from _leaves(inner, weight / whole)
        else:
            yield part.reward, weight


def _kind(reward: Reward) -> str:
    return str(getattr(reward, "kind", "reward"))


def _single(reward: Reward, name: str, *, sign: float) -> Json:
    return {"rewardName": name, **_scorer(reward, sign)}


def _scorer(reward: Reward, sign: float) -> Json:
    match reward:
        case PythonReward():
            return _code(python_code(reward, sign))
        case LengthReward():
            return _code(length_code(reward, sign))
        case TextMatch():
            return _match(reward, sign)
        case AutoraterReward() | CloudRunReward() if sign < 0:
            raise _refused(reward, "a weight below 0", "Let the judge score the opposite.")
        case AutoraterReward():
            return _parsing(reward.extract) | {"autoraterScorer": _autorater(reward)}
        case CloudRunReward():
            return _parsing(reward.extract) | {"cloudRunRewardScorer": {"cloudRunUri": reward.uri}}
        case RewardModelReward():
            raise _refused(
                reward,
                "a reward model of your own",
                "Serve it on Cloud Run (tk.CloudRunReward), or use LocalBackend.",
            )
        case _:
            raise _refused(reward, "this kind of reward", "Write it as a tk.PythonReward.")


def _match(reward: TextMatch, sign: float) -> Json:
    """A match as the API has them; one that ignores letter case as a pattern or as code."""
    operation, expected = reward.expectation()
    if reward.letter_case == "ignored":
        if "{{references." in expected and operation != "regex":
            return _code(match_code(reward, sign))
        expected, operation = _folded(operation, expected), "regex"
    expression: Json = {"matchOperation": _OPERATIONS[operation], "expression": expected}
    scorer: Json = {
        "correctAnswerReward": sign * reward.correct,
        "wrongAnswerReward": sign * reward.wrong,
    }
    if isinstance(reward, JsonMatch):
        scorer["jsonMatchExpression"] = {
            "keyName": reward.key,
            "valueStringMatchExpression": expression,
        }
    else:
        scorer["stringMatchExpression"] = expression
    return _parsing(reward.extract) | {"stringMatchRewardScorer": scorer}


def _folded(operation: MatchOperation, expected: str) -> str:
    if operation == "regex":
        return f"(?i){expected}"
    pattern = re.escape(expected.strip() if operation == "equals" else expected)
    return rf"(?i)^\s*{pattern}\s*$" if operation == "equals" else f"(?i){pattern}"


def _autorater(reward: AutoraterReward) -> Json:
    rater = without_none({"autoraterModel": reward.model, "samplingCount": reward.sampling_count})
    if reward.expected is None:
        scorer: Json = {"parsedResponseConversionScorer": {}}
    else:
        scorer = {
            "exactMatchScorer": {
                "expression": reward.expected,
                "correctAnswerReward": reward.correct,
                "wrongAnswerReward": reward.wrong,
            }
        }
    return (
        without_none(
            {
                "autoraterPrompt": reward.prompt,
                "autoraterConfig": rater or None,
                "autoraterResponseParseConfig": _parse_config(reward.parse),
            }
        )
        | scorer
    )


def _code(snippet: str) -> Json:
    """Code takes the answer out itself, as it does here."""
    return _parsing(None) | {"codeExecutionRewardScorer": {"pythonCodeSnippet": snippet}}


def _parsing(extract: str | None) -> Json:
    return {"parseResponseConfig": _parse_config(extract)}


def _parse_config(pattern: str | None) -> Json:
    if pattern is None:
        return {"parseType": "IDENTITY"}
    return {"parseType": "REGEX_EXTRACT", "regexExtractExpression": pattern}


def _refused(reward: Reward, what: str, hint: str) -> MethodUnsupported:
    return MethodUnsupported(f"Vertex AI has no place for {what}.", hint=hint, place=reward.label)
