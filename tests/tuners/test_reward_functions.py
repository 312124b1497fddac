"""Rewards that are Python functions: what travels with them, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

import tunekit as tk
from reward_cases import REWARDS, python, scores, short
from tunekit.tuners.rewards import (
    ExactMatch,
    PythonReward,
    Sample,
    WeightedSum,
)

LIMIT = 5


def test_a_function_goes_into_another_process_as_text() -> None:
    reward = PythonReward(short)
    assert reward.name == "short"
    before = scores(reward, "four", most=4)
    assert before == [pytest.approx(0.36787944)]
    code = (
        "import sys, json\n"
        "from tunekit.tuners.rewards import PythonReward, Sample\n"
        "reward = PythonReward.model_validate_json(sys.stdin.read())\n"
        "print(reward.score([Sample(prompt='why?', response='four', references={'most': 4})]))\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=reward.model_dump_json(),
        capture_output=True,
        text=True,
        check=True,
    )
    told, loaded = done.stdout.splitlines()
    assert json.loads(told) == before
    assert not {"torch", "numpy", "transformers"} & set(loaded.split())


def test_a_function_inside_another_keeps_the_texts_that_it_holds() -> None:
    def marked(prompt: str, response: str, references: Any) -> float:
        expected = """a
        b"""
        return float(response == expected)

    assert scores(PythonReward(marked), "a\n        b", "a\nb") == [1.0, 0.0]


def test_functions_inside_may_use_each_other_and_python_s_own_names() -> None:
    reward = python(
        "import re; from math import sqrt as root; words: int = len(re.findall('o', response))\n"
        "    def half(n: Nowhere) -> Nothing: return n / 2\n"
        "    class Box:\n"
        "        size = words\n"
        "        twice = size * 2\n"
        "    return half(Box.twice) + sum(w for w in [root(4)]) if words else mine(prompt, 'o', references)"
    )
    assert scores(reward, "foo", "bar") == [4.0, 3.0]


def closure() -> Any:
    bonus = 2.0

    def with_bonus(prompt: str, response: str, references: Any) -> float:
        return bonus

    return with_bonus


def with_globals(prompt: str, response: str, references: Any) -> float:
    return float(len(response) > LIMIT and json.loads(response))


def with_default(prompt: str, response: str, references: Any = LIMIT) -> float:
    return 0.0


def with_state(prompt: str, response: str, references: Any) -> float:
    global LIMIT  # noqa: PLW0603
    LIMIT = 3
    return 0.0


def of_two(prompt: str, response: str) -> float:
    return 0.0


async def later(prompt: str, response: str, references: Any) -> float:
    return 0.0


class Scorer:
    def reward(self, prompt: str, response: str, references: Any) -> float:
        return 0.0

    __call__ = reward


NAMESPACE: dict[str, Any] = {}
exec("def unwritten(prompt, response, references): return 0.0", NAMESPACE)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda prompt, response, references: 1.0, "is a lambda"),
        (closure(), "is a closure over 'bonus'"),
        (Scorer().reward, "is a method"),
        (Scorer(), "is a Scorer"),
        (len, "is a builtin_function_or_method"),
        (with_globals, "uses 'LIMIT' and 'json' from outside"),
        (with_default, "uses 'LIMIT' from outside"),
        (with_state, "uses 'LIMIT' from outside"),
        (of_two, "takes (prompt, response), not"),
        (later, "not one plain function"),
        (NAMESPACE["unwritten"], "cannot be had"),
    ],
)
def test_a_function_that_would_not_run_elsewhere_is_refused(function: Any, told: str) -> None:
    with pytest.raises(tk.SettingInvalid) as caught:
        PythonReward(function)
    assert told in str(caught.value)
    assert str(caught.value).startswith("PythonReward: ")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def f(", "not Python"),
        ("x = 1", "not one plain function"),
        ("import re\ndef f(prompt, response, references): return 0.0", "not one plain function"),
        ("def f(*args): return 0.0", "takes (args), not"),
        ("def f(prompt, response, references): await response", "not Python"),
        ("@cache\ndef f(prompt, response, references): return 0.0", "has a decorator"),
        ("def g(prompt, response, references): return 0.0", "defines 'g', not 'f'"),
    ],
)
def test_a_source_that_would_not_run_is_refused(source: str, told: str) -> None:
    with pytest.raises(tk.SettingInvalid) as caught:
        PythonReward(source=source, name="f")
    assert told in str(caught.value)
    assert "PythonReward" in str(caught.value)
    with pytest.raises(ValidationError):
        REWARDS.validate_python({"kind": "python", "source": source, "name": "f"})


def test_a_name_that_only_a_notebook_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.display", print, raising=False)
    with pytest.raises(tk.SettingInvalid, match="uses 'display'"):
        python("display(response); return 0.0")


def test_a_function_or_a_source_is_needed_and_not_both() -> None:
    with pytest.raises(tk.SettingInvalid):
        PythonReward()
    with pytest.raises(tk.SettingInvalid):
        PythonReward(short, source="def short(prompt, response, references): return 0.0")


def test_reading_a_recipe_runs_nothing_of_it() -> None:
    source = "def f(prompt, response, references=print('run')): return 1 / 0"
    assert PythonReward(source=source).name == "f"


@pytest.mark.parametrize(
    ("body", "score"),
    [
        ("return True", 1.0),
        ("return 3", 3.0),
        ("from fractions import Fraction; return Fraction(1, 2)", 0.5),
    ],
)
def test_every_number_will_do(body: str, score: float) -> None:
    (given,) = scores(python(body), "a")
    assert (given, type(given)) == (score, float)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return float('nan')", "The score of sample 2 is nan, a float."),
        ("return float('inf')", "The score of sample 2 is inf, a float."),
        ("return 10 ** 400", "The score of sample 2 is "),
        ("return None", "The score of sample 2 is None, a NoneType."),
        ("return 'much'", "The score of sample 2 is 'much', a str."),
        ("return [0.5]", "The score of sample 2 is [0.5], a list."),
        ("raise KeyError('no such key')", "It raised KeyError (\"'no such key'\") for sample 2."),
        ("return 1 / 0", "It raised ZeroDivisionError ('division by zero') for sample 2."),
    ],
)
def test_what_is_no_finite_number_is_an_error_that_names_reward_and_sample(
    body: str, told: str
) -> None:
    reward = python(f"if response == 'good': return 1.0\n    {body}")
    with pytest.raises(tk.SettingInvalid) as caught:
        scores(reward, "good", "bad")
    assert str(caught.value).startswith(f"PythonReward 'mine': {told}")


@pytest.mark.parametrize("body", ["return response", "raise ValueError(response)"])
def test_errors_hold_no_more_of_a_row_than_an_excerpt(body: str) -> None:
    secret = "a very long text that nobody should read in a log file " * 5
    with pytest.raises(tk.SettingInvalid) as caught:
        scores(python(body), secret)
    assert "nobody should read in a log" not in str(caught.value)


def test_a_function_cannot_change_the_references_of_others() -> None:
    reward = WeightedSum(
        {python("references.clear(); return 0"): 1, ExactMatch(expected="{{references.a}}"): 1}
    )
    assert scores(reward, "b", a="b") == [0.5]


def test_a_function_gets_the_prompt_as_text() -> None:
    turns = (tk.Message(role="system", content="Be kind."), tk.Message(role="user", content="Hi."))
    reward = python("return float(prompt == 'Be kind.\\nHi.')")
    assert reward.score([Sample(prompt=turns, response="Hello.")]) == [1.0]
