"""How long a tuner trains: steps from what was asked, from the rows and from what the task is said to need.

Belongs here: the arithmetic of rows, batches, epochs and steps.
Does not belong here: the public recommendations (`catalog/`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tunekit._text import plural
from tunekit._value import Value
from tunekit.catalog import Recommendation
from tunekit.tuners.base import Setting

DEFAULT_EPOCHS = 3
"""Passes over the rows where nobody says how many."""


class Schedule(Value):
    """How long to train, and in what strides to look up."""

    train_steps: int
    evaluation_interval: int | None
    """Steps between evaluations; `None` where there is nothing to evaluate on."""
    checkpoint_interval: int
    """Steps between checkpoints."""


def steps_for(epochs: int, num_rows: int, batch_size: int) -> int:
    """Optimiser steps that go `epochs` times over the rows; the last batch of a pass may be smaller."""
    return max(1, math.ceil(num_rows / batch_size)) * epochs


def decided_steps(
    *,
    epochs: int | None,
    train_steps: int | None,
    num_rows: int,
    batch_size: int,
    advice: Recommendation | None,
) -> tuple[int, Setting]:
    """The number of optimiser steps, and where it comes from."""
    if train_steps is not None:
        return train_steps, _steps(train_steps, "you", "Given as train_steps.")
    asked = epochs or DEFAULT_EPOCHS
    steps = steps_for(asked, num_rows, batch_size)
    arithmetic = f"{plural(asked, 'pass', 'passes')} over {plural(num_rows, 'row')} in batches of {batch_size}"
    if epochs is not None:
        return steps, _steps(steps, "you", f"{arithmetic}.")
    if advice is None:
        return steps, _steps(steps, "rows", f"{arithmetic}.")
    least, most = advice.train_steps
    within = min(max(steps, least), most)
    why = f"{arithmetic} would be {steps:,}; {least:,} to {most:,} are recommended for {advice.task} ({advice.source})."
    return within, _steps(within, "rows" if within == steps else "task", why)


def decided_interval(name: str, asked: int | None, steps: int, parts: int) -> tuple[int, Setting]:
    """A stride through the run: what was asked, else so that the run has about `parts` of them."""
    if asked is not None:
        return asked, Setting(name=name, value=asked, source="you", why="Given.")
    stride = max(1, steps // parts)
    why = f"About {parts} times in {plural(steps, 'step')}."
    return stride, Setting(name=name, value=stride, source="default", why=why)


def decided_plainly(
    asked: Sequence[tuple[str, int | None, int, str]],
) -> tuple[dict[str, int], tuple[Setting, ...]]:
    """Settings that are what was asked, else a fixed default: name, asked value, default and its reason."""
    values: dict[str, int] = {}
    settings: list[Setting] = []
    for name, value, default, why in asked:
        values[name] = default if value is None else value
        settings.append(
            Setting(name=name, value=default, source="default", why=why)
            if value is None
            else Setting(name=name, value=value, source="you", why="Given.")
        )
    return values, tuple(settings)


def _steps(steps: int, source: str, why: str) -> Setting:
    return Setting.model_validate(
        {"name": "train_steps", "value": steps, "source": source, "why": why}
    )
