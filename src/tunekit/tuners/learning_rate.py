"""How fast a tuner learns: an absolute rate, or a multiple of the one that is known to work.

Belongs here: the two ways to say it, and the rate that comes out.
Does not belong here: the known rates (`catalog/`).
"""

from __future__ import annotations

from typing import TypeAlias

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from tunekit.catalog import LearningRates
from tunekit.tuners.base import Setting


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class LearningRate:
    """A learning rate as the optimiser uses it, such as `LearningRate(2e-4)`."""

    absolute: float = Field(gt=0, le=1)


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class LearningRateMultiplier:
    """A multiple of the rate that the catalog has for the base model, such as `LearningRateMultiplier(0.5)`."""

    multiplier: float = Field(gt=0, le=1_000)


AnyLearningRate: TypeAlias = LearningRate | LearningRateMultiplier


def decided_rate(
    asked: AnyLearningRate | None,
    rates: LearningRates,
    *,
    adapter: bool,
    share: float = 1.0,
    name: str = "learning_rate",
) -> tuple[LearningRate, Setting]:
    """The absolute rate for what was asked, and where it comes from.

    Args:
        asked: What the user gave.
        rates: What the catalog has for the base model.
        adapter: Whether an adapter is trained.
        share: Share of the catalog's rate that the way of tuning starts from.
        name: Name of the setting.
    """
    known = (rates.adapter_learning_rate if adapter else rates.full_learning_rate) * share
    whose = "the rate in the catalog" if share == 1 else f"{share:g} of the rate in the catalog"
    match asked:
        case LearningRate(absolute=rate):
            return asked, _setting(name, rate, "you", "Given as an absolute rate.")
        case LearningRateMultiplier(multiplier=multiplier):
            rate = known * multiplier
            return LearningRate(rate), _setting(
                name, rate, "you", f"{multiplier:g} times {known:g}, {whose}."
            )
        case None:
            why = f"{rates.note} ({rates.source})"
            why = why if share == 1 else f"{whose[0].upper()}{whose[1:]}: {why}"
            return LearningRate(known), _setting(name, known, "catalog", why)


def _setting(name: str, rate: float, source: str, why: str) -> Setting:
    return Setting.model_validate({"name": name, "value": rate, "source": source, "why": why})
