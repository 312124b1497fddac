"""Finds what Vertex AI has to be told for a way of tuning, also for one that another package brought.

Belongs here: the table of ways of tuning.
Does not belong here: any of them (one file each).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import cast

from tunekit._plugins import plugged_in
from tunekit._text import either
from tunekit.backends.vertex.case import Recipe
from tunekit.errors import MethodUnsupported

GROUP = "tunekit.vertex"
"""Entry points that give a recipe for Vertex AI, by the name of the way of tuning."""

_OWN: Mapping[str, str] = MappingProxyType(
    {
        kind: f"tunekit.backends.vertex.{kind}"
        for kind in (
            "distillation",
            "embedding",
            "imagen_style",
            "imagen_subject",
            "preference",
            "reinforcement",
            "rlhf",
            "supervised",
        )
    }
)


def recipe_for(kind: str) -> Recipe:
    """The recipe for a way of tuning.

    Raises:
        MethodUnsupported: Nobody brought one.
    """
    if kind in _OWN:
        return cast("Recipe", import_module(_OWN[kind]))  # a module with these two functions
    outside = plugged_in(GROUP)
    if kind in outside:
        found: Recipe = outside[kind].load()
        return found
    raise MethodUnsupported(
        f"Vertex AI is not told how to tune by {kind!r}; it can do {either((*_OWN, *outside))}.",
        hint=f"A package may add it as an entry point of {GROUP!r}; or use another backend.",
    )
