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
    asked: AnyLearningRate | None, rates: LearningRates, *, adapter: bool
) -> tuple[LearningRate, Setting]:
    """The absolute rate for what was asked, and where it comes from."""
    known = rates.adapter_learning_rate if adapter else rates.full_learning_rate
    match asked:
        case LearningRate(absolute=rate):
            return asked, _setting(rate, "you", "Given as an absolute rate.")
        case LearningRateMultiplier(multiplier=multiplier):
            rate = known * multiplier
            why = f"{multiplier:g} times {known:g}, the rate in the catalog."
            return LearningRate(rate), _setting(rate, "you", why)
        case None:
            return LearningRate(known), _setting(known, "catalog", f"{rates.note} ({rates.source})")


def _setting(rate: float, source: str, why: str) -> Setting:
    return Setting.model_validate(
        {"name": "learning_rate", "value": rate, "source": source, "why": why}
    )
