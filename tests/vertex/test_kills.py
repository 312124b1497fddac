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
from tunekit.testing import VertexEmulator, VertexFault
from tuner_cases import preference_data
from vertex.emulated import client_on

CASES: dict[str, tuple[Any, Any]] = {
    "a tuning job": (tk.SupervisedTuner(base_model="gemini-3.5-flash", epochs=1), routing(12)),
    "a pipeline job": (tk.RLHFTuner(base_model="text-bison@002"), preference_data()),
}


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
    kills = killed_everywhere(name, emulator, tmp_path, elsewhere=elsewhere, every=2)
    assert kills > 10


def killed_everywhere(
    name: str,
    emulator: VertexEmulator,
    folder: Path,
    *,
    elsewhere: bool,
    every: int,
    fault: VertexFault | None = None,
) -> int:
    """Kill at each so many-th step, and hold that one job comes of it; gives how often. Also for `tools/`."""
    tuner, data = CASES[name]
    step = kills = 0
    before = len(emulator.tuning_jobs) + len(emulator.pipeline_jobs)
    while True:
        root = folder / f"first-{step}"
        first = client_on(emulator, root, allow_retired=True, clock=Clock(1_000.0))
        if fault is not None:
            emulator.fail_next(fault)
        if not killed_at(step, first, tuner, data):
            return kills
        again = client_on(
            emulator,
            folder / f"second-{step}" if elsewhere else root,
            allow_retired=True,
            clock=Clock(5_000.0),
        )
        job = again.tune(tuner, data, key=f"k{step}")
        jobs = (*emulator.tuning_jobs, *emulator.pipeline_jobs)
        alive = {str(one["name"]).rpartition("/")[2] for one in jobs}
        assert len(alive) == before + kills + 1, f"step {step}"
        assert job.id.rpartition("/")[2] in alive
        step += every
        kills += 1
