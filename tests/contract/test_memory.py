"""The fake keeps the contract of all backends."""

from __future__ import annotations

import pytest

import tunekit as tk
from tunekit.testing import (
    BEHAVIOURS,
    Behaviour,
    MemoryBackend,
    NotApplicable,
    Stage,
    check_backend,
)
from tuner_cases import CASES, Case, lacking

LACKS = {
    "the_same_key_elsewhere_gives_the_same_job": "keeps jobs",
    "a_job_can_be_picked_up_elsewhere": "keeps jobs",
    "losses_are_finite_and_fall": "Scores",
}
"""What the fake cannot do: it lives in one process, and has no weights."""


@pytest.fixture(scope="module", params=CASES, ids=str)
def stage(request: pytest.FixtureRequest) -> Stage:
    case: Case = request.param
    backend = MemoryBackend()
    return Stage(
        lambda: backend,
        tuner=case.tuner("any"),
        data=case.data,
        other_data=case.other,
        keeps_jobs=False,
    )


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=str)
def test_the_fake_keeps_the_contract(behaviour: Behaviour, stage: Stage) -> None:
    lacks = LACKS | lacking(stage.tuner.model_kind)
    if behaviour.name in lacks:
        with pytest.raises(NotApplicable, match=lacks[behaviour.name]):
            behaviour.hold(stage)
    else:
        behaviour.hold(stage)


def test_all_at_once_tells_what_was_kept() -> None:
    backend = MemoryBackend()
    held = check_backend(lambda: backend, keeps_jobs=False)
    lacks = LACKS | lacking("text")
    assert held.not_applicable == lacks
    assert len(held.kept) + len(lacks) == len(BEHAVIOURS) >= 50


class Forgetful(MemoryBackend):
    """Starts a new job for a key that it knows."""

    def submit(self, request, rows):  # type: ignore[no-untyped-def]
        self._jobs = {}
        return super().submit(request, rows)


class Stubborn(MemoryBackend):
    """Does not stop."""

    def cancel(self, job_id):  # type: ignore[no-untyped-def]
        return self.fetch(job_id)


class Talkative(MemoryBackend):
    """Tells every event again, whatever was read."""

    def events(self, job_id, after=0):  # type: ignore[no-untyped-def]
        return super().events(job_id)


@pytest.mark.parametrize(
    ("broken", "behaviour"),
    [
        (Forgetful, "another_key_gives_another_job"),
        (Stubborn, "a_cancelled_job_ends"),
        (Talkative, "events_can_be_read_on_from_anywhere"),
    ],
)
def test_a_backend_that_breaks_the_contract_is_caught(
    broken: type[MemoryBackend], behaviour: str
) -> None:
    script = [tk.JobState.QUEUED, tk.JobState.RUNNING, tk.JobState.SUCCEEDED]
    backend = broken([*script] if broken is not Stubborn else ["RUNNING", "FAILED"])
    with pytest.raises(AssertionError, match=behaviour):
        check_backend(lambda: backend, keeps_jobs=False)
