"""Many jobs under watch cost few requests: one list answers for all of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from sample_rows import routing
from tunekit.backends.vertex.names import JobName
from tunekit.backends.vertex.sweeping import CROWD, SWEEP_SECONDS, Sweep
from tunekit.testing import VertexEmulator
from tunekit.testing.vertex.scripts import VertexScript, VertexStep
from vertex.emulated import backend_on


def _name(number: int) -> JobName:
    return JobName("p", "l", "tuningJobs", str(number))


class Lists:
    """A service that is asked for lists."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.broken = False

    def list(self, resource: str) -> list[dict[str, Any]]:
        self.asked += 1
        if self.broken:
            raise tk.TransientFault("Down.", hint="Again.")
        return [
            {"name": f"projects/p/locations/l/tuningJobs/{n}", "at": self.now} for n in range(9)
        ]


def test_few_jobs_are_asked_for_one_by_one() -> None:
    lists = Lists()
    sweep = Sweep(lists.list, lambda: lists.now)
    assert all(sweep.look(_name(n)) is None for n in range(CROWD - 1))
    assert lists.asked == 0


def test_a_list_answers_for_all_until_it_is_old() -> None:
    lists = Lists()
    sweep = Sweep(lists.list, lambda: lists.now)
    for _ in range(3):
        told = [sweep.look(_name(n)) for n in range(9)]
    assert lists.asked == 1
    assert told[8] is not None
    lists.now += SWEEP_SECONDS
    assert sweep.look(_name(8)) == {"name": _name(8).full, "at": SWEEP_SECONDS}
    assert lists.asked == 2


def test_a_list_that_failed_is_heard_of_by_all_who_wait() -> None:
    lists = Lists()
    lists.broken = True
    sweep = Sweep(lists.list, lambda: lists.now)
    failed = 0
    for n in range(9):
        try:
            sweep.look(_name(n))
        except tk.TransientFault:
            failed += 1
    assert (failed, lists.asked) == (9 - CROWD + 1, 1)
    lists.broken, lists.now = False, 10.0
    assert sweep.look(_name(1)) is not None


def test_a_job_that_was_changed_is_asked_for_by_itself() -> None:
    lists = Lists()
    sweep = Sweep(lists.list, lambda: lists.now)
    for n in range(9):
        sweep.look(_name(n))
    sweep.forget(_name(3))
    assert sweep.look(_name(3)) is None
    assert sweep.look(_name(4)) is not None


def test_many_jobs_are_watched_with_few_requests(tmp_path: Path) -> None:
    requests_per_second = watched(tmp_path, jobs=150, seconds=1_200)
    assert requests_per_second <= 2 / SWEEP_SECONDS


def watched(root: Path, *, jobs: int, seconds: float, pause: float = 60.0) -> float:
    """Watch so many jobs to their end; gives the requests per second. `tools/vertex_bench.py` has a thousand."""
    script = VertexScript(
        steps=(VertexStep(state="RUNNING", seconds=seconds), VertexStep(state="SUCCEEDED"))
    )
    with VertexEmulator(script=script, seconds_per_request=0.0) as emulator:
        backend = backend_on(emulator, root)
        client = tk.Client(backend, watch="silent")
        tuner = tk.SupervisedTuner(base_model="gemini-3.5-flash")
        first = client.tune(tuner, routing(12), key="k")
        body = {k: v for k, v in emulator.tuning_jobs[0].items() if k in _WRITTEN}
        made = [backend._jobs.service.create_tuning(body) for _ in range(jobs - 1)]
        handles = [client.job(f"vertex:{job['name']}") for job in made]
        calls, began = len(emulator.requests), emulator.clock.now()
        _wait_for_all([first, *handles], emulator, pause)
        return (len(emulator.requests) - calls) / (emulator.clock.now() - began)


_WRITTEN = ("baseModel", "labels", "supervisedTuningSpec", "tunedModelDisplayName")


def _wait_for_all(jobs: list[tk.Job[Any]], emulator: VertexEmulator, pause: float) -> None:
    """Look at every job, pause, and look again, as a thousand waits in one process do."""
    left = jobs
    while left:
        left = [job for job in left if not job.refresh().state.is_terminal]
        emulator.advance(pause)


def test_jobs_can_be_waited_for_together(tmp_path: Path) -> None:
    with VertexEmulator() as emulator:
        client = tk.Client(backend_on(emulator, tmp_path), watch="silent")
        tuner = tk.SupervisedTuner(base_model="gemini-3.5-flash")
        jobs = [client.tune(tuner, routing(12), key=f"k{n}") for n in range(8)]

        async def together() -> list[Any]:
            return await asyncio.gather(*jobs)

        assert len({model.id for model in asyncio.run(together())}) == 8


pytestmark = pytest.mark.filterwarnings("error")
