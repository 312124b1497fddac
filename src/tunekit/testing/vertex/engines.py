"""What stands behind emulated jobs and models: a script and given answers, or real training (`local_engine.py`).

Belongs here: what an engine is, and the scripted one.
Does not belong here: how the wire shows it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from tunekit.testing.vertex.scripts import Course, ScriptedCourse, VertexScript
from tunekit.testing.vertex.wire import Json

Answers: TypeAlias = Mapping[str, str] | Callable[[str], str]
"""What a model answers: by the last thing the user said, or a function of it. What is not there is answered with
nothing."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A tuning job that an engine is to run."""

    id: str
    created: float
    base_model: str
    kind: str
    """Field of the request that says how to tune, such as `supervisedTuningSpec`, or the name of a pipeline."""
    spec: Json
    rows: Sequence[Json] = ()
    validation: Sequence[Json] = ()
    parent_job: str | None = None
    """The job whose model is tuned further."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is asked."""

    job_id: str | None
    """The job that made the model. `None` asks the base model."""
    base_model: str
    turns: Sequence[tuple[str, str]]
    """Role (`system`, `user` or `model`) and text of each turn."""
    temperature: float = 0.0
    max_output_tokens: int | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None

    @property
    def last(self) -> str:
        """What the user said last."""
        return next((text for role, text in reversed(self.turns) if role == "user"), "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answers."""

    text: str
    stopped: bool = True
    """Whether the model ended the answer itself."""
    num_tokens: int = 0


class Engine(Protocol):
    """What runs jobs and answers for their models."""

    def begin(self, job: NewJob, script: VertexScript) -> Course:
        """Start a job.

        Raises:
            Refusal: It cannot run such a job.
        """
        ...

    def answer(self, question: Question) -> Answer:
        """Answer as a model."""
        ...

    def vectors(
        self, job_id: str | None, base_model: str, texts: Sequence[str], num_dimensions: int
    ) -> list[list[float]]:
        """Embed as a model."""
        ...

    def close(self) -> None:
        """Stop what is running."""
        ...


@dataclass
class ScriptEngine:
    """Jobs follow their scripts, and models answer what they are told to."""

    predictions: Answers = field(default_factory=dict[str, str])
    base_predictions: Answers = field(default_factory=dict[str, str])

    def begin(self, job: NewJob, script: VertexScript) -> Course:
        return ScriptedCourse(script, job.created)

    def answer(self, question: Question) -> Answer:
        answers = self.base_predictions if question.job_id is None else self.predictions
        text = answers(question.last) if callable(answers) else answers.get(question.last, "")
        return Answer(text, num_tokens=num_tokens(text))

    def vectors(
        self, job_id: str | None, base_model: str, texts: Sequence[str], num_dimensions: int
    ) -> list[list[float]]:
        """Unit vectors drawn from the text: equal for equal texts of one model, and otherwise without meaning."""
        return [_unit_vector(f"{job_id}|{base_model}|{text}", num_dimensions) for text in texts]

    def close(self) -> None:
        """Nothing is running."""


def num_tokens(text: str) -> int:
    """A guess at the number of tokens: four characters each."""
    return math.ceil(len(text) / 4)


def _unit_vector(seed: str, num_dimensions: int) -> list[float]:
    raw = hashlib.shake_256(seed.encode()).digest(2 * num_dimensions)
    values = [
        int.from_bytes(raw[2 * n : 2 * n + 2], "big") / 32_767.5 - 1 for n in range(num_dimensions)
    ]
    length = math.sqrt(sum(value * value for value in values))
    return [value / length for value in values]
