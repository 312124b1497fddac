"""What the behaviours of the contract act on: a backend, a client of it, and jobs that are made once.

Belongs here: staging.
Does not belong here: the behaviours (`behaviours.py`), running them (`contract.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar
from uuid import uuid4

from tunekit.client import Client
from tunekit.data.dataset import Dataset
from tunekit.data.rows import PromptCompletion, Row
from tunekit.jobs.backend import Backend, Generates, Predicts, Scores
from tunekit.jobs.handle import Job
from tunekit.jobs.images import ImageModel
from tunekit.jobs.model_kinds import handle_class
from tunekit.jobs.models import TextModel, TunedModel
from tunekit.tuners.registry import AnyTuner
from tunekit.tuners.supervised import SupervisedTuner

AbilityT = TypeVar("AbilityT")


_OF_TEXT: tuple[type, ...] = (Predicts, Scores)
"""Abilities that are about models that answer in text."""


class NotApplicable(Exception):  # named for the fact, as all errors here
    """The backend has not the ability that a behaviour is about."""


def _few_rows() -> Dataset[PromptCompletion]:
    prompt = "Which team answers?\nMessage: {}\nTeam:"
    rows = [
        PromptCompletion(prompt=prompt.format(f"{what} number {n}"), completion=team)
        for n in range(6)
        for what, team in (("parcel", "shipping"), ("invoice", "billing"))
    ]
    return Dataset.read(rows, row=PromptCompletion)


def _short_tuner() -> SupervisedTuner:
    return SupervisedTuner(base_model="tunekit/nano", train_steps=4, batch_size=4)


@dataclass
class Stage:
    """What the behaviours act on.

    Args:
        make_backend: Gives the backend under test, each time for the same place: where the place keeps jobs, one sees
            those of another.
        tuner: A tuner that this backend finishes quickly. The default takes four steps on `tunekit/nano`.
        data: What it takes, with at least four distinct rows to train on. The default are twelve short rows.
        other_data: The same kind of data with other rows. `None` takes half of a dataset.
        keeps_jobs: Whether two backends from `make_backend` see each other's jobs.
        patience_seconds: How long a job may take.
    """

    make_backend: Callable[[], Backend]
    tuner: AnyTuner = field(default_factory=_short_tuner)
    data: Any = field(default_factory=_few_rows)
    other_data: Any = None
    keeps_jobs: bool = True
    patience_seconds: float = 600.0
    started: list[str] = field(default_factory=list[str], init=False)

    @cached_property
    def backend(self) -> Backend:
        """The backend under test."""
        return self.make_backend()

    @cached_property
    def client(self) -> Client:
        """A client of it."""
        return Client(self.backend, watch="silent")

    def other_client(self) -> Client:
        """A client of the same place that shares nothing in memory, as in another process.

        Raises:
            NotApplicable: The place keeps no jobs.
        """
        if not self.keeps_jobs:
            raise NotApplicable("keeps jobs")
        return Client(self.make_backend(), watch="silent")

    def start(self, **settings: Any) -> Job[Any]:
        """Start a job, under a key of its own unless one is given."""
        settings.setdefault("key", uuid4().hex)
        job = self.client.tune(self.tuner, self.data, **settings)
        self.started.append(job.id)
        return job

    @cached_property
    def finished(self) -> Job[Any]:
        """A job that has succeeded, made once."""
        job = self.start(display_name="contract", labels={"purpose": "contract"}, key=self.key)
        job.wait(self.patience_seconds)
        assert job.state.has_model, f"the job of the stage is {job.state}: {job.record.problem}"
        return job

    @cached_property
    def key(self) -> str:
        """The key of the finished job."""
        return f"contract-{uuid4().hex}"

    @cached_property
    def cancelled(self) -> Job[Any]:
        """A job that was cancelled as soon as it was started, made once."""
        job = self.start(display_name="contract, cancelled")
        job.cancel()
        job.wait(self.patience_seconds)
        return job

    @property
    def model(self) -> Any:
        """The model of the finished job."""
        return self.finished.result()

    @property
    def rows(self) -> Dataset[Any]:
        """The rows that the tuner trains on."""
        return self.tuner.datasets(self.data)["train"]

    @property
    def other(self) -> Any:
        """Data with other rows."""
        return self.rows.split(0.5).train if self.other_data is None else self.other_data

    @property
    def answered(self) -> list[Row]:
        """A few rows that have an answer.

        Raises:
            NotApplicable: The tuner takes rows that have none.
        """
        rows = self.rows.head(4)
        if any(row.completion_text() is None for row in rows):
            raise NotApplicable("rows with answers")
        return rows

    @cached_property
    def prompts(self) -> list[str]:
        """Prompts like those of the rows."""
        return [row.prompt_text() for row in self.rows.head(4)]

    def able(self, ability: type[AbilityT]) -> AbilityT:
        """The backend as one that has an ability.

        Raises:
            NotApplicable: It has not.
        """
        if not isinstance(self.backend, ability):
            raise NotApplicable(ability.__name__)
        if ability in _OF_TEXT and not issubclass(self._handle, TextModel):
            raise NotApplicable("text models")
        if ability is Generates and not issubclass(self._handle, ImageModel):
            raise NotApplicable("image models")
        return self.backend

    @cached_property
    def _handle(self) -> type[TunedModel]:
        """The kind of handle that the tuner's models have."""
        handle: type[TunedModel] = handle_class(self.tuner.model_kind)
        return handle
