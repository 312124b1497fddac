"""What is known about base models and tasks, as dated data with a public source per row.

Belongs here: the tables (`models.toml`, `recommendations.toml`, `limits.toml`) and their typed reader.
Does not belong here: decisions made from them (`tuners/`, `backends/`).
"""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import Field

from tunekit._value import Value


class Recommendation(Value):
    """How many rows and steps a task is said to need."""

    task: str
    rows: int = Field(ge=1)
    """At least so many rows."""
    train_steps: tuple[int, int]
    """Least and most optimiser steps."""
    source: str
    """Public page that says so."""
    checked: date
    """When the page was read."""


class LearningRates(Value):
    """Learning rates to start from."""

    adapter_learning_rate: float = Field(gt=0)
    """Where a low-rank adapter is trained."""
    full_learning_rate: float = Field(gt=0)
    """Where all weights are trained."""
    source: str
    note: str
    checked: date


class ModelEntry(LearningRates):
    """A base model that a backend can tune."""

    id: str
    parameters: int = Field(ge=1)
    """Number of weights."""
    context_tokens: int = Field(ge=1)
    """Tokens of prompt and answer together that the model takes."""
    methods: tuple[str, ...]
    """Ways of tuning that it is known to take."""
    license: str


def recommendations(method: str) -> tuple[Recommendation, ...]:
    """What tasks are said to need, for a way of tuning."""
    rows = _table("recommendations.toml").get(method, [])
    return tuple(Recommendation.model_validate(row) for row in rows)


def recommendation(method: str, task: str | None) -> Recommendation | None:
    """What a task is said to need, or `None` where nothing is known."""
    return next((row for row in recommendations(method) if row.task == task), None)


def models(backend: str) -> tuple[ModelEntry, ...]:
    """The base models that a backend is known to tune."""
    return tuple(ModelEntry.model_validate(row) for row in _table("models.toml").get(backend, []))


def model(backend: str, id: str) -> ModelEntry | None:
    """The base model of that id, or `None` where it is not in the catalog."""
    return next((entry for entry in models(backend) if entry.id == id), None)


def default_rates(backend: str) -> LearningRates:
    """Learning rates for a base model that is not in the catalog."""
    defaults = _table("models.toml")["defaults"]
    return LearningRates.model_validate(defaults.get(backend, defaults["local"]))


def limits(data: str) -> dict[str, Any]:
    """How much of some kind of data a managed service takes, such as `retrieval`."""
    found: dict[str, Any] = _table("limits.toml")[data]
    return found


@cache
def _table(name: str) -> dict[str, Any]:
    return tomllib.loads(files("tunekit.catalog").joinpath(name).read_text(encoding="utf-8"))
