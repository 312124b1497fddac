"""What a worker says about its job, written to the folder as it happens.

Belongs here: events and status of one attempt.
Does not belong here: training (`supervised.py` and its siblings), reading it back (`folder.py`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from tunekit.backends.local.folder import JobFolder, Status
from tunekit.jobs.record import MAIN_STAGE, Event, JobProblem, ModelRecord, Progress
from tunekit.jobs.states import JobState


class Recorder:
    """Writes down what happens in one attempt."""

    def __init__(self, folder: JobFolder, attempt: int) -> None:
        self._folder = folder
        self._attempt = attempt
        self._started_at = datetime.now(UTC)
        self._progress: Progress | None = None
        self._stage = MAIN_STAGE
        folder.close_torn_event()
        self._number = max((event.number for event in folder.events()), default=0)

    def running(self, message: str) -> None:
        """The attempt is at work."""
        self._write(JobState.RUNNING)
        self._event("state", message, state=JobState.RUNNING)

    def enter(self, stage: str) -> None:
        """From now on the attempt is in that part of the job."""
        if stage != self._stage:
            self._stage = stage
            self._event("stage", f"stage: {stage}")

    def message(self, text: str) -> None:
        """Something people want to know."""
        self._event("message", text)

    def progress(self, step: int, total_steps: int) -> None:
        """So many steps are done."""
        self._progress = Progress(step=step, total_steps=total_steps, stage=self._stage)
        self._write(JobState.RUNNING)

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Figures at a step."""
        told = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
        self._event("metrics", f"step {step}: {told}", step=step, metrics=values)

    def sample(self, step: int, prompts: Sequence[str], path: Path) -> None:
        """Pictures were drawn at a step, side by side in one file."""
        self._event("sample", f"step {step}: drawn: {'; '.join(prompts)}", step=step, image=path)

    def checkpoint(self, step: int) -> None:
        """A checkpoint is complete."""
        self._event("checkpoint", f"step {step}: checkpoint saved", step=step)

    def ended(
        self,
        state: JobState,
        message: str,
        *,
        model: ModelRecord | None = None,
        problem: JobProblem | None = None,
    ) -> None:
        """The attempt is over. The event comes first: whoever sees the state can read it."""
        self._event("state", message, state=state)
        self._write(state, model=model, problem=problem)

    def _write(
        self,
        state: JobState,
        *,
        model: ModelRecord | None = None,
        problem: JobProblem | None = None,
    ) -> None:
        status = Status(
            attempt=self._attempt,
            pid=os.getpid(),
            state=state,
            started_at=self._started_at,
            ended_at=datetime.now(UTC) if state.is_terminal else None,
            progress=self._progress,
            problem=problem,
            model=model,
        )
        self._folder.write_status(status)

    def _event(
        self,
        kind: Literal["checkpoint", "message", "metrics", "sample", "stage", "state"],
        message: str,
        *,
        step: int | None = None,
        metrics: Mapping[str, float] | None = None,
        state: JobState | None = None,
        image: Path | None = None,
    ) -> None:
        self._number += 1
        self._folder.append_event(
            Event(
                number=self._number,
                time=datetime.now(UTC),
                kind=kind,
                message=message,
                attempt=self._attempt,
                step=step,
                stage=self._stage,
                metrics=dict(metrics or {}),
                state=state,
                image=str(image) if image else None,
            )
        )
