"""`ReinforcementTuner`: the model learns to earn a reward that code, a rule or a reward model gives.

Belongs here: the settings of reinforcement tuning, their ranges and defaults.
Does not belong here: the rewards (`rewards/`), running it (`backends/*/reinforcement.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from tunekit.data.dataset import Dataset
from tunekit.data.rows import Prompt, Row
from tunekit.tuners.base import Circumstances, Setting, Tuner
from tunekit.tuners.learning_rate import AnyLearningRate, decided_rate
from tunekit.tuners.rewards import AnyReward
from tunekit.tuners.rlhf import POLICY_RATE_SHARE
from tunekit.tuners.schedule import decided_interval, decided_plainly, decided_steps

if TYPE_CHECKING:
    from tunekit.jobs.models import TextModel  # noqa: F401  # the model that this tuner gives


class ReinforcementTuner(Tuner["Dataset[Prompt]", "TextModel"]):
    """Teaches a model to earn a reward: it tries several answers to a prompt, and the better ones get likelier.

    Rows:
        `Prompt`. Further fields of a row, such as the right answer, are references that the reward can name.

    When to use:
        Code can tell how good an answer is: a right result, valid JSON, a format, a length, a test that passes.

    When not:
        You can write the right answers down: supervised tuning is simpler and learns faster. Or the model never earns
        anything at first: there is nothing to make likelier then.

    Cost:
        Answers are drawn in every step, which takes most of the time; the reward runs once per answer.

    See instead:
        `RLHFTuner` where people have chosen between answers and a reward model has to be learnt from that.

    Example:
        >>> import tunekit as tk
        >>> reward = tk.ExactMatch(expected="{{references.answer}}")
        >>> tuner = tk.ReinforcementTuner(base_model="tunekit/nano", reward=reward)
        >>> reward.try_on("2 + 2?", ["4", "5"], {"answer": "4"}).scores
        (1.0, 0.0)
    """

    kind: ClassVar[str] = "reinforcement"
    takes: ClassVar[Mapping[str, tuple[type[Row], ...]]] = MappingProxyType({"train": (Prompt,)})

    reward: AnyReward
    """How good an answer is; try it on a few answers first with `reward.try_on(...)`."""
    algorithm: Literal["grpo", "rloo"] = "grpo"
    """`grpo` holds an answer against the mean and the spread of the others (https://arxiv.org/abs/2402.03300), `rloo`
    against their mean alone (https://arxiv.org/abs/2402.14740)."""
    epochs: int | None = Field(default=None, ge=1, le=1_000)
    """Passes over the prompts. `None` takes 3. Excludes `train_steps`."""
    train_steps: int | None = Field(default=None, ge=1)
    """Optimiser steps. `None` derives them from the prompts and `epochs`."""
    learning_rate: AnyLearningRate | None = None
    """`LearningRate(1e-4)` or `LearningRateMultiplier(0.5)`. `None` takes half the rate in the catalog; it falls
    linearly to zero."""
    prompts_per_step: int | None = Field(default=None, ge=1, le=4_096)
    """Prompts per optimiser step. `None` takes 8; Vertex AI's default is 32."""
    samples_per_prompt: int | None = Field(default=None, ge=2, le=256)
    """Answers that are drawn to a prompt and held against each other. `None` takes 4; Vertex AI's default is 16."""
    max_output_tokens: int = Field(default=64, ge=1)
    """Longest answer in tokens while the model learns; answers that are cut there do not count."""
    kl_coeff: float = Field(default=0.02, ge=0, le=100)
    """Weight of the distance from the base model; 0 lets it go wherever the reward is."""
    adapter_size: int | None = Field(default=None, ge=1, le=1_024)
    """Rank of the adapter. `None` takes 16."""
    checkpoint_interval: int | None = Field(default=None, ge=1)
    """Steps between checkpoints, from which a run that broke off goes on. `None` makes about five."""

    @model_validator(mode="after")
    def _epochs_or_steps(self) -> Self:
        if self.epochs is not None and self.train_steps is not None:
            raise ValueError("Give epochs or train_steps, not both: each decides the other.")
        return self

    def datasets(self, data: Dataset[Prompt]) -> Mapping[str, Dataset[Any]]:
        return {"train": data}

    def decided(self, circumstances: Circumstances) -> tuple[Self, tuple[Setting, ...]]:
        plain, settings = decided_plainly(
            [
                ("prompts_per_step", self.prompts_per_step, 8, "With 4 answers each, 32 a step."),
                ("samples_per_prompt", self.samples_per_prompt, 4, "Enough for a baseline."),
                ("adapter_size", self.adapter_size, 16, "Enough for most small tasks."),
            ]
        )
        steps, steps_setting = decided_steps(
            epochs=self.epochs,
            train_steps=self.train_steps,
            num_rows=circumstances.num_rows,
            batch_size=plain["prompts_per_step"],
            advice=None,
        )
        rate, rate_setting = decided_rate(
            self.learning_rate, circumstances.rates, adapter=True, share=POLICY_RATE_SHARE
        )
        saving, saving_setting = decided_interval(
            "checkpoint_interval", self.checkpoint_interval, steps, parts=5
        )
        decided: dict[str, Any] = {
            "epochs": None,
            "train_steps": steps,
            "learning_rate": rate,
            "checkpoint_interval": saving,
        }
        return (
            self.model_copy(update=plain | decided),
            (steps_setting, rate_setting, *settings, saving_setting),
        )
