"""`SupervisedTuner`: the model learns to answer as the rows answer.

Belongs here: the settings of supervised tuning, their ranges and defaults.
Does not belong here: running it (`backends/*/supervised.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Self, TypeAlias

from pydantic import model_validator

from tunekit import catalog
from tunekit.catalog import Recommendation
from tunekit.data.check.requirements import Requirements
from tunekit.data.dataset import Dataset
from tunekit.data.rows import Conversation, PromptCompletion, Row
from tunekit.tuners.text import TextTuner, recommended_rows

Task = Literal["chat", "classification", "extractive_qa", "summarization"]
"""Kinds of task for which public recommendations are known."""

SupervisedData: TypeAlias = Dataset[PromptCompletion] | Dataset[Conversation]
"""What supervised tuning learns from."""


class SupervisedTuner(TextTuner["SupervisedData"]):
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
    tuning_mode: Literal["adapter", "full"] = "adapter"
    """`adapter` trains a low-rank adapter beside the frozen weights, `full` trains all weights; a full run takes no
    `adapter_size`."""

    @model_validator(mode="after")
    def _adapter_size_needs_an_adapter(self) -> Self:
        if self.tuning_mode == "full" and self.adapter_size is not None:
            raise ValueError("adapter_size needs tuning_mode='adapter'; a full run has no adapter.")
        return self

    @property
    def trains_adapter(self) -> bool:
        return self.tuning_mode == "adapter"

    def datasets(self, data: SupervisedData) -> Mapping[str, Dataset[Any]]:
        return {"train": data}

    def recommendation(self) -> Recommendation | None:
        return catalog.recommendation(self.kind, self.task)

    def requirements(self) -> Requirements:
        return recommended_rows(self.recommendation())
