"""Waiting for jobs, on a clock that does not make anybody wait."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

import tunekit as tk
from sample_rows import PROMPT, routing
from tunekit.jobs.handle import UNKNOWN_SECONDS
from tunekit.jobs.record import JobProblem
from tunekit.testing import Fault, Step

TUNER = tk.SupervisedTuner(base_model="any")


class Listener:
    """Writes down what a watcher is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def looked(self, record: tk.JobRecord, events: Sequence[tk.Event]) -> None:
        self.told += [event.message for event in events]

    def ended(self, record: tk.JobRecord) -> None:
        self.told.append(f"ended {record.state}")

    def detached(self, record: tk.JobRecord) -> None:
        self.told.append("detached")


def start(backend: tk.MemoryBackend) -> tk.Job[tk.TextModel]:
    """A job on that backend."""
    return tk.Client(backend).tune(TUNER, routing())


def test_wait_returns_however_the_job_ends() -> None:
    for state in ("SUCCEEDED", "PARTIALLY_SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"):
        job = start(tk.MemoryBackend(["RUNNING", state]))
        assert job.wait().state == job.state == state


def test_result_gives_the_model() -> None:
    model = start(tk.MemoryBackend()).result()
    assert isinstance(model, tk.TextModel)


def test_result_gives_the_model_of_a_partial_success() -> None:
    assert start(tk.MemoryBackend(["PARTIALLY_SUCCEEDED"])).result().id


@pytest.mark.parametrize("state", ["FAILED", "EXPIRED"])
def test_result_raises_when_the_job_fails(state: str) -> None:
    problem = JobProblem(code="oom", message="No memory left.", hint="Take a smaller batch.")
    job = start(tk.MemoryBackend(["RUNNING", Step(state=state, problem=problem)]))
    with pytest.raises(
        tk.JobFailed, match=f"memory:1: The job is {state}: No memory left. Take a"
    ) as caught:
        job.result()
    assert caught.value.record.state == state


def test_result_of_a_cancelled_job_says_that_it_was_cancelled() -> None:
    job = start(tk.MemoryBackend(["RUNNING"]))
    job.cancel()
    with pytest.raises(tk.JobCancelled):
        job.result()


def test_a_wait_that_is_too_short_says_so_and_the_job_goes_on() -> None:
    job = start(tk.MemoryBackend([Step(state="RUNNING", seconds=100), "SUCCEEDED"]))
    with pytest.raises(tk.JobTimeout, match="RUNNING after a wait of 40 s"):
        job.wait(timeout_seconds=40)
    assert job.wait().state == "SUCCEEDED"


def test_a_timeout_is_also_the_standard_one() -> None:
    with pytest.raises(TimeoutError):
        start(tk.MemoryBackend(["RUNNING"])).wait(timeout_seconds=1)


def test_a_state_nobody_knows_does_not_loop_for_ever() -> None:
    backend = tk.MemoryBackend(["RUNNING", "REHEATING"])
    job = start(backend)
    with pytest.raises(tk.JobTimeout, match="'REHEATING'"):
        job.wait()
    assert job.state is tk.JobState.UNKNOWN
    assert job.record.provider_state == "REHEATING"
    assert backend.clock.now() == pytest.approx(10 + UNKNOWN_SECONDS, rel=0.02)


def test_a_state_nobody_knows_for_a_while_is_borne() -> None:
    script: list[str | Step] = ["RUNNING", Step(state="REHEATING", seconds=600), "SUCCEEDED"]
    assert start(tk.MemoryBackend(script)).wait().state == "SUCCEEDED"


def test_a_wait_bears_faults_that_pass() -> None:
    backend = tk.MemoryBackend(faults=[Fault(verb="fetch", kind="transient", times=20)])
    assert start(backend).wait().state == "SUCCEEDED"
    assert backend.faults_left == ()


def test_a_refresh_tries_again_and_gives_up_in_the_end() -> None:
    backend = tk.MemoryBackend(faults=[Fault(verb="fetch", kind="transient", times=3)])
    job = start(backend)
    job.refresh()
    backend.fail_next(Fault(verb="fetch", kind="transient", times=100))
    with pytest.raises(tk.TransientFault):
        job.refresh()


def test_looks_become_rarer() -> None:
    backend = tk.MemoryBackend([Step(state="RUNNING", seconds=3_000), "SUCCEEDED"])
    start(backend).wait()
    assert 100 < backend.calls.count("fetch") < 120  # every 30 s after the first few


def test_ctrl_c_stops_the_wait_and_tells_how_to_pick_the_job_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend, listener = tk.MemoryBackend(["RUNNING"]), Listener()
    job = tk.Client(backend, watch=listener).tune(TUNER, routing())

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(backend.clock, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        job.wait()
    assert "client.job('memory:1')" in caught.value.__notes__[0]
    assert listener.told[-1] == "detached"
    assert backend.fetch(job.id).state == "RUNNING"


async def test_a_job_can_be_awaited() -> None:
    model = await start(tk.MemoryBackend())
    assert isinstance(model, tk.TextModel)


async def test_awaiting_a_failed_job_raises() -> None:
    with pytest.raises(tk.JobFailed):
        await start(tk.MemoryBackend(["FAILED"]))


async def test_several_jobs_are_awaited_together() -> None:
    backend = tk.MemoryBackend()
    models = await asyncio.gather(*(start(backend) for _ in range(3)))
    assert len({model.id for model in models}) == 3


async def test_cancelling_the_task_leaves_the_job_alone() -> None:
    backend = tk.MemoryBackend(["RUNNING"])
    job = start(backend)

    async def awaited() -> None:
        await job

    task = asyncio.create_task(awaited())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert backend.fetch(job.id).state == "RUNNING"


def test_a_watcher_is_told_each_event_once() -> None:
    listener = Listener()
    tk.Client(tk.MemoryBackend(), watch=listener).tune(TUNER, routing()).wait()
    assert listener.told == ["QUEUED", "RUNNING", "SUCCEEDED", "ended SUCCEEDED"]


def test_events_and_metrics_stream_until_the_end() -> None:
    losses = tuple({"loss": 1 / n} for n in range(1, 6))
    job = start(tk.MemoryBackend([Step(state="RUNNING", seconds=50, metrics=losses), "SUCCEEDED"]))
    seen = [metrics.values["loss"] for metrics in job.metrics(follow=True)]
    assert seen == [1 / n for n in range(1, 6)]
    assert [event.message for event in job.events()][-1] == "SUCCEEDED"


async def test_events_stream_in_async_code() -> None:
    job = start(tk.MemoryBackend())
    assert [event.message async for event in job.events(follow=True)] == [
        "QUEUED",
        "RUNNING",
        "SUCCEEDED",
    ]


def test_a_stream_can_be_gone_through_twice() -> None:
    job = start(tk.MemoryBackend())
    job.wait()
    events = job.events()
    assert list(events) == list(events) != []


# --- starting once ----------------------------------------------------------------------------------------------------


def test_a_lost_answer_does_not_start_a_second_job() -> None:
    backend = tk.MemoryBackend(faults=[Fault(verb="submit", kind="lost_reply")])
    job = start(backend)
    assert job.id == "memory:1"
    assert len(list(backend.list_jobs())) == 1
    assert len(backend.requests) == 1


def test_a_lost_answer_and_a_failing_list_still_start_one_job() -> None:
    backend = tk.MemoryBackend(
        faults=[
            Fault(verb="submit", kind="lost_reply"),
            Fault(verb="list_jobs", kind="transient", times=3),
        ]
    )
    start(backend)
    assert len(list(backend.list_jobs())) == 1
    assert backend.faults_left == ()


@pytest.mark.parametrize("kind", ["transient", "quota"])
def test_a_refused_submission_is_tried_again(kind: str) -> None:
    backend = tk.MemoryBackend(faults=[Fault(verb="submit", kind=kind, times=3)])  # type: ignore[arg-type]
    start(backend)
    assert len(list(backend.list_jobs())) == 1
    assert backend.calls.count("submit") == 4


def test_a_submission_that_is_refused_for_good_raises() -> None:
    backend = tk.MemoryBackend(faults=[Fault(verb="submit", kind="quota", times=100)])
    with pytest.raises(tk.QuotaExceeded):
        start(backend)


# --- models -----------------------------------------------------------------------------------------------------------


def test_a_prompt_that_departs_from_the_shape_is_warned_of() -> None:
    model = start(tk.MemoryBackend(predictions=lambda prompt: "shipping")).result()
    assert str(model.predict(PROMPT.format(message="where is it"))) == "shipping"
    with pytest.warns(tk.PromptShapeWarning, match="missing instruction"):
        model.predict("where is it")


def test_an_evaluation_asks_both_models() -> None:
    rows = routing(20)
    answers = {row.prompt: row.completion for row in rows}
    backend = tk.MemoryBackend(predictions=answers, base_predictions=lambda prompt: "billing")
    evaluation = start(backend).result().evaluate(rows)
    assert evaluation.tuned.value == 1
    assert evaluation.base.value == pytest.approx(
        sum(a == "billing" for a in answers.values()) / 20
    )
    assert evaluation.tuned_loss is None


def test_an_evaluation_without_rows_is_refused() -> None:
    model = start(tk.MemoryBackend()).result()
    with pytest.raises(tk.SettingInvalid, match="no row"):
        model.evaluate(routing(4), max_rows=0)
