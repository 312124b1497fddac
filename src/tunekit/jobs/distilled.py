"""Distilled models: the handle that can be held against its teacher.

Belongs here: comparing teacher, untuned and tuned student.
Does not belong here: running and measuring a model (`backends/`), the figures (`evaluation/distillation.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from tunekit.data.dataset import Dataset
from tunekit.data.rows import PromptCompletion
from tunekit.errors import MethodUnsupported, SettingInvalid
from tunekit.evaluation.distillation import (
    DistillationComparison,
    Footprint,
    Tried,
    compare_distilled,
)
from tunekit.jobs.backend import Sampling
from tunekit.jobs.models import TextModel
from tunekit.jobs.retries import persistently
from tunekit.tuners.distillation import AnswersPrompts, Distiller, Teacher, name_of_teacher


@runtime_checkable
class TriesModels(Protocol):
    """A backend that can ask and measure any model that it could tune."""

    def tried(
        self, name: str, prompts: Sequence[str], sampling: Sampling, *, num_measured: int
    ) -> Tried:
        """The answers of a model, its size, and the time and memory of its first answers asked one at a time.

        Args:
            name: Id of a tuned model, or any name that `base_model` takes.
            prompts: What to ask.
            sampling: How to draw the answers.
            num_measured: Prompts that are asked again one at a time. 0 measures neither time nor memory.

        Raises:
            BaseModelNotFound: There is no such model.
        """
        ...


class DistilledModel(TextModel):
    """A text model that learnt from a teacher."""

    def compare(
        self,
        rows: Dataset[PromptCompletion],
        *,
        max_rows: int | None = None,
        teacher: Teacher | None = None,
        num_measured: int = 10,
    ) -> DistillationComparison:
        """Hold the tuned student against its teacher and against itself before tuning.

        All three answer every row at temperature 0, and some rows once more one at a time for the time and the memory
        they take.

        Args:
            rows: Rows that were not trained on.
            max_rows: Take only the first so many. `None` takes all.
            teacher: Who taught it. `None` takes the teacher of the job, which must be a model by name: a function or
                the handle of another backend's model has to be given again.
            num_measured: Prompts that each model is asked one at a time, for how long it takes and how much memory.
                0 measures neither, and is quicker by the start of a process for each model.

        Raises:
            DatasetInvalid: A line is not a row.
            SettingInvalid: There is no row, or the teacher cannot be found by its name.
            MethodUnsupported: The backend cannot measure models.
        """
        backend = self._backend
        if not isinstance(backend, TriesModels):
            raise MethodUnsupported(
                f"The backend {backend.name!r} cannot measure its models.",
                hint="Use evaluate() for their quality.",
            )
        tuner = self._tuner()
        who = self._known(tuner) if teacher is None else teacher
        located = self._located(rows, max_rows)
        prompts = [item.row.prompt for item in located]
        expected = [item.row.completion for item in located]
        longest = max(len(answer.encode()) for answer in expected)
        sampling = Sampling(max_output_tokens=longest + 8)

        asked = [str(tuner.asked(prompt)) for prompt in prompts]  # a text stays one

        def tried(name: str, prompts: Sequence[str]) -> Tried:
            call = lambda: backend.tried(name, prompts, sampling, num_measured=num_measured)  # noqa: E731
            return persistently(call, self._clock)

        return compare_distilled(
            [str(item.place) for item in located],
            expected,
            teacher=tried(who, asked) if isinstance(who, str) else _asked(who, asked, sampling),
            untuned=tried(self._record.base_model, prompts),
            tuned=tried(self.id, prompts),
        )

    def _tuner(self) -> Distiller:
        job_id = self._record.job_id
        tuner: Distiller = persistently(
            lambda: self._backend.fetch(job_id), self._clock
        ).request.tuner
        return tuner

    def _known(self, tuner: Distiller) -> str:
        if isinstance(tuner.teacher, str) and not tuner.asks_here:
            return tuner.teacher
        raise SettingInvalid(
            f"The teacher of {self.id!r} is known by its name only and cannot be asked from here.",
            hint="Pass it: model.compare(rows, teacher=...).",
            place="teacher",
        )


def _asked(
    teacher: Callable[[str], str] | AnswersPrompts, prompts: Sequence[str], sampling: Sampling
) -> Tried:
    """What a teacher of this process makes of prompts, asked one at a time."""
    answers: list[str] = []
    seconds: list[float] = []
    for prompt in prompts:
        began = time.perf_counter()
        if isinstance(teacher, AnswersPrompts):
            answered = teacher.predict_many([prompt], max_output_tokens=sampling.max_output_tokens)
            answers.append(answered[0].text)
        else:
            answers.append(teacher(prompt))
        seconds.append(time.perf_counter() - began)
    return Tried(
        name=name_of_teacher(teacher),
        answers=tuple(answers),
        seconds=tuple(seconds),
        footprint=Footprint(),
    )
