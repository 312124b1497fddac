"""The error tree: drawn as it is, picklable, and in three parts."""

from __future__ import annotations

import inspect
import pickle
import re
from datetime import UTC, date, datetime
from typing import Any

import pytest

import tunekit as tk
from sample_rows import routing
from tunekit import errors
from tunekit.jobs.record import JobRecord
from tunekit.jobs.states import JobState

ALL = [
    error
    for _, error in inspect.getmembers(errors, inspect.isclass)
    if issubclass(error, errors.TunekitError)
]


def drawn() -> dict[str, str | None]:
    """The tree in the docstring: each name with the standard class beside it."""
    found = re.findall(r"^[ │├└─]*([A-Z]\w+)(?: +\((\w+)\))?", errors.__doc__ or "", re.MULTILINE)
    return {name: standard or None for name, standard in found if hasattr(errors, name)}


def example(error: type[errors.TunekitError]) -> errors.TunekitError:
    """An error of that class with everything that it carries."""
    carried: dict[str, Any] = {}
    if issubclass(error, errors.DatasetInvalid):
        carried["report"] = routing(2).check()
    if issubclass(error, errors.JobFailed):
        plan = tk.Client(tk.MemoryBackend()).plan(tk.SupervisedTuner(base_model="m"), routing(4))
        carried["record"] = JobRecord(
            id="memory:1", state=JobState.FAILED, request=plan.job, created_at=datetime.now(UTC)
        )
    if issubclass(error, errors.CapabilityRetired):
        carried |= {"since": date(2025, 4, 21), "successor": None}
    if issubclass(error, errors.MissingExtra):
        carried["extra"] = "local"
    return error("The fact.", hint="The way out.", place="here", **carried)


def test_the_drawing_shows_every_error_and_its_standard_class() -> None:
    tree = drawn()
    assert set(tree) == {error.__name__ for error in ALL}
    for error in ALL:
        standard = tree[error.__name__]
        if standard is not None:
            assert standard in {base.__name__ for base in error.__mro__}, error


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_an_error_survives_pickling_with_all_it_carries(error: type[errors.TunekitError]) -> None:
    before = example(error)
    after = pickle.loads(pickle.dumps(before))
    assert type(after) is error
    assert str(after) == str(before) == "here: The fact. The way out."
    assert vars(after) == vars(before)


@pytest.mark.parametrize("error", ALL, ids=lambda error: error.__name__)
def test_every_error_is_exported(error: type[errors.TunekitError]) -> None:
    assert getattr(tk, error.__name__) is error


def test_only_passing_faults_are_retryable() -> None:
    assert {error.__name__ for error in ALL if error.retryable} == {
        "QuotaExceeded",
        "TransientFault",
    }
