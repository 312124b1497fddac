"""From rows and a model that can be asked to an evaluation: tuned beside base.

Belongs here: asking both models the same, and what is compared for which kind of rows.
Does not belong here: the figures (`evaluation/`), the handle (`models.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias

from tunekit.data.dataset import Dataset, Located
from tunekit.data.rows import (
    Conversation,
    Message,
    Preference,
    Prompt,
    PromptCompletion,
    Row,
    asked_of,
)
from tunekit.errors import MethodUnsupported, SettingInvalid
from tunekit.evaluation.comparison import (
    Answered,
    Evaluation,
    Loss,
    compare,
    compare_preferences,
    compare_rewards,
)
from tunekit.jobs.backend import Prediction, PromptLike, Sampling, Scores
from tunekit.tuners.rewards import Sample

EvaluationRows: TypeAlias = (
    Dataset[PromptCompletion] | Dataset[Conversation] | Dataset[Preference] | Dataset[Prompt]
)
"""What a text model can be held against."""


class Asks(Protocol):
    """Asks a model, tuned or as it was before."""

    def __call__(
        self, prompts: Sequence[PromptLike], sampling: Sampling, *, tuned: bool = True
    ) -> list[Prediction]:
        """One answer per prompt, in order."""
        ...


def evaluate_answers(
    ask: Asks, scorer: Scores | None, model_id: str, located: Sequence[Located[Any]]
) -> Evaluation:
    """Hold the answers of both models against those of the rows.

    Args:
        ask: Asks the model.
        scorer: Tells the loss; `None` where the backend cannot.
        model_id: Id of the tuned model.
        located: Rows with answers.
    """
    sampling = Sampling(max_output_tokens=_room(located))
    for item in located:
        _refuse_without_answer(item.row)
    answered = _answered(ask, located, sampling)
    rows = [item.row for item in located]
    return compare(
        answered,
        tuned_loss=_loss(scorer, model_id, rows, tuned=True),
        base_loss=_loss(scorer, model_id, rows, tuned=False),
    )


def evaluate_rewards(
    ask: Asks,
    located: Sequence[Located[Any]],
    sampling: Sampling,
    score: Callable[[Sequence[Sample]], list[float]],
) -> Evaluation:
    """Score the answers of both models with a reward."""
    answered = _answered(ask, located, sampling)
    rewards = {
        tuned: score(
            [
                Sample.of(item.row, answer.tuned if tuned else answer.base)
                for item, answer in zip(located, answered, strict=True)
            ]
        )
        for tuned in (True, False)
    }
    return compare_rewards(answered, tuned=rewards[True], base=rewards[False])


def evaluate_choices(
    scorer: Scores | None, model_id: str, located: Sequence[Located[Any]]
) -> Evaluation:
    """Hold which of two answers each model finds likelier against which one people preferred."""
    if scorer is None:
        raise MethodUnsupported(
            "The backend cannot tell how likely its models find an answer.",
            hint="Evaluate on rows with answers, or with reward=...",
        )
    tuned, base = (_choices(scorer, model_id, located, tuned=side) for side in (True, False))
    return compare_preferences(
        [
            Answered(place=str(item.place), expected=item.row.chosen, tuned=one, base=other)
            for item, one, other in zip(located, tuned, base, strict=True)
        ]
    )


def _answered(ask: Asks, located: Sequence[Located[Any]], sampling: Sampling) -> list[Answered]:
    prompts = [_asked(item.row) for item in located]
    tuned, base = ask(prompts, sampling), ask(prompts, sampling, tuned=False)
    return [
        Answered(
            place=str(item.place),
            expected=item.row.completion_text() or "",
            tuned=of_tuned.text,
            base=of_base.text,
        )
        for item, of_tuned, of_base in zip(located, tuned, base, strict=True)
    ]


def _choices(
    scorer: Scores, model_id: str, located: Sequence[Located[Any]], *, tuned: bool
) -> list[str]:
    """The candidate of each row that a model finds likelier, token by token so that length does not decide."""
    pairs = [_with_answer(item.row, text) for item in located for text in item.row.candidates]
    losses = [loss.nats / loss.tokens for loss in scorer.losses(model_id, pairs, tuned=tuned)]
    return [
        item.row.candidates[0 if first < second else 1]
        for item, first, second in zip(located, losses[::2], losses[1::2], strict=True)
    ]


def _loss(scorer: Scores | None, model_id: str, rows: Sequence[Row], *, tuned: bool) -> Loss | None:
    if scorer is None:
        return None
    losses = scorer.losses(model_id, rows, tuned=tuned)
    tokens = sum(loss.tokens for loss in losses)
    return Loss(nats_per_token=sum(loss.nats for loss in losses) / tokens, tokens=tokens)


def _asked(row: Row) -> PromptLike:
    if not isinstance(row, PromptCompletion | Prompt | Preference | Conversation):
        raise SettingInvalid(
            f"A {type(row).__name__} has no prompt to ask.", hint="Pass rows with prompts."
        )
    return asked_of(row)


def _refuse_without_answer(row: Row) -> None:
    if row.completion_text() is None:
        raise SettingInvalid(
            f"A {type(row).__name__} has no answer to evaluate against.",
            hint="Pass rows with answers, or reward=... to score what the models answer.",
        )


def _with_answer(row: Preference, answer: str) -> PromptCompletion | Conversation:
    """A row that has one of the two candidates as its answer."""
    if isinstance(row.prompt, str):
        return PromptCompletion(prompt=row.prompt, completion=answer)
    return Conversation(messages=(*row.prompt, Message(role="model", content=answer)))


def _room(located: Sequence[Located[Any]]) -> int:
    """Tokens for an answer: a token is at least a byte, so cutting never costs a match."""
    longest = max(len((item.row.completion_text() or "").encode()) for item in located)
    return longest + 8
