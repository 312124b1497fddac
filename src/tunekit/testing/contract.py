"""The contract that every backend keeps, as plain assertions: the meaning of "the same code on another backend".

All at once, with the outcome as a value:

    check_backend(lambda: MyBackend(...))

or one test per behaviour, with a stage that they share, since jobs take time:

    @pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=str)
    def test_my_backend_keeps_the_contract(behaviour, stage):
        behaviour.hold(stage)

Belongs here: running the behaviours.
Does not belong here: the behaviours (`behaviours.py` and its siblings), what they act on (`stage.py`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from tunekit.jobs.backend import Backend
from tunekit.testing import behaviours, embedding_behaviours
from tunekit.testing.stage import NotApplicable, Stage
from tunekit.tuners.registry import AnyTuner

__all__ = ["BEHAVIOURS", "Behaviour", "Held", "NotApplicable", "Stage", "check_backend"]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One thing that every backend does."""

    name: str
    assertion: Callable[[Stage], None]

    def hold(self, stage: Stage) -> None:
        """Assert it.

        Raises:
            AssertionError: The backend does otherwise.
            NotApplicable: The backend has not the ability that it is about.
        """
        self.assertion(stage)

    def __str__(self) -> str:
        return self.name


@dataclass(slots=True)
class Held:
    """What came out of holding a backend against the contract."""

    kept: list[str] = field(default_factory=list[str])
    """Behaviours that were seen."""
    not_applicable: dict[str, str] = field(default_factory=dict[str, str])
    """Behaviours about an ability that the backend has not, each with the ability."""


_MODULES = (behaviours, embedding_behaviours)


def _own_functions(module: ModuleType) -> list[Callable[[Stage], None]]:
    """The functions of a module, in the order in which they stand there."""
    found = inspect.getmembers(module, inspect.isfunction)
    own = [function for _, function in found if function.__module__ == module.__name__]
    return sorted(own, key=lambda function: function.__code__.co_firstlineno)


def _behaviours() -> tuple[Behaviour, ...]:
    ordered = [function for module in _MODULES for function in _own_functions(module)]
    return tuple(
        Behaviour(function.__name__, function)
        for function in ordered
        if not function.__name__.startswith("_")
    )


BEHAVIOURS: tuple[Behaviour, ...] = _behaviours()
"""Everything that every backend does, quick ones first."""


def check_backend(
    make_backend: Callable[[], Backend],
    *,
    tuner: AnyTuner | None = None,
    data: Any = None,
    keeps_jobs: bool = True,
) -> Held:
    """Hold a backend against every behaviour.

    Args:
        make_backend: Gives the backend under test, each time for the same place.
        tuner: A tuner that this backend finishes quickly. `None` takes four steps of supervised tuning.
        data: What it takes. `None` takes twelve short rows.
        keeps_jobs: Whether two backends from `make_backend` see each other's jobs.

    Returns:
        Which behaviours were seen, and which are about an ability that the backend has not.

    Raises:
        AssertionError: The backend breaks the contract; the text names every behaviour that was not seen.
    """
    stage = Stage(make_backend, keeps_jobs=keeps_jobs)
    stage.tuner = tuner or stage.tuner
    stage.data = stage.data if data is None else data
    held, broken = Held(), list[str]()
    for behaviour in BEHAVIOURS:
        try:
            behaviour.hold(stage)
        except NotApplicable as ability:
            held.not_applicable[behaviour.name] = str(ability)
        except Exception as error:  # whatever it is, the contract is broken
            broken.append(f"{behaviour.name}: {type(error).__name__}: {error}")
        else:
            held.kept.append(behaviour.name)
    if broken:
        listed = "\n  ".join(broken)
        raise AssertionError(f"{stage.backend!r} breaks the contract:\n  {listed}")
    return held
