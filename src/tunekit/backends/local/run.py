"""One attempt at a job, as the worker hands it to a way of tuning.

Belongs here: what every way of tuning gets and gives, the registry of them, and the ways a run can end early.
Does not belong here: any way of tuning (`supervised.py` and its siblings).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, cast

from tunekit._plugins import plugged_in
from tunekit._text import either
from tunekit.backends.local.checkpoints import Checkpoints
from tunekit.backends.local.folder import JobFolder
from tunekit.backends.local.recorder import Recorder
from tunekit.data.dataset import Located
from tunekit.data.store import read_copy
from tunekit.errors import MethodUnsupported
from tunekit.jobs.backend import Inspection, Rows
from tunekit.jobs.record import MAIN_STAGE, JobProblem, JobRequest

GROUP = "tunekit.local"
"""Entry points that give a `Recipe`, by the name of the way of tuning."""

_OWN: Mapping[str, str] = MappingProxyType(
    {
        kind: f"tunekit.backends.local.{kind}"
        for kind in (
            "distillation",
            "embedding",
            "preference",
            "reinforcement",
            "rlhf",
            "supervised",
        )
    }
)


class Stopped(Exception):  # not an error: somebody asked for it
    """Somebody asked the job to stop, and it has, at a checkpoint."""


class RunFailed(Exception):
    """The run cannot give a model, for a reason that is known."""

    def __init__(self, problem: JobProblem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt at a job."""

    folder: JobFolder
    request: JobRequest
    recorder: Recorder
    home: Path
    """Root folder of the backend, where base models that tunekit tuned are."""

    def enter(self, stage: str = MAIN_STAGE) -> Stage:
        """Go into a part of the run."""
        self.recorder.enter(stage)
        if stage == MAIN_STAGE:
            return Stage(self, self.folder.checkpoints)
        return Stage(self, Checkpoints(self.folder.stage(stage) / "checkpoints"))

    def rows(self, name: str) -> Iterator[Located[Any]]:
        """The rows of a dataset with their places in the user's own files."""
        return read_copy(self.folder.data(name))


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a run with steps and checkpoints of its own."""

    run: Run
    checkpoints: Checkpoints


@dataclass(frozen=True, slots=True)
class Result:
    """What a run gives."""

    metrics: Mapping[str, float]
    """Figures at the end, such as `loss`."""


class Recipe(Protocol):
    """How this backend runs one way of tuning."""

    def inspect(self, request: JobRequest, rows: Rows, home: Path) -> Inspection:
        """What can be known before the job starts, in the process of the caller."""
        ...

    def train(self, run: Run, into: Path) -> Result:
        """Train, and leave the model in the folder `into`; in the worker.

        Raises:
            Stopped: Somebody asked to stop.
            RunFailed: There is no model, for a reason that is known.
        """
        ...


def recipe_for(kind: str) -> Recipe:
    """How to run that way of tuning.

    Raises:
        MethodUnsupported: This backend cannot.
    """
    if kind in _OWN:
        return cast("Recipe", import_module(_OWN[kind]).RECIPE)
    outside = plugged_in(GROUP)
    if kind in outside:
        return cast("Recipe", outside[kind].load())
    known = (*_OWN, *outside)
    raise MethodUnsupported(
        f"The backend 'local' cannot run the way of tuning {kind!r}; it runs {either(known, last='and')}.",
        hint=f"Use another backend, or a package that brings it as an entry point of {GROUP!r}.",
    )
