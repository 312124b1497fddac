"""The tuned model beside the base, on the same rows.

Belongs here: which figures are shown for which rows, and the value that holds them.
Does not belong here: getting the answers (`jobs/`), drawing the comparison (`display/`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from tunekit._plugins import html_view, text_view
from tunekit._value import Value
from tunekit.evaluation.intervals import Score, mean_amount, mean_difference, mean_score
from tunekit.evaluation.metrics import METRICS, MetricName

_FREE_TEXT: tuple[MetricName, ...] = ("token_f1", "exact_match", "rouge_l")
_MAX_LABELS = 50


FigureName: TypeAlias = MetricName | Literal["preference_accuracy", "reward", "win_rate", "words"]
"""What an evaluation may show: metrics of answers, choices between given answers, or rewards with their length."""


class Answered(Value):
    """One row with what both models made of it."""

    place: str
    """File and line of the row."""
    expected: str
    """The right or preferred answer; empty where answers are scored rather than compared."""
    tuned: str
    base: str


class Loss(Value):
    """How surprised a model is by the expected answers."""

    nats_per_token: float
    """Mean negative log-likelihood of an answer's token."""
    tokens: int
    """Answer tokens over which the mean goes."""

    @property
    def perplexity(self) -> float:
        """`exp` of the loss: 1 is perfect, the size of the vocabulary is blind guessing."""
        return math.exp(min(self.nats_per_token, 700.0))


class Compared(Value):
    """One metric for both models."""

    tuned: Score
    base: Score
    difference: Score
    """Tuned minus base, row by row."""


class Evaluation(Value):
    """The tuned model beside the base on the same rows."""

    metric: FigureName
    """The metric that fits the rows best: accuracy for labels, token F1 for other texts."""
    metrics: Mapping[FigureName, Compared]
    """Every metric, the one that fits best first."""
    rows: int
    """Rows that were evaluated."""
    chance: float | None
    """Share of the most frequent label: what always answering it would score. `None` for texts that are no labels."""
    tuned_loss: Loss | None
    """Loss on the expected answers; `None` where the backend cannot tell."""
    base_loss: Loss | None
    examples: tuple[Answered, ...]
    """Every row, those on which the two models differ most first."""

    @property
    def tuned(self) -> Score:
        """The tuned model in the metric that fits best."""
        return self.metrics[self.metric].tuned

    @property
    def base(self) -> Score:
        """The base model in the metric that fits best."""
        return self.metrics[self.metric].base

    @property
    def difference(self) -> Score:
        """Tuned minus base in the metric that fits best."""
        return self.metrics[self.metric].difference

    @property
    def better(self) -> bool:
        """Whether the tuned model is better beyond chance: the whole interval of the difference is above 0."""
        return self.difference.low > 0

    def __str__(self) -> str:
        return text_view(self)

    def _repr_html_(self) -> str:
        return html_view(self)


def compare(
    answers: Sequence[Answered],
    *,
    tuned_loss: Loss | None = None,
    base_loss: Loss | None = None,
) -> Evaluation:
    """The answers of the two models beside each other, held against the expected ones.

    Args:
        answers: At least one row with the answers of both.
        tuned_loss: Loss of the tuned model on the same rows.
        base_loss: Loss of the base model on the same rows.
    """
    labels = _labels(answers)
    names: tuple[MetricName, ...] = ("accuracy",) if labels else _FREE_TEXT
    measured: dict[FigureName, tuple[list[float], list[float]]] = {
        name: (
            [METRICS[name](answer.expected, answer.tuned) for answer in answers],
            [METRICS[name](answer.expected, answer.base) for answer in answers],
        )
        for name in names
    }
    return _evaluation(
        answers,
        measured,
        chance=max(labels.values()) / len(answers) if labels else None,
        losses=(tuned_loss, base_loss),
    )


def compare_preferences(answers: Sequence[Answered]) -> Evaluation:
    """How often each model finds the preferred one of two answers likelier.

    Args:
        answers: At least one row; the expected answer is the preferred one, and each model's the one it finds likelier.
    """
    right = METRICS["exact_match"]
    tuned = [right(answer.expected, answer.tuned) for answer in answers]
    base = [right(answer.expected, answer.base) for answer in answers]
    return _evaluation(answers, {"preference_accuracy": (tuned, base)}, chance=0.5)


def compare_rewards(
    answers: Sequence[Answered], *, tuned: Sequence[float], base: Sequence[float]
) -> Evaluation:
    """The rewards of the two models' answers, how often each has the higher one, and how long the answers are.

    Args:
        answers: At least one row with the answers of both.
        tuned: Reward of each answer of the tuned model.
        base: Reward of each answer of the base model.
    """
    pairs = list(zip(tuned, base, strict=True))
    wins = [_win(one, other) for one, other in pairs]
    measured: dict[FigureName, tuple[list[float], list[float]]] = {
        "reward": (list(tuned), list(base)),
        "win_rate": (wins, [1.0 - win for win in wins]),
        "words": (
            [float(len(answer.tuned.split())) for answer in answers],
            [float(len(answer.base.split())) for answer in answers],
        ),
    }
    return _evaluation(answers, measured, chance=None)


def _win(one: float, other: float) -> float:
    """1 for a higher reward, and half for the same."""
    return 0.5 if one == other else float(one > other)


def _evaluation(
    answers: Sequence[Answered],
    measured: Mapping[FigureName, tuple[list[float], list[float]]],
    *,
    chance: float | None,
    losses: tuple[Loss | None, Loss | None] = (None, None),
) -> Evaluation:
    """An evaluation from the figures of each row, tuned and base; the first metric is the one that fits best."""
    first, (tuned, base) = next(iter(measured.items()))
    order = sorted(range(len(answers)), key=lambda index: -abs(tuned[index] - base[index]))
    return Evaluation(
        metric=first,
        metrics={name: _compared(name, *values) for name, values in measured.items()},
        rows=len(answers),
        chance=chance,
        tuned_loss=losses[0],
        base_loss=losses[1],
        examples=tuple(answers[index] for index in order),
    )


def _compared(name: FigureName, tuned: Sequence[float], base: Sequence[float]) -> Compared:
    mean = mean_amount if name == "words" else mean_score
    return Compared(tuned=mean(tuned), base=mean(base), difference=mean_difference(tuned, base))


def _labels(answers: Sequence[Answered]) -> Counter[str]:
    """How often each expected answer occurs, empty where they are texts rather than labels."""
    counts = Counter(answer.expected.strip() for answer in answers)
    few = len(counts) <= _MAX_LABELS and 2 * len(counts) <= len(answers)
    return counts if few else Counter()
