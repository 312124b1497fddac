"""Metrics against their definitions and against an independent implementation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from tunekit.evaluation.comparison import Answered, Loss, compare
from tunekit.evaluation.intervals import mean_difference, mean_score
from tunekit.evaluation.metrics import accuracy, exact_match, rouge_l, token_f1

WORDS = st.lists(
    st.sampled_from(["the", "cat", "sat", "on", "a", "mat", "and", "42", "dogs", "ran"]),
    max_size=12,
).map(" ".join)


@pytest.mark.parametrize(
    ("expected", "answer", "value"),
    [("billing", " Billing\n", 1), ("billing", "billing team", 0), ("a b", "a  b", 1)],
)
def test_accuracy_forgives_case_and_spacing_only(expected: str, answer: str, value: float) -> None:
    assert accuracy(expected, answer) == value


@pytest.mark.parametrize(
    ("expected", "answer", "value"),
    [("The Last Glacial Maximum.", "last glacial maximum", 1), ("911", "in 911", 0)],
)
def test_exact_match_normalises_like_squad(expected: str, answer: str, value: float) -> None:
    assert exact_match(expected, answer) == value


def test_token_f1_is_the_harmonic_mean() -> None:
    assert token_f1("red green blue", "red green") == pytest.approx(2 * 1 * (2 / 3) / (1 + 2 / 3))
    assert token_f1("red", "blue") == 0
    assert token_f1("", "") == 1


@given(WORDS, WORDS)
def test_rouge_l_agrees_with_the_reference_implementation(expected: str, answer: str) -> None:
    reference = (
        RougeScorer(["rougeL"], use_stemmer=False).score(expected, answer)["rougeL"].fmeasure
    )
    assert rouge_l(expected, answer) == pytest.approx(reference)


def test_wilson_intervals_are_right() -> None:
    score = mean_score([1.0] * 8 + [0.0] * 2)
    assert score.value == 0.8
    assert score.low == pytest.approx(0.4902, abs=1e-3)
    assert score.high == pytest.approx(0.9433, abs=1e-3)


@pytest.mark.parametrize("values", [[1.0] * 5, [0.0] * 5, [1.0]])
def test_intervals_stay_within_bounds(values: list[float]) -> None:
    score = mean_score(values)
    assert 0 <= score.low <= score.value <= score.high <= 1


def test_bootstrap_intervals_hold_the_mean() -> None:
    values = [n / 100 for n in range(101)]
    score = mean_score(values)
    assert score.value == pytest.approx(0.5)
    assert 0.42 < score.low < 0.46
    assert 0.54 < score.high < 0.58


def test_a_paired_difference_knows_the_sign() -> None:
    better = mean_difference([1.0] * 30, [0.0] * 15 + [1.0] * 15)
    assert better.value == 0.5
    assert better.low > 0
    equal = mean_difference([0.0, 1.0] * 15, [1.0, 0.0] * 15)
    assert equal.low < 0 < equal.high


def answers(expected: list[str], tuned: list[str], base: list[str]) -> list[Answered]:
    """Rows with both answers."""
    rows = zip(expected, tuned, base, strict=True)
    return [
        Answered(place=f"row {n}", expected=e, tuned=t, base=b)
        for n, (e, t, b) in enumerate(rows, 1)
    ]


def test_labels_are_compared_by_accuracy_with_chance_beside() -> None:
    expected = ["a", "a", "a", "b"] * 5
    evaluation = compare(answers(expected, expected, ["a"] * 20))
    assert evaluation.metric == "accuracy"
    assert (evaluation.tuned.value, evaluation.base.value, evaluation.chance) == (1, 0.75, 0.75)
    assert evaluation.better
    assert evaluation.examples[0].expected == "b"


def test_texts_are_compared_by_what_they_share() -> None:
    expected = [f"the answer is number {n}" for n in range(10)]
    evaluation = compare(answers(expected, expected, ["no"] * 10))
    assert list(evaluation.metrics) == ["token_f1", "exact_match", "rouge_l"]
    assert evaluation.chance is None


def test_no_difference_is_not_called_better() -> None:
    same = ["a", "b"] * 10
    assert not compare(answers(same, same, same)).better


def test_perplexity_is_the_exponential_of_the_loss() -> None:
    assert Loss(nats_per_token=0.0, tokens=3).perplexity == 1
    assert Loss(nats_per_token=1e9, tokens=3).perplexity > 1e300
