"""Tuned models: the handles to ask, evaluate and remove what a job has made.

Belongs here: what a user does with a tuned model, whatever the backend.
Does not belong here: running a model (`backends/`), metrics (`evaluation/`).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from tunekit._plugins import html_view
from tunekit._text import excerpt
from tunekit.data.dataset import Dataset, Located
from tunekit.data.rows import Preference, opening_text
from tunekit.errors import MethodUnsupported, SettingInvalid
from tunekit.evaluation.comparison import Evaluation
from tunekit.jobs.backend import (
    Backend,
    Deployment,
    Deploys,
    Judges,
    KeepsModels,
    Machine,
    Prediction,
    Predicts,
    PromptLike,
    Sampling,
    Scores,
)
from tunekit.jobs.clock import Clock
from tunekit.jobs.deploying import delete_model, deploying, until_ready
from tunekit.jobs.evaluating import (
    EvaluationRows,
    evaluate_answers,
    evaluate_choices,
    evaluate_rewards,
)
from tunekit.jobs.exporting import Exported, ExportFormat, Exports, export_format
from tunekit.jobs.record import ModelRecord
from tunekit.jobs.retries import persistently
from tunekit.tuners.rewards import Reward, Sample


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
        """Remove the weights, and the endpoints that serve them. The record of the job stays.

        Raises:
            MethodUnsupported: The backend keeps no models.
            JobTimeout: The provider takes longer than an hour; call again.
        """
        backend = self._backend
        if not isinstance(backend, KeepsModels):
            raise MethodUnsupported(
                f"The backend {backend.name!r} keeps no models.",
                hint="There is nothing to do.",
            )
        delete_model(backend, self.id, self._clock)

    def remains(self) -> tuple[str, ...]:
        """What `delete` would remove, in that order: a dry run of it."""
        backend = self._backend
        if not isinstance(backend, Deploys):
            return (self.id,)
        return tuple(persistently(lambda: backend.remains(self.id), self._clock))

    def deploy(
        self, machine: Machine | None = None, *, timeout_seconds: float = 3_600.0
    ) -> Deployment:
        """Let the model answer on an endpoint, and wait until it does. Calling it again goes on where it is.

        Args:
            machine: What it runs on. `None` leaves it to the provider, where that decides.
            timeout_seconds: The longest time to wait.

        Raises:
            MethodUnsupported: The backend has no endpoints.
            JobTimeout: The time is up; it goes on.
        """
        deploys = deploying(self._backend)
        return until_ready(lambda: deploys.deploy(self.id, machine), self._clock, timeout_seconds)

    def undeploy(self, *, timeout_seconds: float = 3_600.0) -> Deployment:
        """Let the model answer no longer, and wait until it does not; its weights stay.

        Args:
            timeout_seconds: The longest time to wait.

        Raises:
            MethodUnsupported: The backend has no endpoints.
            JobTimeout: The time is up; it goes on.
        """
        deploys = deploying(self._backend)
        return until_ready(lambda: deploys.undeploy(self.id), self._clock, timeout_seconds)

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
        rows: EvaluationRows,
        *,
        reward: Reward | None = None,
        temperature: float = 0.0,
        max_output_tokens: int = 256,
        seed: int | None = 0,
        max_rows: int | None = None,
    ) -> Evaluation:
        """Hold the tuned and the base model against the rows; every figure has a 95 % interval.

        - Rows with answers: both models answer every row, as they do at temperature 0. Labels are compared by accuracy,
          other texts by token F1, exact match and ROUGE-L.
        - `Preference` rows: how often each model finds the tokens of the preferred answer likelier, on average, than
          those of the other one.
        - With a `reward`, any rows: both models answer every prompt, and the answers are scored. Beside the rewards
          stand the share of rows that each model wins, and the words of its answers.

        Args:
            rows: Rows that were not trained on.
            reward: How good an answer is. `None` compares with the answers in the rows.
            temperature: How varied the scored answers are, from 0 to 2. Only with a reward.
            max_output_tokens: Where to cut a scored answer. Only with a reward.
            seed: Makes the draw repeatable. Only with a reward.
            max_rows: Take only the first so many. `None` takes all.

        Raises:
            DatasetInvalid: A line is not a row.
            SettingInvalid: There is no row, the rows have no answers and there is no reward, or the reward cannot
                score an answer.
            MethodUnsupported: The backend cannot ask its models.
        """
        located = self._located(rows, max_rows)
        if reward is not None:
            sampling = Sampling(
                temperature=temperature, max_output_tokens=max_output_tokens, seed=seed
            )
            return evaluate_rewards(self._answers, located, sampling, self._judged(reward))
        scorer = self._backend if isinstance(self._backend, Scores) else None
        if isinstance(located[0].row, Preference):
            return evaluate_choices(scorer, self.id, located)
        return evaluate_answers(self._answers, scorer, self.id, located)

    def export(
        self,
        folder: str | os.PathLike[str],
        *,
        format: ExportFormat = "safetensors",
        max_drift: float | None = None,
    ) -> Exported:
        """Write the model to a folder that needs neither tunekit nor its base model: every adapter merged.

        What was written is run as its user would run it, with the tokenizer and the chat template of the folder, and
        held against the tuned model on answers to prompts that it was tuned on.

        Args:
            folder: Where to; it must not be there yet.
            format: `safetensors` is what transformers loads. `onnx`, `onnx-int8` and `onnx-int4` are for phones and
                other small devices, with weights of 32, of 8 and mostly of 4 bits, and need the extra `export`.
            max_drift: Largest `Exported.drift` that is borne, from 0 to 1. `None` takes 0.001 for weights of 32 bits,
                0.03 for 8 and 0.1 for 4, and at least 0.02 where a GPU computes in 16.

        Raises:
            FormatUnknown: There is no such format.
            FileKept: The folder is there already.
            MissingExtra: The format needs the extra `export`.
            ExportFailed: It could not be written, or what was written could not be run; nothing is left behind.
            ExportDrifted: What was written answers differently; nothing is left behind.
            MethodUnsupported: The backend cannot export, or the format cannot hold a model of this architecture.
        """
        backend = self._backend
        if not isinstance(backend, Exports):
            raise MethodUnsupported(
                f"The backend {backend.name!r} cannot export its models.",
                hint="Tune on another backend.",
            )
        return backend.export_model(
            self.id, Path(folder).absolute(), export_format(format), max_drift=max_drift
        )

    def _located(self, rows: Dataset[Any], max_rows: int | None) -> list[Located[Any]]:
        located = list(islice(rows.located(), max_rows))
        if not located:
            raise SettingInvalid("There is no row to evaluate on.", hint="Pass at least one row.")
        return located

    def _judged(self, reward: Reward) -> Callable[[Sequence[Sample]], list[float]]:
        """The reward, with the reward models of the backend where it has some."""
        backend = self._backend
        if not isinstance(backend, Judges):
            return reward.score

        def judge(model_id: str, samples: Sequence[Sample]) -> Sequence[float]:
            prompts = [sample.prompt for sample in samples]
            return backend.rewards(model_id, prompts, [sample.response for sample in samples])

        return lambda samples: reward.score(samples, judge=judge)

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
