"""Finds the handle for a model by its kind, also one that another package brought.

Belongs here: the table of kinds.
Does not belong here: what a handle does (`models.py` and its siblings).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from tunekit._plugins import plugged_in
from tunekit._text import either
from tunekit.errors import MethodUnsupported
from tunekit.jobs.backend import Backend
from tunekit.jobs.clock import Clock
from tunekit.jobs.record import ModelRecord

GROUP = "tunekit.models"
"""Entry points that give a model handle, by the kind of model."""

_OWN: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "distilled": ("tunekit.jobs.distilled", "DistilledModel"),
        "embedding": ("tunekit.jobs.embedding_models", "EmbeddingModel"),
        "reward_model": ("tunekit.jobs.reward_models", "RewardModel"),
        "rlhf": ("tunekit.jobs.reward_models", "RLHFModel"),
        "text": ("tunekit.jobs.models", "TextModel"),
    }
)


def model_handle(backend: Backend, record: ModelRecord, clock: Clock) -> Any:
    """The handle for a model.

    Raises:
        MethodUnsupported: Nobody brought a handle for models of that kind.
    """
    return _handle_class(record.kind)(backend, record, clock)


def _handle_class(kind: str) -> Any:
    if kind in _OWN:
        module, name = _OWN[kind]
        return getattr(import_module(module), name)
    outside = plugged_in(GROUP)
    if kind in outside:
        return outside[kind].load()
    raise MethodUnsupported(
        f"There is no handle for a model of the kind {kind!r}; known are {either((*_OWN, *outside))}.",
        hint=f"Install the package that brings it, as an entry point of {GROUP!r}.",
    )
