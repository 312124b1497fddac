"""kill -9 at every step of a submission: whoever calls again finds one job, or starts the only one."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from sample_rows import routing
from tunekit.backends.vertex import journal
from tunekit.testing import VertexEmulator
from tuner_cases import preference_data
from vertex.emulated import client_on

CASES: dict[str, tuple[Any, Any]] = {
    "a tuning job": (tk.SupervisedTuner(base_model="gemini-3.5-flash", epochs=1), routing(12)),
    "a pipeline job": (tk.RLHFTuner(base_model="text-bison@002"), preference_data()),
}
EVERY = int(os.environ.get("TUNEKIT_KILL_EVERY", "2"))
"""Each so many-th step is tried; 1 tries all of them."""


class Clock:
    """A time of its own, which sleeping moves on."""

    def __init__(self, now: float) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    async def sleep_in_loop(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def emulator() -> Iterator[VertexEmulator]:
    with VertexEmulator(allow_retired=True) as vertex:
        yield vertex


def killed_at(step: int, client: tk.Client, tuner: Any, data: Any) -> bool:
    """Start a job in a process that dies at that step; whether it came so far."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status)
    counted = 0

    def dying(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **settings: Any) -> Any:
            nonlocal counted
            for before in (True, False):
                if counted == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                counted += 1
                if before:
                    result = function(*args, **settings)
            return result

        return called

    try:
        transport = client.backend._transport  # type: ignore[attr-defined]
        transport.call = dying(transport.call)
        journal.FileJournal.add = dying(journal.FileJournal.add)  # type: ignore[method-assign]
        client.tune(tuner, data, key=f"k{step}")
    finally:
        os._exit(0)


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "on another machine"])
@pytest.mark.parametrize("name", CASES)
def test_a_process_that_dies_at_any_step_leaves_one_job(
    name: str, elsewhere: bool, emulator: VertexEmulator, tmp_path: Path
) -> None:
    tuner, data = CASES[name]
    step = trials = 0
    while True:
        root = tmp_path / f"first-{step}"
        first = client_on(emulator, root, allow_retired=True, clock=Clock(1_000.0))
        if not killed_at(step, first, tuner, data):
            break
        again = client_on(
            emulator,
            tmp_path / f"second-{step}" if elsewhere else root,
            allow_retired=True,
            clock=Clock(5_000.0),
        )
        job = again.tune(tuner, data, key=f"k{step}")
        jobs = (*emulator.tuning_jobs, *emulator.pipeline_jobs)
        alive = {str(one["name"]).rpartition("/")[2] for one in jobs}
        assert len(alive) == trials + 1, f"step {step}"
        assert job.id.rpartition("/")[2] in alive
        step += EVERY
        trials += 1
    assert trials * EVERY > 20
