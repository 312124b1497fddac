"""What is known about the models and ways of tuning of Vertex AI: typed readers of `vertex.toml`.

Belongs here: finding a row.
Does not belong here: refusing or warning because of one (`backends/vertex/capability.py`).
"""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeVar

from pydantic import Field

from tunekit._value import Value

Family = Literal["embedding", "gemini", "imagen", "open", "palm"]
"""Kinds of base model that are tuned alike."""

_PUBLISHER = "publishers/google/models/"
RowT = TypeVar("RowT", bound=Value)


class _Sourced(Value):
    source: str
    """Public page that says so."""
    checked: date
    """When the page was read."""


class VertexModel(_Sourced):
    """A base model that Vertex AI can tune, or once could."""

    id: str
    family: Family
    methods: tuple[str, ...]
    """Ways of tuning that are documented for it."""
    released: date | None = None
    retires: date | None = None
    """The day from which it is gone; `None` where no day is known."""
    retires_not_before: bool = False
    """Whether `retires` is the earliest such day, and not yet a promise."""
    successor: str | None = None
    """What Google says to use instead."""
    regions: tuple[str, ...] = ()
    """Where it can be tuned; empty where no page lists them."""
    adapter_sizes: tuple[int, ...] = ()
    """Ranks that an adapter may have; empty where none are listed."""
    tuning_modes: tuple[Literal["adapter", "full"], ...] = ()
    max_example_tokens: int | None = Field(default=None, ge=1)
    """Tokens of prompt and answer together."""
    max_input_tokens: int | None = Field(default=None, ge=1)
    max_output_tokens: int | None = Field(default=None, ge=1)
    max_validation_rows: int | None = Field(default=None, ge=1)
    serving: Literal["job", "multi_region", "none"] = "job"
    """Where the tuned model answers: in the region of the job, in a multi-region, or nowhere until it is deployed."""
    cmek: Literal["no", "unknown", "yes"] = "unknown"
    """Whether a key of one's own is documented."""

    def is_retired(self, today: date) -> bool:
        """Whether it is gone on that day. An earliest day is none on which it is gone."""
        return self.retires is not None and not self.retires_not_before and self.retires <= today


class RetiredMethod(_Sourced):
    """A way of tuning that Vertex AI no longer offers."""

    method: str
    since: date
    what: str
    successor: str
    note: str


class VertexLimit(_Sourced):
    """How much a way of tuning takes, for a family of models. `None` where no page says."""

    family: Family
    method: str
    max_train_rows: int | None = Field(default=None, ge=1)
    max_file_rows: int | None = Field(default=None, ge=1)
    """Most rows where some point to images, sounds or other files."""
    max_validation_rows: int | None = Field(default=None, ge=1)
    max_file_bytes: int | None = Field(default=None, ge=1)
    max_prompt_tokens: int | None = Field(default=None, ge=1)
    max_output_tokens: int | None = Field(default=None, ge=1)
    recommended_rows: int | None = Field(default=None, ge=1)


class VertexPrice(_Sourced):
    """What tuning costs."""

    model: str
    method: str
    usd_per_million_tokens: float = Field(gt=0)
    """For a million training tokens: tokens of the rows times epochs."""
    official: bool
    """Whether the vendor's own page was read; else others quote it, and `source` is the page to hold it against."""


def vertex_models() -> tuple[VertexModel, ...]:
    """All rows, retired ones included."""
    return _rows("models", VertexModel)


def vertex_model(name: str) -> VertexModel | None:
    """The base model of that name, or `None` where it is not in the catalog.

    Args:
        name: An id, with or without `publishers/google/models/` in front and a version behind.
    """
    short = short_name(name)
    known = {model.id: model for model in vertex_models()}
    return known.get(short) or known.get(f"{short}-001") or _unversioned(short, known)


def short_name(name: str) -> str:
    """The name of a base model without the publisher in front."""
    return name.removeprefix(_PUBLISHER)


def retired_methods() -> tuple[RetiredMethod, ...]:
    """All ways of tuning that are gone."""
    return _rows("retired_methods", RetiredMethod)


def retired_method(method: str) -> RetiredMethod | None:
    """The row of a way of tuning that is gone, or `None`."""
    return next((row for row in retired_methods() if row.method == method), None)


def vertex_limit(family: Family, method: str) -> VertexLimit | None:
    """How much a way of tuning takes, or `None` where nothing is known."""
    rows = _rows("limits", VertexLimit)
    return next((row for row in rows if row.family == family and row.method == method), None)


def vertex_price(name: str, method: str) -> VertexPrice | None:
    """What tuning costs, or `None` where no price is known."""
    model = vertex_model(name)
    known_as = model.id if model else short_name(name)
    rows = _rows("prices", VertexPrice)
    return next((row for row in rows if row.model == known_as and row.method == method), None)


def _unversioned(name: str, known: dict[str, VertexModel]) -> VertexModel | None:
    """PaLM models are versioned as `text-bison@002`, and all versions are alike here."""
    found = known.get(name.partition("@")[0])
    return found if found is not None and found.family in ("imagen", "palm") else None


@cache
def _rows(name: str, kind: type[RowT]) -> tuple[RowT, ...]:
    return tuple(kind.model_validate(row) for row in _file().get(name, ()))


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(files("tunekit.catalog").joinpath("vertex.toml").read_text("utf-8"))
