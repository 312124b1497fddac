"""The dry run of a reward: what it gives for one response.

Belongs here: matches of texts, which need nothing but the response.
Does not belong here: rewards that run code, ask a model or call a service. Code that comes over the wire is not run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tunekit.testing.vertex.wire import Json, Refusal

_PLACEHOLDER = re.compile(r"\{\{references\.([^{}\s]+)\}\}")


class _CannotScore(Exception):
    """A reward that gives no number."""


def overall_reward(body: Json) -> Json:
    """The answer to a dry run: the rewards by name, and their weighted mean, each within -1 and 1."""
    weighted = _weighted(body)
    response = "".join(part.get("text", "") for part in body["sampleResponse"].get("parts", []))
    references: Mapping[str, str] = body["example"].get("references", {})
    details: Json = {}
    total, weights = 0.0, 0.0
    for number, (weight, config) in enumerate(weighted):
        name = config.get("rewardName") or f"reward_{number}"
        try:
            reward = max(-1.0, min(1.0, _reward(config, response, references)))
        except _CannotScore as problem:
            details[name] = {"errorStatus": {"code": 3, "message": str(problem)}}
            return {"error": f"{name}: {problem}", "rewardInfoDetails": details}
        details[name] = {"reward": reward}
        total, weights = total + weight * reward, weights + weight
    return {"overallReward": total / weights if weights else 0.0, "rewardInfoDetails": details}


def _weighted(body: Json) -> list[tuple[float, Json]]:
    single, composite = body.get("singleRewardConfig"), body.get("compositeRewardConfig")
    if (single is None) == (composite is None):
        raise Refusal(
            400, "Exactly one of single_reward_config and composite_reward_config must be set."
        )
    if single is not None:
        return [(1.0, single)]
    return [
        (float(item.get("weight", 1.0)), item.get("rewardConfig", {}))
        for item in (composite or {}).get("weightedRewardConfigs", [])
    ]


def _reward(config: Json, response: str, references: Mapping[str, str]) -> float:
    scorer = config.get("stringMatchRewardScorer")
    if scorer is None:
        raise _CannotScore("The emulator scores with stringMatchRewardScorer only.")
    text = _parsed(config.get("parseResponseConfig", {}), response)
    matched = text is not None and _matches(scorer, text, references)
    return float(scorer.get("correctAnswerReward" if matched else "wrongAnswerReward", 0.0))


def _parsed(config: Json, response: str) -> str | None:
    """The part of the response that is scored; the last match of an expression."""
    if config.get("parseType") != "REGEX_EXTRACT":
        return response
    found = list(re.finditer(_compiled(config.get("regexExtractExpression", "")).pattern, response))
    if not found:
        return None
    return found[-1][1] if found[-1].groups() else found[-1][0]


def _matches(scorer: Json, text: str, references: Mapping[str, str]) -> bool:
    if "jsonMatchExpression" in scorer:
        expression = scorer["jsonMatchExpression"]
        try:
            value: Any = json.loads(text)[expression.get("keyName", "")]
        except (ValueError, KeyError, TypeError):
            return False
        written = value if isinstance(value, str) else json.dumps(value)
        return _fits(expression.get("valueStringMatchExpression", {}), written, references)
    return _fits(scorer.get("stringMatchExpression", {}), text, references)


def _fits(match: Json, text: str, references: Mapping[str, str]) -> bool:
    operation = match.get("matchOperation", "MATCH_OPERATION_UNSPECIFIED")

    def filled(found: re.Match[str]) -> str:
        if found[1] not in references:
            raise _CannotScore(f"The example has no reference {found[1]!r}.")
        value = references[found[1]]
        return re.escape(value) if operation == "REGEX_CONTAINS" else value

    expected = _PLACEHOLDER.sub(filled, match.get("expression", ""))
    if operation == "EXACT_MATCH":
        return text.strip() == expected.strip()
    if operation == "PARTIAL_MATCH":
        return expected in text
    if operation == "REGEX_CONTAINS":
        return _compiled(expected).search(text) is not None
    raise _CannotScore("match_operation must be set.")


def _compiled(expression: str) -> re.Pattern[str]:
    try:
        return re.compile(expression)
    except re.error as error:
        raise _CannotScore(f"Invalid expression: {error}.") from None
