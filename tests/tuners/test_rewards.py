"""Rewards: what each gives, what it refuses, and what a try-out says about it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

import tunekit as tk
from tunekit.tuners.rewards import (
    AnyReward,
    ExactMatch,
    JsonMatch,
    LengthReward,
    PythonReward,
    RegexMatch,
    Reward,
    RewardModelReward,
    Sample,
    StringMatch,
    Weighted,
    WeightedSum,
)

REWARDS: TypeAdapter[AnyReward] = TypeAdapter(AnyReward)
LIMIT = 5


def short(prompt: str, response: str, references: Mapping[str, Any]) -> float:
    """A reward that stands on its own, annotations from elsewhere included."""
    import math

    most: Sequence[int] = [references.get("most", 10)]
    return math.exp(-len(response) / most[0]) if prompt else 0.0


def scores(reward: Reward, *responses: str, **references: Any) -> list[float]:
    """What a reward gives to responses to one prompt."""
    return reward.score(
        [Sample(prompt="why?", response=r, references=references) for r in responses]
    )


def python(body: str, **settings: Any) -> PythonReward:
    """A reward whose function has this body."""
    return PythonReward(source=f"def mine(prompt, response, references):\n    {body}\n", **settings)


ALL: list[AnyReward] = [
    ExactMatch(expected="{{references.answer}}", correct=2, letter_case="ignored"),
    StringMatch(expected="yes", operation="regex"),
    RegexMatch(pattern=r"^\d+$", wrong=-1.0, extract=r"<answer>(.*?)</answer>"),
    JsonMatch(key="team", expected="{{references.team}}"),
    LengthReward(min_words=3),
    PythonReward(short),
    RewardModelReward(model="local:job/reward_model"),
]


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


# --- functions --------------------------------------------------------------------------------------------------------


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


# --- trying out -------------------------------------------------------------------------------------------------------

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
