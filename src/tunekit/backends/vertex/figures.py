"""The figures of training that a job leaves in Cloud Storage, as far as they can be read.

How the file behind `gcsMetricsUri` is spelt is not documented, so anything that looks like figures by step is taken,
and anything else is passed over.

Belongs here: reading them.
Does not belong here: fetching the file (`storage.py`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, cast

from tunekit.jobs.record import Event

_STEP_NAMES = ("step", "global_step", "globalStep")
_NAMES, _VALUES = ("metric", "metricName", "name", "tag"), ("value", "metricValue")


def figures_of(raw: bytes, at: datetime) -> list[Event]:
    """One event per step, in order of the steps."""
    by_step: dict[int, dict[str, float]] = defaultdict(dict)
    for found in _objects(raw):
        step = next((found[name] for name in _STEP_NAMES if name in found), None)
        if isinstance(step, int | str) and str(step).isdigit():
            by_step[int(step)] |= _figures(found)
    return [
        Event(
            number=1,
            time=at,
            kind="metrics",
            message=f"figures at step {step}",
            step=step,
            metrics=figures,
        )
        for step, figures in sorted(by_step.items())
        if figures
    ]


def _figures(found: Mapping[str, Any]) -> dict[str, float]:
    name = next((found[key] for key in _NAMES if isinstance(found.get(key), str)), None)
    value = next((found[key] for key in _VALUES if _is_number(found.get(key))), None)
    if name is not None and value is not None:
        return {_plain(str(name)): float(value)}
    return {
        _plain(key): float(value)
        for key, value in found.items()
        if key not in _STEP_NAMES and _is_number(value)
    }


def _objects(raw: bytes) -> Iterator[Mapping[str, Any]]:
    """Every object of a file of JSON lines, or of one JSON array."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return
    try:
        whole = json.loads(text)
        yield from _mappings(whole if isinstance(whole, list) else [whole])
        return
    except (ValueError, RecursionError):
        pass
    for line in text.splitlines():
        try:
            yield from _mappings([json.loads(line)])
        except (ValueError, RecursionError):
            continue


def _mappings(values: list[Any]) -> Iterator[Mapping[str, Any]]:
    return (cast("Mapping[str, Any]", value) for value in values if isinstance(value, Mapping))


def _plain(name: str) -> str:
    return name.strip("/")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
