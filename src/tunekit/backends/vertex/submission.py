"""Starts the job of a key exactly once, whatever happens to processes, answers and machines.

Pipeline jobs have ids that tunekit chooses, so a second attempt finds the first: exactly once, from any number of
machines. Tuning jobs have none. There the job carries the key as a label, an attempt is written down and claimed in the
bucket before it is sent, and after a lost answer nothing is sent again before the grace is over and a complete list
has been without the job. So it is exactly once as long as a request that the server accepts shows in its lists within
the grace, and no process sleeps between its claim and its request for longer than that. A job that carries the label
is never lost: it is found without the journal.

Belongs here: the order of the steps. Everything uncertain comes in as an argument, and so a test can try every order of
events on this very code.
Does not belong here: calls (`service.py`), the file of the journal (`journal.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tunekit.backends.vertex.faults import Exists
from tunekit.backends.vertex.journal import Journal
from tunekit.errors import KeyReused, SubmissionUnknown, TransientFault, TunekitError

MARGIN_SECONDS = 10.0
"""How long a process may take from its claim to its request."""


@dataclass(frozen=True, slots=True)
class Found:
    """A job that carries the key."""

    name: str
    fingerprint: str
    created: str
    """When, as the server writes it; such texts sort by time."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who is starting the job of a key."""

    deadline: float
    """Time after which its request cannot be under way any more; 0 where it was refused."""
    generation: int
    """The state in which the claim was seen."""


class Labelled(Protocol):
    """A service whose jobs carry the key as a label."""

    def find(self, *, complete: bool) -> Sequence[Found]:
        """The jobs that carry the key.

        Args:
            complete: Whether to go through all jobs, rather than ask the server for those with the label.
        """
        ...

    def create(self) -> Found:
        """Start a job.

        Raises:
            SubmissionUnknown: The answer was lost.
            TunekitError: It was refused.
        """
        ...

    def cancel(self, name: str) -> None:
        """Ask a job to stop."""
        ...

    def claim(self) -> Claim | None:
        """The claim on the key, or `None`."""
        ...

    def take(self, deadline: float, generation: int) -> int | None:
        """Write a claim, unless it has changed since it was seen.

        Returns:
            Its new state, or `None` where somebody was quicker.
        """
        ...


class Identified(Protocol):
    """A service whose jobs have ids that the caller chooses."""

    def get(self) -> Found | None:
        """The job of that id, or `None`."""
        ...

    def create(self) -> Found:
        """Start it.

        Raises:
            Exists: There is one of that id.
            TunekitError: It was refused, or the answer was lost.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a submission keeps to."""

    fingerprint: str
    """What was asked for."""
    now: Callable[[], float]
    """The time, comparable between processes and, but for `grace_seconds`, machines."""
    timeout_seconds: float
    """How long a request may be under way."""
    grace_seconds: float
    """How long after that an accepted request may take to show in a list."""


def submit_labelled(
    service: Labelled, journal: Journal, rules: Rules, prepare: Callable[[], None]
) -> Found:
    """Start a job that carries its key as a label, or give the one that there is.

    Args:
        service: The calls.
        journal: The steps taken so far.
        rules: What to keep to.
        prepare: Uploads what the request names; called before it is sent, and without harm more than once.

    Raises:
        KeyReused: The key belongs to a job that was asked for differently.
        SubmissionUnknown: A request may be under way; call again later.
        TransientFault: Nothing was sent; try again.
    """
    known = _known(journal, rules)
    if known is not None:
        return known
    looked_at = rules.now()
    in_doubt = _doubt_until(journal, rules)
    found = service.find(complete=in_doubt is not None)
    if found:
        return _adopted(service, journal, rules, found)
    claim = service.claim()
    if claim is not None and claim.deadline:
        claimed_until = claim.deadline + rules.grace_seconds
        in_doubt = max(in_doubt or 0.0, claimed_until)
        if looked_at >= claimed_until:  # somebody's old attempt: only a list of everything counts
            found = service.find(complete=True)
            if found:
                return _adopted(service, journal, rules, found)
    if in_doubt is not None and looked_at < in_doubt:
        raise SubmissionUnknown(
            f"A request for this key may be under way for another {in_doubt - looked_at:.0f} s.",
            hint="Call again then, with the same key; nothing was sent now.",
        )
    prepare()
    return _sent(service, journal, rules, claim)


def submit_identified(
    service: Identified, journal: Journal, rules: Rules, prepare: Callable[[], None]
) -> Found:
    """Start a job under an id of ours, or give the one that has it; the arguments are those of `submit_labelled`.

    Raises:
        KeyReused: The id belongs to a job that was asked for differently.
        TransientFault: The answer was lost, or nothing was sent; trying again does no harm.
    """
    known = _known(journal, rules)
    if known is not None:
        return known
    found = service.get()
    if found is None:
        prepare()
        journal.add("submitting", {"deadline": rules.now() + rules.timeout_seconds})
        try:
            found = service.create()
        except Exists:
            found = service.get()
            if found is None:
                raise TransientFault(
                    "The id of the job is taken, and the job does not show yet.", hint="Try again."
                ) from None
    return _checked(journal, rules, found)


def _sent(service: Labelled, journal: Journal, rules: Rules, claim: Claim | None) -> Found:
    started = rules.now()
    deadline = started + MARGIN_SECONDS + rules.timeout_seconds
    generation = service.take(deadline, claim.generation if claim else 0)
    if generation is None:
        raise TransientFault(
            "Another process is starting the job of this key.", hint="Nothing was sent; try again."
        )
    journal.add("submitting", {"deadline": deadline})
    if rules.now() > started + MARGIN_SECONDS:
        _release(service, journal, generation)
        raise TransientFault(
            "This process was held up before it could send its request.", hint="Try again."
        )
    try:
        made = service.create()
    except SubmissionUnknown:
        raise
    except TunekitError:
        _release(service, journal, generation)
        raise
    return _checked(journal, rules, made)


def _release(service: Labelled, journal: Journal, generation: int) -> None:
    """The request was refused: the next one need not wait."""
    journal.add("refused", {})
    service.take(0.0, generation)


def _known(journal: Journal, rules: Rules) -> Found | None:
    """The job that the journal names."""
    for step in reversed(journal.steps()):
        if step["step"] == "submitted":
            found = Found(str(step["name"]), str(step["fingerprint"]), str(step["created"]))
            _refuse_another(rules, found)
            return found
    return None


def _doubt_until(journal: Journal, rules: Rules) -> float | None:
    """Until when a request of ours, whose fate is not known, may still show up; `None` where there is none."""
    last: dict[str, Any] = next(
        (s for s in reversed(journal.steps()) if s["step"] in ("refused", "submitting")), {}
    )
    if last.get("step") != "submitting":
        return None
    return float(last["deadline"]) + rules.grace_seconds


def _adopted(service: Labelled, journal: Journal, rules: Rules, found: Sequence[Found]) -> Found:
    """The oldest of the jobs that carry the key; younger ones are stopped."""
    oldest, *younger = sorted(found, key=lambda one: (one.created, one.name))
    checked = _checked(journal, rules, oldest)
    for one in younger:
        service.cancel(one.name)
    return checked


def _checked(journal: Journal, rules: Rules, found: Found) -> Found:
    _refuse_another(rules, found)
    journal.add(
        "submitted",
        {"name": found.name, "fingerprint": found.fingerprint, "created": found.created},
    )
    return found


def _refuse_another(rules: Rules, found: Found) -> None:
    if found.fingerprint != rules.fingerprint:
        raise KeyReused(
            "The key belongs to a job with other rows or settings.",
            hint=f"Use another key, or pick that job up with client.job('vertex:{found.name}').",
            place=f"vertex:{found.name}",
        )
