"""Tuned models: the handles to ask, evaluate and remove what a job has made.

Belongs here: what a user does with a tuned model, whatever the backend.
Does not belong here: running a model (`backends/`), metrics (`evaluation/`).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Any

from tunekit._plugins import html_view, plugged_in
from tunekit._text import either, excerpt
from tunekit.data.dataset import Dataset, Located
from tunekit.data.rows import (
    Conversation,
    Message,
    Preference,
    PromptCompletion,
    Row,
    opening_text,
)
from tunekit.errors import MethodUnsupported, SettingInvalid
from tunekit.evaluation.comparison import (
    Answered,
    Evaluation,
    Loss,
    compare,
    compare_preferences,
)
from tunekit.jobs.backend import (
    Backend,
    KeepsModels,
    Prediction,
    Predicts,
    PromptLike,
    RowLoss,
    Sampling,
    Scores,
)
from tunekit.jobs.clock import Clock
from tunekit.jobs.record import ModelRecord
from tunekit.jobs.retries import persistently

GROUP = "tunekit.models"
"""Entry points that give a model handle, by the kind of model."""


class PromptShapeWarning(UserWarning):
    """A prompt departs from the shape of the prompts that the model was tuned on."""


class TunedModel:
    """A tuned model. Get one from `job.result()` or `client.model(id)`."""

    def __init__(self, backend: Backend, record: ModelRecord, clock: Clock) -> None:
        self._backend = backend
        self._record = record
        self._clock = clock

    @property
    def id(self) -> str:
        """Plain string that `Client.model` takes, in any process."""
        return self._record.id

    @property
    def record(self) -> ModelRecord:
        """All that is known about it."""
        return self._record

    def delete(self) -> None:
        """Remove the weights. The record of the job stays.

        Raises:
            MethodUnsupported: The backend keeps no models.
        """
        if not isinstance(self._backend, KeepsModels):
            raise MethodUnsupported(
                f"The backend {self._backend.name!r} keeps no models.",
                hint="There is nothing to do.",
            )
        self._backend.delete_model(self.id)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id!r} from {self._record.base_model!r}>"

    def _repr_html_(self) -> str:
        return html_view(self._record)


class TextModel(TunedModel):
    """A tuned model that answers in text."""

    def predict(
        self,
        prompt: PromptLike,
        *,
        temperature: float = 0.0,
        max_output_tokens: int = 256,
        top_p: float | None = None,
        top_k: int | None = None,
        seed: int | None = None,
    ) -> Prediction:
        """Answer one prompt.

        Warns with `PromptShapeWarning` when the prompt departs from the shape of the prompts that the model was tuned
        on, since it then answers worse than it was measured to.

        Args:
            prompt: A text, or the turns so far, ending with the user.
            temperature: 0 always takes the likeliest token, up to 2 is more varied.
            max_output_tokens: Where to cut an answer that does not end, in tokens, at least 1.
            top_p: Draw from the likeliest tokens that together have this probability, above 0 and at most 1.
            top_k: Draw from this many likeliest tokens, at least 1.
            seed: Makes the draw repeatable. `None` draws anew each time.

        Raises:
            MethodUnsupported: The backend cannot ask its models.
            ModelNotFound: The weights are gone.
        """
        sampling = Sampling(
            temperature=temperature,
            max_output_tokens=max_output_tokens,
            top_p=top_p,
            top_k=top_k,
            seed=seed,
        )
        return self._answers([prompt], sampling)[0]

    def predict_many(
        self,
        prompts: Iterable[PromptLike],
        *,
        temperature: float = 0.0,
        max_output_tokens: int = 256,
        top_p: float | None = None,
        top_k: int | None = None,
        seed: int | None = None,
    ) -> list[Prediction]:
        """Answer several prompts, in order; the arguments are those of `predict`."""
        sampling = Sampling(
            temperature=temperature,
            max_output_tokens=max_output_tokens,
            top_p=top_p,
            top_k=top_k,
            seed=seed,
        )
        return self._answers(list(prompts), sampling)

    def evaluate(
        self,
        rows: Dataset[PromptCompletion] | Dataset[Conversation] | Dataset[Preference],
        *,
        max_rows: int | None = None,
    ) -> Evaluation:
        """Hold the tuned and the base model against the rows.

        Rows with answers: both models answer every row at temperature 0. Labels are compared by accuracy, other texts by
        token F1, exact match and ROUGE-L. `Preference` rows: how often each model finds the tokens of the preferred
        answer likelier, on average, than those of the other one. Every figure has a 95 % interval.

        Args:
            rows: Rows that were not trained on.
            max_rows: Take only the first so many. `None` takes all.

        Raises:
            DatasetInvalid: A line is not a row.
            SettingInvalid: There is no row.
            MethodUnsupported: The backend cannot ask its models.
        """
        located = self._located(rows, max_rows)
        if isinstance(located[0].row, Preference):
            return self._evaluated_choices(located)
        prompts = [_asked(item.row) for item in located]
        sampling = Sampling(max_output_tokens=_room(located))
        tuned = self._answers(prompts, sampling)
        base = self._answers(prompts, sampling, tuned=False)
        answers = [
            Answered(
                place=str(item.place),
                expected=item.row.completion_text() or "",
                tuned=of_tuned.text,
                base=of_base.text,
            )
            for item, of_tuned, of_base in zip(located, tuned, base, strict=True)
        ]
        examples = [item.row for item in located]
        return compare(
            answers,
            tuned_loss=self._loss(examples, tuned=True),
            base_loss=self._loss(examples, tuned=False),
        )

    def _evaluated_choices(self, located: Sequence[Located[Any]]) -> Evaluation:
        tuned, base = (self._choices(located, tuned=side) for side in (True, False))
        return compare_preferences(
            [
                Answered(place=str(item.place), expected=item.row.chosen, tuned=one, base=other)
                for item, one, other in zip(located, tuned, base, strict=True)
            ]
        )

    def _choices(self, located: Sequence[Located[Any]], *, tuned: bool) -> list[str]:
        """The candidate of each row that a model finds likelier, token by token so that length does not decide."""
        backend = self._backend
        if not isinstance(backend, Scores):
            raise MethodUnsupported(
                f"The backend {backend.name!r} cannot tell how likely its models find an answer.",
                hint="Evaluate on rows with answers.",
            )
        pairs = [_with_answer(item.row, text) for item in located for text in item.row.candidates]
        found = backend.losses(self.id, pairs, tuned=tuned)
        losses = [loss.nats / loss.tokens for loss in found]
        first, second = losses[::2], losses[1::2]
        return [
            item.row.candidates[0 if one < other else 1]
            for item, one, other in zip(located, first, second, strict=True)
        ]

    def _located(self, rows: Dataset[Any], max_rows: int | None) -> list[Located[Any]]:
        located = list(islice(rows.located(), max_rows))
        if not located:
            raise SettingInvalid("There is no row to evaluate on.", hint="Pass at least one row.")
        return located

    def _answers(
        self, prompts: Sequence[PromptLike], sampling: Sampling, *, tuned: bool = True
    ) -> list[Prediction]:
        backend = self._backend
        if not isinstance(backend, Predicts):
            raise MethodUnsupported(
                f"The backend {backend.name!r} cannot ask its models.",
                hint="Use the model where it was deployed, or tune on another backend.",
            )
        for prompt in prompts if tuned else ():
            self._warn_of_departures(prompt)
        call = lambda: backend.predict(self.id, prompts, sampling, tuned=tuned)  # noqa: E731
        return list(persistently(call, self._clock))

    def _loss(self, rows: Sequence[Row], *, tuned: bool) -> Loss | None:
        backend = self._backend
        if not isinstance(backend, Scores):
            return None
        losses: Sequence[RowLoss] = backend.losses(self.id, rows, tuned=tuned)
        tokens = sum(loss.tokens for loss in losses)
        return Loss(nats_per_token=sum(loss.nats for loss in losses) / tokens, tokens=tokens)

    def _warn_of_departures(self, prompt: PromptLike) -> None:
        template = self._record.template
        if template is None:
            return
        text = prompt if isinstance(prompt, str) else opening_text(tuple(prompt))
        departures = template.departures(text)
        if departures:
            warnings.warn(
                f"The prompt departs from the shape that {self.id!r} was tuned on: "
                f"{departures[0].kind.replace('-', ' ')} {excerpt(departures[0].fragment)}. "
                f"Write it as {template.pattern!r}.",
                PromptShapeWarning,
                stacklevel=4,
            )


_OWN: Mapping[str, type[TunedModel]] = MappingProxyType({"text": TextModel})


def model_handle(backend: Backend, record: ModelRecord, clock: Clock) -> Any:
    """The handle for a model, by its kind."""
    if record.kind in _OWN:
        return _OWN[record.kind](backend, record, clock)
    outside = plugged_in(GROUP)
    if record.kind in outside:
        return outside[record.kind].load()(backend, record, clock)
    kinds = (*_OWN, *outside)
    raise MethodUnsupported(
        f"There is no handle for a model of the kind {record.kind!r}; known are {either(kinds)}.",
        hint=f"Install the package that brings it, as an entry point of {GROUP!r}.",
    )


def _asked(row: Row) -> PromptLike:
    match row:
        case PromptCompletion(prompt=prompt):
            return prompt
        case Conversation(messages=messages):
            return tuple[Message, ...](messages[:-1])
        case _:
            raise SettingInvalid(
                f"A {type(row).__name__} has no answer to evaluate against.",
                hint="Pass PromptCompletion or Conversation rows.",
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
