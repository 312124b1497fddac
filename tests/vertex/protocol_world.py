"""A world in which a submission can go wrong at every step, and a search through all the ways in which it can.

Everything uncertain goes through `World.point`: there a plan decides whether something happens. The code under test is
the production code of `submission.py`; only the services, the journal and the clock are of this world.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tunekit.backends.vertex.faults import Exists
from tunekit.backends.vertex.submission import (
    Claim,
    Found,
    Rules,
    submit_identified,
    submit_labelled,
)
from tunekit.errors import QuotaExceeded, SubmissionUnknown, TransientFault

TIMEOUT, LATE, LAG, GRACE = 60.0, 90.0, 30.0, 180.0
"""Seconds: how long a request is waited for, how late one may take effect, and how long lists lag behind."""


class Crash(BaseException):
    """The process is gone."""


@dataclass
class World:
    """The server, the disk and the clock; `plan` says what happens at which point."""

    plan: Mapping[int, str]
    now: float = 1_000.0
    jobs: list[tuple[float, Found]] = field(default_factory=list)
    """Jobs with the time from which they are listed."""
    cancelled: set[str] = field(default_factory=set)
    steps: list[dict[str, Any]] = field(default_factory=list)
    claims: tuple[float, int] | None = None
    options: list[tuple[str, ...]] = field(default_factory=list)
    """What could have happened at each point so far."""
    happened: int = 0

    def point(self, *events: str) -> str:
        """A place where something may happen; gives what does."""
        number = len(self.options)
        self.options.append(events)
        chosen = self.plan.get(number, "")
        self.happened += bool(chosen)
        if chosen == "crash":
            raise Crash
        return chosen

    def commit(self, delay: float = 0.0) -> Found:
        """The server accepts a job."""
        at = self.now + delay
        found = Found(f"job-{len(self.jobs) + 1}", "fp", f"{at:012.3f}")
        self.jobs.append((at + LAG, found))
        return found


class WorldJournal:
    """A journal on the disk of the world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def steps(self) -> list[dict[str, Any]]:
        """What is on the disk."""
        return list(self.world.steps)

    def add(self, step: str, facts: Mapping[str, Any]) -> None:
        """Written and synced, unless the process dies before; or it dies right after."""
        self.world.point("crash")
        self.world.steps.append({"step": step, **facts})
        self.world.point("crash")


class WorldLabelled:
    """Jobs that carry their key as a label."""

    def __init__(self, world: World) -> None:
        self.world = world

    def find(self, *, complete: bool) -> list[Found]:
        """What lists show; a page may fail."""
        if self.world.point("fault") == "fault":
            raise TransientFault("A page was lost.", hint="Again.")
        return [job for at, job in self.world.jobs if at <= self.world.now]

    def create(self) -> Found:
        """Start a job, in all the ways in which that can go wrong."""
        world = self.world
        event = world.point("refused", "lost before", "lost after", "late", "crash")
        if event == "refused":
            raise QuotaExceeded("No room.", hint="Later.")
        if event in ("lost before", "lost after", "late"):
            if event != "lost before":
                world.commit(LATE if event == "late" else 0.0)
            world.now += TIMEOUT
            raise SubmissionUnknown("Lost.", hint="Look.")
        world.now += 1.0
        made = world.commit()
        world.point("crash")
        return made

    def cancel(self, name: str) -> None:
        """Stop a job."""
        self.world.cancelled.add(name)

    def claim(self) -> Claim | None:
        """What is in the bucket."""
        self.world.point("crash")
        return Claim(*self.world.claims) if self.world.claims else None

    def take(self, deadline: float, generation: int) -> int | None:
        """Write to the bucket, if it is as it was seen."""
        world = self.world
        world.point("crash")
        there = world.claims[1] if world.claims else 0
        if there != generation:
            return None
        world.claims = (deadline, there + 1)
        world.point("crash")
        return there + 1


class WorldIdentified:
    """Jobs with ids of ours."""

    def __init__(self, world: World) -> None:
        self.world = world

    def get(self) -> Found | None:
        """The job of the id; lists have nothing to do with it."""
        if self.world.point("fault") == "fault":
            raise TransientFault("Lost.", hint="Again.")
        return next((job for at, job in self.world.jobs if at - LAG <= self.world.now), None)

    def create(self) -> Found:
        """Start it, unless there is one."""
        world = self.world
        event = world.point("refused", "lost before", "lost after", "late", "crash")
        if event == "refused":
            raise QuotaExceeded("No room.", hint="Later.")
        if any(at - LAG <= world.now for at, _ in world.jobs):
            raise Exists("Taken.", hint="Look.")
        if event:
            if event != "lost before" and not world.jobs:
                world.commit(LATE if event == "late" else 0.0)
            world.now += TIMEOUT
            raise TransientFault("Lost.", hint="Again.")
        world.now += 1.0
        made = world.jobs[0][1] if world.jobs else world.commit()
        world.point("crash")
        return made


Submit = Callable[[World], Found]


def labelled(world: World, *, grace: float = GRACE, journal: Any = None) -> Found:
    """One call of the production code, for tuning jobs."""
    rules = Rules(
        fingerprint="fp", now=lambda: world.now, timeout_seconds=TIMEOUT, grace_seconds=grace
    )
    steps = journal or WorldJournal(world)
    return submit_labelled(WorldLabelled(world), steps, rules, lambda: None)


def identified(world: World) -> Found:
    """One call of the production code, for pipeline jobs."""
    rules = Rules(
        fingerprint="fp", now=lambda: world.now, timeout_seconds=TIMEOUT, grace_seconds=GRACE
    )
    return submit_identified(WorldIdentified(world), WorldJournal(world), rules, lambda: None)


def lived_through(world: World, submit: Submit) -> Found:
    """Call until there is a job, as a user does whose process dies and who calls again."""
    for _ in range(60):
        try:
            return submit(world)
        except Crash:
            world.now += 5.0
        except (SubmissionUnknown, TransientFault, QuotaExceeded):
            world.now += 20.0
    raise AssertionError(f"never came to an end: {dict(world.plan)}")


def schedules(submit: Submit, most_events: int) -> Iterator[tuple[World, Found]]:
    """Every way in which at most so many things go wrong."""
    waiting: list[dict[int, str]] = [{}]
    while waiting:
        plan = waiting.pop()
        world = World(plan)
        found = lived_through(world, submit)
        yield world, found
        if len(plan) == most_events:
            continue
        first = max(plan, default=-1) + 1
        for number in range(first, len(world.options)):
            waiting.extend({**plan, number: event} for event in world.options[number])


def faults_of(world: World, found: Found) -> str | None:
    """What is wrong with how it ended: a job too many, none, or a handle to another one."""
    alive = [job.name for _, job in world.jobs if job.name not in world.cancelled]
    if len(world.jobs) > 1:
        return f"{len(world.jobs)} jobs: {dict(world.plan)}"
    if alive != [found.name]:
        return f"the handle is {found.name}, the jobs are {alive}: {dict(world.plan)}"
    return None
