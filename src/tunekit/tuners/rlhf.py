"""`RLHFTuner`: a reward model learns what people prefer, and the model learns to earn its reward.

Belongs here: the settings of reinforcement learning from human feedback, their ranges and defaults, and its data.
Does not belong here: running it (`backends/*/rlhf.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from tunekit._text import plural
from tunekit.data.dataset import Dataset
from tunekit.data.rows import Preference, Prompt, Row
from tunekit.tuners.base import Circumstances, Setting, Tuner, refuse_other_names
from tunekit.tuners.learning_rate import LearningRate, LearningRateMultiplier, decided_rate
from tunekit.tuners.schedule import decided_interval, decided_plainly, steps_for

if TYPE_CHECKING:
    from tunekit.jobs.reward_models import RLHFModel  # noqa: F401  # the model that this tuner gives

_REWARD_PASSES = 4
"""Passes of the reward model over the preferences where nobody says how many steps."""
_LEAST_STEPS = 60
"""Steps of reinforcement learning, at the least, where nobody says how many."""
_POLICY_PASSES = 2
"""Passes of the policy over the prompts where nobody says how many steps."""
POLICY_RATE_SHARE = 0.5
"""Share of the catalog's learning rate with which a policy learns from rewards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceData:
    """What RLHF learns from."""

    preferences: Dataset[Preference]
    """Pairs of answers with a choice: the reward model learns them."""
    prompts: Dataset[Prompt]
    """What the model answers while it learns; the more like real use the better."""
    evaluation: Dataset[Prompt] | None = None
    """Prompts on which the result is held against the base. `None` holds some of `prompts` out for that."""


class RLHFTuner(Tuner["PreferenceData", "RLHFModel"]):
    """Teaches a model to write what people prefer: a reward model first, then reinforcement learning against it.

    Rows:
        `PreferenceData`: `Preference` pairs, and `Prompt` rows like the prompts of the pairs.

    When to use:
        People can say which of two answers is better, and the model should find out by trying.

    When not:
        You can write the right answer down, or there are fewer than some hundred pairs: use `PreferenceTuner`.

    Cost:
        Answers are drawn in every step, which takes most of the time, and a second model scores them.

    See instead:
        `PreferenceTuner` learns from the same pairs in one stage; `ReinforcementTuner` where code can score an answer.

    Example:
        >>> import tunekit as tk
        >>> tuner = tk.RLHFTuner(base_model="tunekit/nano", kl_coeff=0.05)
        >>> tuner.algorithm
        'rloo'
    """

    kind: ClassVar[str] = "rlhf"
    model_kind: ClassVar[str] = "rlhf"
    companions: ClassVar[tuple[str, ...]] = ("reward_model",)
    takes: ClassVar[Mapping[str, tuple[type[Row], ...]]] = MappingProxyType(
        {"train": (Preference,), "prompts": (Prompt,), "evaluation": (Prompt,)}
    )

    algorithm: Literal["rloo", "grpo"] = "rloo"
    """`rloo` is REINFORCE with the other answers to the prompt as the baseline (https://arxiv.org/abs/2402.14740), and
    with the KL penalty within the reward; `grpo` also divides by their spread and has the KL penalty in the loss
    (https://arxiv.org/abs/2402.03300)."""
    reward_model_train_steps: int | None = Field(default=None, ge=1)
    """Optimiser steps of the reward model. `None` takes 4 passes over the preferences. Vertex AI recommended 20 to 30
    passes for its much larger batches (https://cloud.google.com/vertex-ai/generative-ai/docs/models/tune-text-models-rlhf)."""
    reinforcement_learning_train_steps: int | None = Field(default=None, ge=1)
    """Optimiser steps of the policy. `None` takes 2 passes over the prompts, and 60 steps at the least."""
    reward_model_learning_rate_multiplier: float | None = Field(default=None, gt=0, le=1_000)
    """Multiple of the catalog's learning rate for the base model. `None` is 1."""
    reinforcement_learning_rate_multiplier: float | None = Field(default=None, gt=0, le=1_000)
    """Multiple of half the catalog's learning rate for the base model. `None` is 1."""
    reward_model_learning_rate: LearningRate | None = None
    """Absolute rate of the reward model, instead of its multiplier."""
    reinforcement_learning_rate: LearningRate | None = None
    """Absolute rate of the policy, instead of its multiplier."""
    kl_coeff: float = Field(default=0.1, ge=0, le=100)
    """Weight of the distance from the base model: 0 lets the policy go wherever the reward is, which ends in nonsense
    that the reward model happens to like."""
    prompt_sequence_length: int | None = Field(default=None, ge=1)
    """Longest prompt in tokens; longer ones are refused, none is cut. `None` takes what the base model takes."""
    target_sequence_length: int = Field(default=64, ge=1)
    """Longest answer in tokens while the policy learns; answers that are cut there do not count."""
    instruction: str | None = Field(default=None, min_length=1)
    """Put before every prompt, as a system turn where the prompt is a conversation."""
    batch_size: int | None = Field(default=None, ge=1, le=4_096)
    """Pairs per step of the reward model. `None` takes 16."""
    prompts_per_step: int | None = Field(default=None, ge=1, le=4_096)
    """Prompts per step of the policy. `None` takes 8."""
    samples_per_prompt: int | None = Field(default=None, ge=2, le=256)
    """Answers that are drawn to a prompt and held against each other. `None` takes 4."""
    adapter_size: int | None = Field(default=None, ge=1, le=1_024)
    """Rank of both adapters. `None` takes 16."""
    checkpoint_interval: int | None = Field(default=None, ge=1)
    """Steps between checkpoints of either stage. `None` makes about five in each."""
    weak_reward_model: Literal["refuse", "accept"] = "refuse"
    """What to do when the reward model is no better than chance on held-out pairs: the job fails before the policy
    learns from noise, or goes on regardless."""

    def datasets(self, data: PreferenceData) -> Mapping[str, Dataset[Any]]:
        parts = {"train": data.preferences, "prompts": data.prompts}
        return parts if data.evaluation is None else parts | {"evaluation": data.evaluation}

    def data_of(self, parts: Mapping[str, Dataset[Any]]) -> PreferenceData:
        refuse_other_names(self, parts, needed=("train", "prompts"))
        return PreferenceData(
            preferences=parts["train"],
            prompts=parts["prompts"],
            evaluation=parts.get("evaluation"),
        )

    @model_validator(mode="after")
    def _one_way_to_say_a_rate(self) -> Self:
        for stage in ("reward_model", "reinforcement"):
            multiplier = f"{stage}_learning_rate_multiplier"
            if getattr(self, multiplier) is not None and getattr(self, f"{stage}_learning_rate"):
                raise ValueError(f"Give {multiplier} or {stage}_learning_rate, not both.")
        return self

    def decided(self, circumstances: Circumstances) -> tuple[Self, tuple[Setting, ...]]:
        plain, settings = decided_plainly(
            [
                ("batch_size", self.batch_size, 16, "A common size for small datasets."),
                ("prompts_per_step", self.prompts_per_step, 8, "With 4 answers each, 32 a step."),
                ("samples_per_prompt", self.samples_per_prompt, 4, "Enough for a baseline."),
                ("adapter_size", self.adapter_size, 16, "Enough for most small tasks."),
                *self._lengths(circumstances),
            ]
        )
        longer = max(plain["reward_model_train_steps"], plain["reinforcement_learning_train_steps"])
        saving, saving_setting = decided_interval(
            "checkpoint_interval", self.checkpoint_interval, longer, parts=5
        )
        reward_rate, reward_setting = self._rate("reward_model", circumstances, share=1.0)
        policy_rate, policy_setting = self._rate("reinforcement", circumstances, POLICY_RATE_SHARE)
        decided: dict[str, Any] = {
            "checkpoint_interval": saving,
            "reward_model_learning_rate": reward_rate,
            "reinforcement_learning_rate": policy_rate,
            "reward_model_learning_rate_multiplier": None,
            "reinforcement_learning_rate_multiplier": None,
        }
        return (
            self.model_copy(update=plain | decided),
            (*settings, reward_setting, policy_setting, saving_setting),
        )

    def _lengths(self, circumstances: Circumstances) -> list[tuple[str, int | None, int, str]]:
        pairs, prompts = circumstances.num_rows, circumstances.others.get("prompts", 0)
        reward_steps = steps_for(_REWARD_PASSES, pairs, self.batch_size or 16)
        policy_steps = steps_for(_POLICY_PASSES, prompts, self.prompts_per_step or 8)
        return [
            (
                "reward_model_train_steps",
                self.reward_model_train_steps,
                reward_steps,
                f"{_REWARD_PASSES} passes over {plural(pairs, 'pair')}.",
            ),
            (
                "reinforcement_learning_train_steps",
                self.reinforcement_learning_train_steps,
                max(_LEAST_STEPS, policy_steps),
                f"{_POLICY_PASSES} passes over {plural(prompts, 'prompt')}, at least {_LEAST_STEPS} steps.",
            ),
        ]

    def _rate(
        self, stage: str, circumstances: Circumstances, share: float
    ) -> tuple[LearningRate, Setting]:
        multiplier: float | None = getattr(self, f"{stage}_learning_rate_multiplier")
        absolute: LearningRate | None = getattr(self, f"{stage}_learning_rate")
        return decided_rate(
            absolute or (LearningRateMultiplier(multiplier) if multiplier else None),
            circumstances.rates,
            adapter=True,
            share=share,
            name=f"{stage}_learning_rate",
        )
