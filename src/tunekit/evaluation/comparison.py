"""The tuned model beside the base, on the same rows.

Belongs here: which figures are shown for which rows, and the value that holds them.
Does not belong here: getting the answers (`jobs/`), drawing the comparison (`display/`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from tunekit._plugins import html_view, text_view
from tunekit._value import Value
from tunekit.evaluation.intervals import Score, mean_difference, mean_score
from tunekit.evaluation.metrics import METRICS, MetricName

_FREE_TEXT: tuple[MetricName, ...] = ("token_f1", "exact_match", "rouge_l")
_MAX_LABELS = 50


class Answered(Value):
    """One row with what both models made of it."""

    place: str
    """File and line of the row."""
    expected: str
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

    metric: MetricName
    """The metric that fits the rows best: accuracy for labels, token F1 for other texts."""
    metrics: Mapping[MetricName, Compared]
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
    """The two models beside each other.

    Args:
        answers: At least one row with the answers of both.
        tuned_loss: Loss of the tuned model on the same rows.
        base_loss: Loss of the base model on the same rows.
    """
    labels = _labels(answers)
    names: tuple[MetricName, ...] = ("accuracy",) if labels else _FREE_TEXT
    return Evaluation(
        metric=names[0],
        metrics={name: _compared(name, answers) for name in names},
        rows=len(answers),
        chance=max(labels.values()) / len(answers) if labels else None,
        tuned_loss=tuned_loss,
        base_loss=base_loss,
        examples=_most_different_first(names[0], answers),
    )


def _labels(answers: Sequence[Answered]) -> Counter[str]:
    """How often each expected answer occurs, empty where they are texts rather than labels."""
    counts = Counter(answer.expected.strip() for answer in answers)
    few = len(counts) <= _MAX_LABELS and 2 * len(counts) <= len(answers)
    return counts if few else Counter()


def _compared(name: MetricName, answers: Sequence[Answered]) -> Compared:
    measure = METRICS[name]
    tuned = [measure(answer.expected, answer.tuned) for answer in answers]
    base = [measure(answer.expected, answer.base) for answer in answers]
    return Compared(
        tuned=mean_score(tuned), base=mean_score(base), difference=mean_difference(tuned, base)
    )


def _most_different_first(name: MetricName, answers: Sequence[Answered]) -> tuple[Answered, ...]:
    measure = METRICS[name]

    def difference(answer: Answered) -> float:
        return abs(measure(answer.expected, answer.tuned) - measure(answer.expected, answer.base))

    return tuple(sorted(answers, key=difference, reverse=True))
