"""Every kind of fault at every call: a job is started once, a wait goes on, and what was done is not done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from sample_rows import routing
from tunekit.testing import VertexEmulator, VertexFault
from tuner_cases import preference_data
from vertex.emulated import client_on

SUPERVISED = tk.SupervisedTuner(base_model="gemini-3.5-flash", epochs=1)
RLHF = tk.RLHFTuner(base_model="text-bison@002")

FAULTS: dict[str, dict[str, Any]] = {
    "503": {"kind": "status"},
    "500 after": {"kind": "status", "status": 500, "when": "after"},
    "429": {"kind": "status", "status": 429, "retry_after_seconds": 1},
    "408": {"kind": "status", "status": 408},
    "499": {"kind": "status", "status": 499},
    "504 after": {"kind": "status", "status": 504, "when": "after"},
    "502 in HTML": {"kind": "html", "status": 502},
    "502 in HTML after": {"kind": "html", "status": 502, "when": "after"},
    "reset": {"kind": "reset"},
    "reset after": {"kind": "reset", "when": "after"},
    "close": {"kind": "close"},
    "close after": {"kind": "close", "when": "after"},
    "truncated": {"kind": "truncate", "when": "after"},
    "garbage": {"kind": "garbage"},
    "garbage after": {"kind": "garbage", "when": "after"},
    "late": {"kind": "late", "seconds": 90.0},
    "429 twice": {"kind": "status", "status": 429, "times": 2},
}


@dataclass
class World:
    """A client of an emulator, and what it has started."""

    emulator: VertexEmulator
    client: tk.Client

    def tuned(self) -> tk.Job[Any]:
        """A tuning job."""
        return self.client.tune(SUPERVISED, routing(12), key="k")

    def piped(self) -> tk.Job[Any]:
        """A pipeline job."""
        return self.client.tune(RLHF, preference_data(), key="k")

    def alive(self) -> list[str]:
        """The jobs that nobody stopped."""
        jobs = (*self.emulator.tuning_jobs, *self.emulator.pipeline_jobs)
        return [str(job["name"]) for job in jobs if "CANCEL" not in str(job["state"])]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with VertexEmulator(allow_retired=True, predictions=lambda prompt: "billing") as emulator:
        client = client_on(emulator, tmp_path, allow_retired=True, timeout_seconds=5.0)
        yield World(emulator, client)


def start(world: World) -> None:
    job = world.tuned()
    assert world.alive() == [job.id.removeprefix("vertex:")]


def pipe(world: World) -> None:
    job = world.piped()
    (alive,) = world.alive()
    assert alive.rpartition("/")[2] == job.id.rpartition("/")[2]


def wait(world: World) -> None:
    assert world.tuned().result().predict(_prompt()).text == "billing"


def wait_for_pipe(world: World) -> None:
    assert world.piped().wait().state.has_model


def stop(world: World) -> None:
    job = world.tuned()
    job.cancel()
    assert job.wait().state is tk.JobState.CANCELLED


def stop_pipe(world: World) -> None:
    job = world.piped()
    job.cancel()
    assert job.wait().state is tk.JobState.CANCELLED


def listed(world: World) -> None:
    world.tuned()
    assert len(world.client.jobs()) == 1


def list_models(world: World) -> None:
    model = world.tuned().result()
    assert [other.id for other in world.client.models()] == [model.id]


def look_at_model(world: World) -> None:
    model = world.tuned().result()
    assert world.client.model(model.id).record == model.record


def delete(world: World) -> None:
    model = world.tuned().result()
    model.delete()
    with pytest.raises(tk.ModelNotFound):
        world.client.model(model.id)


def deploy(world: World) -> None:
    model = world.tuned().result()
    model.undeploy()
    for name in model.remains():
        if "/endpoints/" in name:
            world.client.backend._tuned._serving.delete_endpoint(name)  # type: ignore[attr-defined]
    deployment = model.deploy()
    assert deployment.ready
    assert deployment.endpoint is not None
    assert "tunekit-" in deployment.endpoint
    assert len(model.remains()) == 3


def _prompt() -> str:
    return str(routing(1).head(1)[0].prompt)


CALLS: dict[str, tuple[str, str, Callable[[World], None]]] = {
    "tuningJobs.create": ("POST", "*/tuningJobs", start),
    "tuningJobs.list before": ("GET", "*/tuningJobs", start),
    "tuningJobs.get": ("GET", "*/tuningJobs/*", wait),
    "tuningJobs.list": ("GET", "*/tuningJobs", listed),
    "tuningJobs.cancel": ("POST", "*/tuningJobs/*:cancel", stop),
    "pipelineJobs.create": ("POST", "*/pipelineJobs", pipe),
    "pipelineJobs.get": ("GET", "*/pipelineJobs/*", wait_for_pipe),
    "pipelineJobs.list": ("GET", "*/pipelineJobs", listed),
    "pipelineJobs.cancel": ("POST", "*/pipelineJobs/*:cancel", stop_pipe),
    "objects.insert": ("POST", "/upload/*", start),
    "objects.get": ("GET", "/storage/*/o/*", start),
    "models.get": ("GET", "*/models/*", look_at_model),
    "models.list": ("GET", "*/models", list_models),
    "models.delete": ("DELETE", "*/models/*", delete),
    "endpoints.get": ("GET", "*/endpoints/*", delete),
    "endpoints.undeployModel": ("POST", "*:undeployModel", delete),
    "endpoints.delete": ("DELETE", "*/endpoints/*", delete),
    "endpoints.create": ("POST", "*/endpoints", deploy),
    "endpoints.deployModel": ("POST", "*:deployModel", deploy),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", CALLS)
def test_a_fault_at_a_call_is_survived(call: str, fault: str, world: World) -> None:
    if (call, fault) == ("pipelineJobs.cancel", "garbage"):
        pytest.skip("an answer of 200 is one, where nothing but that is to be answered")
    http, path, story = CALLS[call]
    world.emulator.fail_next(VertexFault(method=http, path=path, **FAULTS[fault]))
    story(world)
    world.emulator.check_faults_fired()
    assert len(world.alive()) <= 1


@pytest.mark.parametrize("second", FAULTS)
@pytest.mark.parametrize("first", ["500 after", "reset after", "late", "429"])
def test_two_faults_at_the_start_end_with_one_job(first: str, second: str, world: World) -> None:
    for fault in (FAULTS[first], FAULTS[second]):
        world.emulator.fail_next(VertexFault(method="POST", path="*/tuningJobs", **fault))
    jobs: list[tk.Job[Any]] = []
    for _ in range(4):
        try:
            jobs.append(world.tuned())
            break
        except tk.SubmissionUnknown:
            world.emulator.advance(300)
    world.emulator.advance(300)
    assert world.alive() == [job.id.removeprefix("vertex:") for job in jobs]


def test_a_lost_answer_is_never_answered_by_a_second_request_at_once(world: World) -> None:
    world.emulator.fail_next(
        VertexFault(kind="reset", when="after", method="POST", path="*/tuningJobs")
    )
    world.tuned()
    sent = [
        c for c in world.emulator.requests if c.method == "POST" and c.path.endswith("/tuningJobs")
    ]
    assert len(sent) == 1


def test_a_request_that_was_delivered_twice_leaves_one_job_in_the_end(
    world: World, tmp_path: Path
) -> None:
    world.emulator.fail_next(VertexFault(kind="duplicate", method="POST", path="*/tuningJobs"))
    first = world.tuned()
    elsewhere = client_on(world.emulator, tmp_path / "other")
    again = elsewhere.tune(SUPERVISED, routing(12), key="k")
    world.emulator.advance(60)
    assert again.id == first.id
    assert world.alive() == [first.id.removeprefix("vertex:")]


def test_a_question_whose_answer_was_lost_is_not_asked_again(world: World) -> None:
    model = world.tuned().result()
    world.emulator.fail_next(
        VertexFault(
            kind="status", status=503, when="after", method="POST", path="*:generateContent"
        )
    )
    with pytest.raises(tk.BackendFault, match="may have run and be billed"):
        model.predict(_prompt())
    asked = [call for call in world.emulator.requests if call.path.endswith(":generateContent")]
    assert len(asked) == 1


def test_a_question_that_was_turned_away_is_asked_again(world: World) -> None:
    model = world.tuned().result()
    world.emulator.fail_next(
        VertexFault(kind="status", status=429, method="POST", path="*:generateContent")
    )
    assert model.predict(_prompt()).text == "billing"
    world.emulator.check_faults_fired()


def test_a_wait_survives_a_day_without_service(world: World) -> None:
    job = world.tuned()
    world.emulator.fail_next(
        VertexFault(kind="status", status=503, method="GET", path="*/tuningJobs/*", times=2_000)
    )
    before, calls = world.emulator.clock.now(), len(world.emulator.requests)
    with pytest.raises(tk.JobTimeout):
        job.wait(timeout_seconds=24 * 3_600)
    assert world.emulator.clock.now() - before >= 24 * 3_600
    assert len(world.emulator.requests) - calls <= 1_500
