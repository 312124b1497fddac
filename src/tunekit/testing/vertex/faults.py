"""What goes wrong on the wire, as data, and whether it did.

Belongs here: the plan of faults, and its bookkeeping.
Does not belong here: doing it to a socket (`server.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field

from tunekit._text import plural
from tunekit._value import Value
from tunekit.testing.vertex.wire import Call

FaultKind = Literal[
    "close",
    "duplicate",
    "garbage",
    "html",
    "late",
    "reset",
    "slow",
    "stall",
    "status",
    "truncate",
]


class VertexFault(Value):
    """Something that goes wrong with a call to a `VertexEmulator`."""

    kind: FaultKind
    """- `status`: an error in JSON, with `status`.
    - `html`: an error page of a proxy, with `status`.
    - `reset`: the connection is reset. `close`: it is closed. Neither gives an answer.
    - `truncate`: the connection is closed in the middle of the answer.
    - `garbage`: the answer is a 200 that no one can read.
    - `stall`: nothing comes for `seconds` of real time, and then the connection is closed.
    - `slow`: the call takes effect, and its answer comes in pieces over `seconds` of real time.
    - `late`: the connection is closed, and the call takes effect `seconds` later on the emulator's clock.
    - `duplicate`: the call is delivered twice, and the first answer is given.
    """
    when: Literal["before", "after"] = "before"
    """`before`: the call has no effect. `after`: it takes effect, and its answer is lost. `slow`, `late` and
    `duplicate` say so themselves."""
    method: str = "*"
    """Verb of the calls it is meant for, such as `POST`; `*` for any."""
    path: str = "*"
    """Path of the calls it is meant for, with `*` for any part, also with slashes: `*/tuningJobs`, `*:cancel`."""
    nth: int = Field(default=1, ge=1)
    """The first such call that it hits."""
    times: int = Field(default=1, ge=1)
    """How many calls it hits, one after the other."""
    status: int = Field(default=503, ge=400, le=599)
    """HTTP status, for `status` and `html`."""
    seconds: float = Field(default=0.5, ge=0)
    """How long, for `stall`, `slow` and `late`."""
    retry_after_seconds: int | None = Field(default=None, ge=0)
    """Header `Retry-After`, for `status` and `html`. `None` sends none."""

    def is_meant_for(self, call: Call) -> bool:
        """Whether it is about calls like this one."""
        return self.method in ("*", call.method) and fnmatchcase(call.path, self.path)

    def __str__(self) -> str:
        return f"{self.kind} ({self.when}) at {self.method} {self.path}, call {self.nth}"


class FiredFault(Value):
    """A fault that happened."""

    fault: VertexFault
    call: int
    """The call it hit, as an index into `VertexEmulator.requests`."""


@dataclass(slots=True)
class _Planned:
    fault: VertexFault
    seen: int = 0
    hit: int = 0


class FaultPlan:
    """The faults to come, and those that have been."""

    def __init__(self, faults: Iterable[VertexFault]) -> None:
        self._planned = [_Planned(fault) for fault in faults]
        self.fired: list[FiredFault] = []

    def add(self, fault: VertexFault) -> None:
        """Plan another one, which counts calls from now on."""
        self._planned.append(_Planned(fault))

    def next_for(self, call: Call, number: int) -> VertexFault | None:
        """The fault that this call is to meet: the first of the plan that is due."""
        chosen: _Planned | None = None
        for plan in self._planned:
            if not plan.fault.is_meant_for(call):
                continue
            plan.seen += 1
            due = plan.seen >= plan.fault.nth and plan.hit < plan.fault.times
            if due and chosen is None:
                chosen = plan
        if chosen is None:
            return None
        chosen.hit += 1
        self.fired.append(FiredFault(fault=chosen.fault, call=number))
        return chosen.fault

    @property
    def left(self) -> tuple[VertexFault, ...]:
        """Faults that have not hit as often as planned."""
        return tuple(plan.fault for plan in self._planned if plan.hit < plan.fault.times)

    def check(self) -> None:
        """Hold that every planned fault has happened.

        Raises:
            AssertionError: One has not; it names them.
        """
        left = self.left
        if left:
            names = "\n".join(f"- {fault}" for fault in left)
            raise AssertionError(
                f"{plural(len(left), 'planned fault')} did not happen as often as planned:\n{names}\n"
                "Look at VertexEmulator.requests for the calls that came."
            )
