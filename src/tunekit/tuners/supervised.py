"""`SupervisedTuner`: the model learns to answer as the rows answer.

Belongs here: the settings of supervised tuning, their ranges and defaults.
Does not belong here: running it (`backends/*/supervised.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from tunekit import catalog
from tunekit.data.check.requirements import NO_REQUIREMENTS, RecommendedRows, Requirements
from tunekit.data.dataset import Dataset
from tunekit.data.rows import Conversation, PromptCompletion, Row
from tunekit.errors import SettingInvalid
from tunekit.tuners.base import Circumstances, Setting, Tuner
from tunekit.tuners.learning_rate import AnyLearningRate, decided_rate
from tunekit.tuners.schedule import decided_interval, decided_plainly, decided_steps

if TYPE_CHECKING:
    from tunekit.jobs.models import TextModel  # noqa: F401  # the model that this tuner gives

Task = Literal["chat", "classification", "extractive_qa", "summarization"]
"""Kinds of task for which public recommendations are known."""

SupervisedData: TypeAlias = Dataset[PromptCompletion] | Dataset[Conversation]
"""What supervised tuning learns from."""


class SupervisedTuner(Tuner["SupervisedData", "TextModel"]):
    """Teaches a model to answer as your rows answer.

    Rows:
        `PromptCompletion` or `Conversation`. Only the answers are learnt, never the prompts.

    When to use:
        You can write down what a good answer is: labels, extracted texts, summaries, replies in your tone.

    When not:
        You can only say which of two answers is better, or score an answer; or prompting alone already does it.

    Cost:
        One pass through the model per row and epoch. An adapter trains about 1 % of the weights and is a small file;
        `tuning_mode="full"` trains and stores all of them.

    See instead:
        Preference tuning for pairs of answers, distillation where a larger model can write the answers.

    Example:
        >>> import tunekit as tk
        >>> tuner = tk.SupervisedTuner(base_model="tunekit/nano", task="classification")
        >>> tuner.seed
        0
    """

    kind: ClassVar[str] = "supervised"
    takes: ClassVar[Mapping[str, tuple[type[Row], ...]]] = MappingProxyType(
        {"train": (PromptCompletion, Conversation)}
    )

    task: Task | None = None
    """What the rows are about. `None` leaves the recommendations out; with a task the plan holds rows and steps
    against them."""
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
    tuning_mode: Literal["adapter", "full"] = "adapter"
    """`adapter` trains a low-rank adapter beside the frozen weights, `full` trains all weights."""
    adapter_size: int | None = Field(default=None, ge=1, le=1_024)
    """Rank of the adapter. `None` takes 16. Only with `tuning_mode="adapter"`."""
    evaluation_interval: int | None = Field(default=None, ge=1)
    """Steps between evaluations on the validation rows. `None` evaluates about ten times."""
    early_stopping: int | None = Field(default=None, ge=1)
    """Evaluations in a row without a lower validation loss after which the run stops. `None` never stops early."""
    checkpoint_interval: int | None = Field(default=None, ge=1)
    """Steps between checkpoints, from which a run that broke off goes on. `None` makes about five."""
    checkpoint_selection: Literal["best", "last"] = "last"
    """Which weights become the model: the last ones, or those with the lowest validation loss."""

    @model_validator(mode="after")
    def _exclusive(self) -> Self:
        if self.epochs is not None and self.train_steps is not None:
            raise ValueError("Give epochs or train_steps, not both: each decides the other.")
        if self.tuning_mode == "full" and self.adapter_size is not None:
            raise ValueError("adapter_size needs tuning_mode='adapter'; a full run has no adapter.")
        return self

    def datasets(self, data: SupervisedData) -> Mapping[str, Dataset[Any]]:
        return {"train": data}

    def requirements(self) -> Requirements:
        advice = catalog.recommendation(self.kind, self.task)
        if advice is None:
            return NO_REQUIREMENTS
        rows = RecommendedRows(rows=advice.rows, purpose=advice.task, source=advice.source)
        return Requirements(recommended_rows=rows)

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
            advice=catalog.recommendation(self.kind, self.task),
        )
        adapter = self.tuning_mode == "adapter"
        rate, rate_setting = decided_rate(self.learning_rate, circumstances.rates, adapter=adapter)
        strides, stride_settings = self._strides(steps, circumstances)
        decided = {"epochs": None, "train_steps": steps, "learning_rate": rate} | plain | strides
        return (
            self.model_copy(update=decided),
            (steps_setting, rate_setting, *settings, *stride_settings),
        )

    def _size(self) -> list[tuple[str, int | None, int, str]]:
        if self.tuning_mode == "full":
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
                place="SupervisedTuner",
            )
