"""Finds a tuner by the name of its way of tuning, also one that another package brought.

Belongs here: the table of names, and tuners as JSON there and back.
Does not belong here: anything about a single way of tuning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from tunekit._plugins import plugged_in
from tunekit._text import did_you_mean, either
from tunekit.errors import SettingInvalid
from tunekit.tuners.base import Tuner
from tunekit.tuners.distillation import Distiller
from tunekit.tuners.embedding import EmbeddingTuner
from tunekit.tuners.preference import PreferenceTuner
from tunekit.tuners.reinforcement import ReinforcementTuner
from tunekit.tuners.rlhf import RLHFTuner
from tunekit.tuners.supervised import SupervisedTuner

AnyTuner = Tuner[Any, Any]

GROUP = "tunekit.tuners"
"""Entry points that give a tuner class, by the name of its way of tuning."""

_OWN: Mapping[str, type[AnyTuner]] = {
    tuner.kind: tuner
    for tuner in (
        Distiller,
        EmbeddingTuner,
        PreferenceTuner,
        ReinforcementTuner,
        RLHFTuner,
        SupervisedTuner,
    )
}


def kinds() -> tuple[str, ...]:
    """The names of all ways of tuning."""
    return (*_OWN, *(name for name in plugged_in(GROUP) if name not in _OWN))


def tuner_class(kind: str) -> type[AnyTuner]:
    """The tuner of that way of tuning.

    Raises:
        SettingInvalid: There is none of that name.
    """
    if kind in _OWN:
        return _OWN[kind]
    if kind in plugged_in(GROUP):
        found: type[AnyTuner] = plugged_in(GROUP)[kind].load()
        return found
    raise SettingInvalid(
        f"There is no way of tuning {kind!r}.{did_you_mean(kind, kinds())}",
        hint=f"Write {either(kinds())}; a package may add more as entry points of {GROUP!r}.",
    )


def tuner_to_json(tuner: AnyTuner) -> dict[str, JsonValue]:
    """A tuner as plain JSON, with the name of its way of tuning."""
    return {"kind": tuner.kind, **tuner.model_dump(mode="json")}


def tuner_from_json(data: Mapping[str, JsonValue]) -> AnyTuner:
    """The tuner that `tuner_to_json` wrote."""
    settings = dict(data)
    return tuner_class(str(settings.pop("kind"))).model_validate(settings)
