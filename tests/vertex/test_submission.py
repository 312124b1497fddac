"""A job is started exactly once, in every way in which up to three things can go wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

import tunekit as tk
from tunekit.backends.vertex.submission import Claim, Found, Rules, submit_labelled
from vertex.protocol_world import (
    World,
    WorldJournal,
    WorldLabelled,
    faults_of,
    identified,
    labelled,
    schedules,
)


@pytest.mark.parametrize(("submit", "most"), [(labelled, 3), (identified, 4)])
def test_every_schedule_of_three_events_ends_with_one_job(submit: Any, most: int) -> None:
    number = 0
    for world, found in schedules(submit, most):
        fault = faults_of(world, found)
        assert fault is None, fault
        number += 1
    assert number > 1_000


def duplicates(submit: Any, most: int = 2) -> int:
    """Schedules that end with more than one job, or none."""
    return sum(faults_of(world, found) is not None for world, found in schedules(submit, most))


class ForgetfulJournal(WorldJournal):
    """Does not write down that a request is about to be sent."""

    def add(self, step: str, facts: Mapping[str, Any]) -> None:
        if step != "submitting":
            super().add(step, facts)


class Unclaimed(WorldLabelled):
    """A bucket that keeps no claims."""

    def claim(self) -> Claim | None:
        return None

    def take(self, deadline: float, generation: int) -> int | None:
        return 1


def without_claims(world: World, journal: Any = None) -> Found:
    rules = Rules(
        fingerprint="fp", now=lambda: world.now, timeout_seconds=60.0, grace_seconds=180.0
    )
    steps = journal or WorldJournal(world)
    return submit_labelled(Unclaimed(world), steps, rules, lambda: None)


def test_the_search_finds_the_mistakes_it_is_there_for() -> None:
    assert duplicates(lambda world: labelled(world, grace=0.0)) > 0
    assert duplicates(lambda world: labelled(world, grace=20.0)) > 0
    assert duplicates(lambda world: without_claims(world, ForgetfulJournal(world))) > 0


def test_the_journal_alone_suffices_on_one_machine() -> None:
    assert duplicates(without_claims) == 0


def test_the_claim_alone_suffices_where_the_journal_is_lost() -> None:
    assert duplicates(lambda world: labelled(world, journal=ForgetfulJournal(world))) == 0


def test_of_two_machines_only_one_sends() -> None:
    world = World({})
    service = WorldLabelled(world)
    assert service.take(1e9, 0) == 1
    with pytest.raises(tk.SubmissionUnknown, match="under way"):
        labelled(world)
    assert world.jobs == []


def test_an_old_claim_of_a_machine_that_died_is_taken_over() -> None:
    world = World({})
    WorldLabelled(world).take(world.now - 1_000, 0)
    assert labelled(world).name == "job-1"


def test_of_several_jobs_with_one_key_the_oldest_stays() -> None:
    world = World({})
    world.commit()
    world.now += 1
    world.commit()
    world.now += 100
    assert labelled(world).name == "job-1"
    assert world.cancelled == {"job-2"}


def test_a_key_that_was_used_for_something_else_is_refused() -> None:
    world = World({})
    world.jobs.append((0.0, Found("projects/1/locations/l/tuningJobs/9", "other", "1")))
    with pytest.raises(tk.KeyReused, match=r"client\.job\('vertex:projects/1"):
        labelled(world)
    assert len(world.jobs) == 1
    with pytest.raises(tk.KeyReused):
        identified(world)


def test_a_process_that_was_held_up_does_not_send() -> None:
    world = World({})

    class Slow(WorldJournal):
        def add(self, step: str, facts: Mapping[str, Any]) -> None:
            super().add(step, facts)
            world.now += 60.0

    with pytest.raises(tk.TransientFault, match="held up"):
        labelled(world, journal=Slow(world))
    assert world.jobs == []
