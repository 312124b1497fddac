"""Reinforcement learning on this machine: the model answers, a reward says how well, and better answers get likelier.

Belongs here: TRL's RLOO and GRPO trainers on prompts and a scoring function, and what looks wrong while they run.
Does not belong here: where the reward comes from (`rlhf.py`, `reinforcement.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tunekit.backends.local.base_models import BaseModel, load_encoder, load_weights
from tunekit.backends.local.run import Stage
from tunekit.backends.local.trainers import Pace, batches, lora, without_machine_paths
from tunekit.jobs.backend import PromptLike
from tunekit.tuners.learning_rate import AnyLearningRate
from tunekit.tuners.reinforcement import ReinforcementTuner
from tunekit.tuners.rlhf import RLHFTuner

Algorithm = Literal["rloo", "grpo"]

Score = Callable[[Sequence[int], Sequence[str]], list[float]]
"""From the places of prompts in the list of prompts, and an answer to each, to a score per answer."""

_TOLD = {
    "reward": "reward",
    "reward_std": "reward_spread",
    "kl": "kl",
    "completions/mean_length": "answer_tokens",
    "completions/clipped_ratio": "cut_answers",
}
_KL_BLOW_UP = 10.0
"""KL divergence from the base, in nats per token, above which the text is surely no longer the base's language."""
_LENGTH_EXPLOSION = 3.0
"""Growth of the mean answer, in times of the first one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """How a policy learns."""

    algorithm: Algorithm
    base_model: str
    """The name that the user gave."""
    pace: Pace
    prompts_per_step: int
    samples_per_prompt: int
    max_output_tokens: int
    kl_coeff: float
    adapter_size: int
    temperature: float = 1.0

    @classmethod
    def of(
        cls,
        tuner: RLHFTuner | ReinforcementTuner,
        *,
        train_steps: int | None,
        learning_rate: AnyLearningRate | None,
        max_output_tokens: int,
    ) -> PolicySettings:
        """From what both tuners call the same, and what each has a word of its own for."""
        return cls(
            algorithm=tuner.algorithm,
            base_model=tuner.base_model,
            pace=Pace(
                train_steps=train_steps or 1,
                learning_rate=learning_rate,
                seed=tuner.seed,
                checkpoint_interval=tuner.checkpoint_interval,
            ),
            prompts_per_step=tuner.prompts_per_step or 1,
            samples_per_prompt=tuner.samples_per_prompt or 2,
            max_output_tokens=max_output_tokens,
            kl_coeff=tuner.kl_coeff,
            adapter_size=tuner.adapter_size or 1,
        )


def train_policy(
    stage: Stage,
    base: BaseModel,
    prompts: Sequence[PromptLike],
    *,
    score: Score,
    settings: PolicySettings,
    into: Path,
) -> None:
    """Let a model learn from rewards, and leave an adapter in a folder.

    Args:
        stage: The part of the run that this is.
        base: What to start from.
        prompts: What the model answers.
        score: How good the answers are.
        settings: How to learn.
        into: The folder.
    """
    from transformers import set_seed

    from tunekit.backends.local.hooks import JobHooks, train

    encoder = load_encoder(base)
    set_seed(settings.pace.seed)
    hooks = JobHooks(stage, told=_TOLD, watchdog=Watchdog(), zero_loss="is-fine")
    asked = [encoder.prompt_ids(prompt) for prompt in prompts]
    trainer = _trainer_class(settings.algorithm, asked, score)(
        model=load_weights(base),
        args=_config(stage, settings, longest_prompt=max(map(len, asked))),
        processing_class=encoder.tokenizer,
        peft_config=lora(settings.adapter_size),
        callbacks=[hooks],
    )
    train(trainer, hooks, stage)
    trained: Any = trainer.model
    trained.save_pretrained(str(into))
    without_machine_paths(into, settings.base_model)


class Watchdog:
    """Says what looks wrong while a policy learns: a reward that tells nothing, or one that is being cheated."""

    def __init__(self) -> None:
        self._first_length: float | None = None

    def __call__(self, told: Mapping[str, float]) -> str | None:
        """The first thing that looks wrong in a set of figures, or `None`."""
        length = told.get("answer_tokens")
        if self._first_length is None:
            self._first_length = length
        if told.get("reward_spread") == 0.0:
            return "all answers got the same reward, so nothing is learnt from them"
        if told.get("kl", 0.0) > _KL_BLOW_UP:
            return "the model has gone very far from its base (KL above 10): raise kl_coeff"
        if told.get("cut_answers", 0.0) > 0.5:
            return "most answers are cut at the longest length and do not count: allow longer ones"
        if length and self._first_length and length > _LENGTH_EXPLOSION * self._first_length:
            return "answers are three times as long as at first: the reward may favour length"
        return None


def _config(stage: Stage, settings: PolicySettings, *, longest_prompt: int) -> Any:
    config_class = _classes(settings.algorithm)[1]
    answers = settings.prompts_per_step * settings.samples_per_prompt
    return config_class(
        **settings.pace.arguments(config_class, stage),
        **batches(answers, longest_prompt + settings.max_output_tokens),
        num_generations=settings.samples_per_prompt,
        max_completion_length=settings.max_output_tokens,
        temperature=settings.temperature,
        beta=settings.kl_coeff,
        mask_truncated_completions=True,
    )


def _trainer_class(
    algorithm: Algorithm, asked: Sequence[list[int]], score: Score
) -> Callable[..., Any]:
    """A trainer whose prompts are the places of prompts, so that it asks with our tokens and scores with our reward."""
    from datasets import Dataset as Table

    def reward(prompts: list[str], completions: list[str], **_: Any) -> list[float]:
        return score([int(place) for place in prompts], [text.strip() for text in completions])

    trainer_class = _classes(algorithm)[0]

    class OnTokens(trainer_class):  # type: ignore[misc, valid-type]
        """Asks with the tokens that the model is asked with later; the trainer would make its own."""

        def __init__(self, **settings: Any) -> None:
            places = Table.from_dict({"prompt": [str(place) for place in range(len(asked))]})
            super().__init__(reward_funcs=reward, train_dataset=places, **settings)

        def _tokenize_prompts(self, prompts: list[str]) -> Any:
            return [asked[int(place)] for place in prompts], None, {}

    return OnTokens


def _classes(algorithm: Algorithm) -> tuple[type, type]:
    if algorithm == "rloo":
        from trl.trainer.rloo_config import RLOOConfig
        from trl.trainer.rloo_trainer import RLOOTrainer

        return RLOOTrainer, RLOOConfig
    from trl.trainer.grpo_config import GRPOConfig
    from trl.trainer.grpo_trainer import GRPOTrainer

    return GRPOTrainer, GRPOConfig
