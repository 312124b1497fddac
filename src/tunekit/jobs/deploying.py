"""Waits for endpoints: a backend takes one step a call, and this calls it until it is done.

Belongs here: the waiting.
Does not belong here: the steps (`backends/`).
"""

from __future__ import annotations

from collections.abc import Callable

from tunekit._text import duration
from tunekit.errors import JobTimeout, MethodUnsupported
from tunekit.jobs.backend import Backend, Deployment, Deploys, KeepsModels
from tunekit.jobs.clock import Clock
from tunekit.jobs.retries import persistently

_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 2.0, 30.0
_PATIENCE_SECONDS = 3_600.0


def deploying(backend: Backend) -> Deploys:
    """The backend as one that has endpoints.

    Raises:
        MethodUnsupported: It has none.
    """
    if isinstance(backend, Deploys):
        return backend
    raise MethodUnsupported(
        f"The backend {backend.name!r} has no endpoints.",
        hint="Ask the model with `predict`, or export it.",
    )


def until_ready(step: Callable[[], Deployment], clock: Clock, timeout_seconds: float) -> Deployment:
    """Take steps until what was asked for is the case.

    Raises:
        JobTimeout: The time is up; it goes on.
    """
    deadline, pause = clock.now() + timeout_seconds, _PAUSE_SECONDS
    while True:
        deployment = persistently(step, clock)
        if deployment.ready:
            return deployment
        if clock.now() >= deadline:
            raise JobTimeout(
                f"It is not done after {duration(timeout_seconds)}: {deployment.doing}.",
                hint="It goes on: call again, which takes it from there.",
                place=deployment.model_id,
            )
        clock.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)


def delete_model(keeper: KeepsModels, model_id: str, clock: Clock) -> None:
    """Remove a model, step by step where the backend has endpoints.

    Raises:
        JobTimeout: It takes longer than an hour.
    """
    if not isinstance(keeper, Deploys):
        keeper.delete_model(model_id)
        return
    endpoints: Deploys = keeper

    def step() -> Deployment:
        keeper.delete_model(model_id)
        left = endpoints.remains(model_id)
        doing = f"{left[0]} is still there" if left else ""
        return Deployment(model_id=model_id, endpoint=None, ready=not left, doing=doing)

    until_ready(step, clock, _PATIENCE_SECONDS)
