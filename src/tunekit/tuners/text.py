"""`TextTuner`: what the tuners share that train a text model on rows, step by step.

Belongs here: the settings of length, pace, adapter, evaluation and checkpoints, and how open ones are decided.
Does not belong here: what only one way of tuning has (one file each).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, Literal, Self

from pydantic import Field, model_validator

from tunekit.catalog import Recommendation
from tunekit.data.check.requirements import NO_REQUIREMENTS, RecommendedRows, Requirements
from tunekit.errors import SettingInvalid
from tunekit.tuners.base import Circumstances, DataT_contra, ModelT_co, Setting, Tuner
from tunekit.tuners.learning_rate import AnyLearningRate, decided_rate
from tunekit.tuners.schedule import decided_interval, decided_plainly, decided_steps

if TYPE_CHECKING:
    from tunekit.jobs.models import TextModel  # noqa: F401  # the model that these tuners give


class StepwiseTuner(Tuner[DataT_contra, ModelT_co], Generic[DataT_contra, ModelT_co]):
    """A way of tuning that goes over rows in optimiser steps and gives a text model, or more than one."""

    rate_share: ClassVar[float] = 1.0
    """Share of the catalog's learning rate that this way of tuning starts from."""

    epochs: int | None = Field(default=None, ge=1, le=1_000)
    """Passes over the rows. `None` takes 3, within the steps that are recommended for the task. Excludes
    `train_steps`."""
    train_steps: int | None = Field(default=None, ge=1)
    """Optimiser steps. `None` derives them from the rows and `epochs`."""
    batch_size: int | None = Field(default=None, ge=1, le=4_096)
    """Rows per optimiser step, over all devices. `None` takes 16."""
    learning_rate: AnyLearningRate | None = None
    """`LearningRate(2e-4)` or `LearningRateMultiplier(0.5)`. `None` takes the rate in the catalog; it falls linearly to
    zero."""
    adapter_size: int | None = Field(default=None, ge=1, le=1_024)
    """Rank of the low-rank adapter that is trained beside the frozen weights. `None` takes 16."""
    evaluation_interval: int | None = Field(default=None, ge=1)
    """Steps between evaluations on the validation rows. `None` evaluates about ten times."""
    early_stopping: int | None = Field(default=None, ge=1)
    """Evaluations in a row without a lower validation loss after which the run stops. `None` never stops early."""
    checkpoint_interval: int | None = Field(default=None, ge=1)
    """Steps between checkpoints, from which a run that broke off goes on. `None` makes about five."""
    checkpoint_selection: Literal["best", "last"] = "last"
    """Which weights become the model: the last ones, or those with the lowest validation loss."""

    @model_validator(mode="after")
    def _epochs_or_steps(self) -> Self:
        if self.epochs is not None and self.train_steps is not None:
            raise ValueError("Give epochs or train_steps, not both: each decides the other.")
        return self

    @property
    def trains_adapter(self) -> bool:
        """Whether an adapter is trained rather than all weights."""
        return True

    def recommendation(self) -> Recommendation | None:
        """What the task is publicly said to need, or `None` where nothing is known."""
        return None

    def decided(self, circumstances: Circumstances) -> tuple[Self, tuple[Setting, ...]]:
        self._refuse_without_validation(circumstances)
        plain, settings = decided_plainly(
            [
                ("batch_size", self.batch_size, 16, "A common size for small datasets."),
                *self._size(),
            ]
        )
        steps, steps_setting = decided_steps(
            epochs=self.epochs,
            train_steps=self.train_steps,
            num_rows=circumstances.num_rows,
            batch_size=plain["batch_size"],
            advice=self.recommendation(),
        )
        rate, rate_setting = decided_rate(
            self.learning_rate,
            circumstances.rates,
            adapter=self.trains_adapter,
            share=self.rate_share,
        )
        strides, stride_settings = self._strides(steps, circumstances)
        decided = {"epochs": None, "train_steps": steps, "learning_rate": rate} | plain | strides
        return (
            self.model_copy(update=decided),
            (steps_setting, rate_setting, *settings, *stride_settings),
        )

    def _size(self) -> list[tuple[str, int | None, int, str]]:
        if not self.trains_adapter:
            return []
        return [("adapter_size", self.adapter_size, 16, "Enough for most small tasks.")]

    def _strides(
        self, steps: int, circumstances: Circumstances
    ) -> tuple[dict[str, int], tuple[Setting, ...]]:
        saving, saving_setting = decided_interval(
            "checkpoint_interval", self.checkpoint_interval, steps, parts=5
        )
        if not circumstances.has_validation:
            return {"checkpoint_interval": saving}, (saving_setting,)
        looking, looking_setting = decided_interval(
            "evaluation_interval", self.evaluation_interval, steps, parts=10
        )
        strides = {"checkpoint_interval": saving, "evaluation_interval": looking}
        return strides, (saving_setting, looking_setting)

    def _refuse_without_validation(self, circumstances: Circumstances) -> None:
        needs = {
            "evaluation_interval": self.evaluation_interval is not None,
            "early_stopping": self.early_stopping is not None,
            "checkpoint_selection": self.checkpoint_selection == "best",
        }
        asked = next((name for name, needed in needs.items() if needed), None)
        if asked is not None and not circumstances.has_validation:
            raise SettingInvalid(
                f"{asked} looks at the loss on validation rows, and there are none.",
                hint="Pass validation=..., for example from rows.split(0.2).",
                place=type(self).__name__,
            )


class TextTuner(StepwiseTuner[DataT_contra, "TextModel"], Generic[DataT_contra]):
    """A way of tuning that goes over rows in optimiser steps and gives a text model."""


def recommended_rows(advice: Recommendation | None) -> Requirements:
    """What a public recommendation asks of the rows."""
    if advice is None:
        return NO_REQUIREMENTS
    rows = RecommendedRows(rows=advice.rows, purpose=advice.task, source=advice.source)
    return Requirements(recommended_rows=rows)
