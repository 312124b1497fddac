"""One way of tuning from rows to a measured before and after, on this machine, without a network.

One file per way of tuning; the rows lie beside it. `quickstart_of` finds the file.

Belongs here: what every quickstart gives, and the table of them.
Does not belong here: printing (`cli.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.resources import as_file, files
from itertools import islice
from types import MappingProxyType
from typing import Protocol, TypeVar, cast

from pydantic import Field

from tunekit._text import did_you_mean, either
from tunekit._value import Value
from tunekit.client import Client
from tunekit.data.dataset import Dataset
from tunekit.data.rows import RowT
from tunekit.errors import SettingInvalid
from tunekit.jobs.models import TunedModel
from tunekit.tuners.base import Tuner

DataT = TypeVar("DataT")
ModelT = TypeVar("ModelT")

_OWN: Mapping[str, str] = MappingProxyType(
    {
        kind: f"tunekit.quickstart.{kind.replace('-', '_')}"
        for kind in (
            "supervised",
            "rlhf",
            "preference",
            "reinforcement",
            "distillation",
            "embedding",
            "imagen-style",
            "imagen-subject",
        )
    }
)

Say = Callable[[str, object], None]
"""Is told each step: the line of Python that does it, and the value that comes out."""


class Outcome(Value):
    """What a quickstart measured."""

    method: str
    metric: str
    before: float
    """The base model on held-out rows, from 0 to 1."""
    after: float
    """The tuned model on the same rows."""
    rows: int
    """Rows that were trained on."""
    seconds: float
    """From the first row read to the last answer."""
    model_id: str

    @classmethod
    def of(
        cls,
        model: TunedModel,
        *,
        metric: str,
        before: float,
        after: float,
        rows: int,
        started: float,
    ) -> Outcome:
        """Of a model, with figures as they are quoted; `started` is what the monotonic clock said then."""
        return cls(
            method=model.record.method.replace("_", "-"),
            metric=metric,
            before=round(before, 4),
            after=round(after, 4),
            rows=rows,
            seconds=round(time.monotonic() - started, 1),
            model_id=model.id,
        )


class Size(Value):
    """How much of a quickstart is run; less of it is quicker, and learns less."""

    max_rows: int | None = Field(default=None, ge=20)
    """Sample rows to take, of each kind. `None` takes all."""
    train_steps: int | None = Field(default=None, ge=1)
    """Optimiser steps of each training. `None` takes those that the tuner decides on."""
    num_images: int | None = Field(default=None, ge=1)
    """Pictures that an image model draws of each prompt when it is evaluated, and in all for prior preservation. `None`
    takes 4, and what the tuner decides on."""


WHOLE = Size()


class Quickstart(Protocol):
    """Tunes, evaluates and predicts, telling each step."""

    def __call__(self, client: Client, say: Say, size: Size = WHOLE) -> Outcome:
        """Run it."""
        ...


@contextmanager
def sample_rows(name: str, row: type[RowT], size: Size) -> Generator[Dataset[RowT]]:
    """The sample rows in a file of this folder."""
    with as_file(files("tunekit.quickstart") / name) as path:
        rows = Dataset.read(path, row=row)
        if size.max_rows is None:
            yield rows
        else:
            yield Dataset.read(list(islice(rows, size.max_rows)), row=row)


def tuned(
    client: Client,
    say: Say,
    tuner: Tuner[DataT, ModelT],
    data: DataT,
    *,
    name: str,
    display_name: str,
) -> ModelT:
    """Plan, tune and wait, telling each step; `name` is what the data are called there."""
    say(f"client.plan(tuner, {name})", client.plan(tuner, data))
    job = client.tune(tuner, data, display_name=display_name)
    say(f"job = client.tune(tuner, {name}, display_name={display_name!r})", job.id)
    model = job.result()
    say("model = job.result()", model)
    return model


def methods() -> tuple[str, ...]:
    """The ways of tuning that have a quickstart."""
    return tuple(_OWN)


def quickstart_of(method: str) -> Quickstart:
    """The quickstart of a way of tuning.

    Raises:
        SettingInvalid: There is none.
    """
    if method not in _OWN:
        raise SettingInvalid(
            f"There is no quickstart {method!r}.{did_you_mean(method, _OWN)}",
            hint=f"Write {either(methods())}.",
        )
    return cast("Quickstart", import_module(_OWN[method]).run)
