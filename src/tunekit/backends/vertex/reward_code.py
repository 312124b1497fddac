"""The Python that Vertex AI runs to score a response: `evaluate(example, response)` around a reward of ours.

The sandbox has the standard library and no internet. What it is handed are the example and the response as JSON with
names in camelCase. Source:
https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/tuning/reinforcement-tuning.

Belongs here: writing that code.
Does not belong here: what a reward means (`tuners/rewards/`).
"""

from __future__ import annotations

from tunekit.tuners.rewards import JsonMatch, LengthReward, PythonReward, TextMatch

_FRAME = """
import json as _json
import re as _re

_EXTRACT = {extract!r}
_SIGN = {sign!r}


def _texts(turn):
    return "".join(part.get("text") or "" for part in (turn or {{}}).get("parts") or ())


def _answer(response):
    if isinstance(response, str):
        return response
    if "candidates" in response:
        response = (response["candidates"] or [{{}}])[0].get("content") or {{}}
    return _texts(response)


def _taken_out(text):
    if _EXTRACT is None:
        return text
    taken = ""
    for match in _re.finditer(_EXTRACT, text):
        taken = match[1 if match.re.groups else 0] or ""
    return taken


def evaluate(example, response):
    turns = [example.get("systemInstruction"), *(example.get("contents") or ())]
    prompt = "\\n".join(_texts(turn) for turn in turns if turn)
    references = dict(example.get("references") or {{}})
    return _SIGN * float(_reward(prompt, _taken_out(_answer(response)), references))
"""

_LENGTH = """
def _reward(prompt, response, references):
    least, most = {least!r}, {most!r}
    words = len(response.split())
    if least is not None and words < least:
        return words / least
    if most is not None and words > most:
        return max(0.0, 2.0 - words / most)
    return 1.0
"""

_MATCH = """
def _reward(prompt, response, references):
    operation, expected, key = {operation!r}, {expected!r}, {key!r}
    if key is not None:
        try:
            value = _json.loads(response)
        except (ValueError, RecursionError):
            return {wrong!r}
        if not isinstance(value, dict) or key not in value:
            return {wrong!r}
        value = value[key]
        response = value if isinstance(value, str) else _json.dumps(value, ensure_ascii=False)
    expected = _re.sub(r"\\{{\\{{references\\.([^{{}}\\s]+)\\}}\\}}", lambda found: references[found[1]], expected)
    response, expected = response.casefold(), expected.casefold()
    fits = response.strip() == expected.strip() if operation == "equals" else expected in response
    return {correct!r} if fits else {wrong!r}
"""


def python_code(reward: PythonReward, sign: float) -> str:
    """A function of the user; it keeps its own name, and may even be called `evaluate`."""
    own = f"{reward.source.rstrip()}\n\n_function = {reward.name}\n"
    call = (
        "\n\ndef _reward(prompt, response, references):\n"
        "    return _function(prompt=prompt, response=response, references=references)\n"
    )
    annotations = "from __future__ import annotations\n\n"
    return annotations + own + call + _FRAME.format(extract=reward.extract, sign=sign)


def length_code(reward: LengthReward, sign: float) -> str:
    """A length, as `LengthReward` scores it."""
    own = _LENGTH.format(least=reward.min_words, most=reward.max_words)
    return own + _FRAME.format(extract=reward.extract, sign=sign)


def match_code(reward: TextMatch, sign: float) -> str:
    """A match that ignores letter case and names references, which no expression of the API can."""
    operation, expected = reward.expectation()
    own = _MATCH.format(
        operation=operation,
        expected=expected,
        key=reward.key if isinstance(reward, JsonMatch) else None,
        correct=reward.correct,
        wrong=reward.wrong,
    )
    return own + _FRAME.format(extract=reward.extract, sign=sign)
