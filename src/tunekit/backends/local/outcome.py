"""What a policy has become, beside the base it came from, in the eyes of a reward.

Belongs here: drawing answers of both to the same prompts, their rewards, their length, and how far apart they are.
Does not belong here: the handle's own `evaluate` (`jobs/models.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from tunekit.backends.local.base_models import BaseModel
from tunekit.backends.local.inference import Loaded, answers_of, asking, load_model, losses_of
from tunekit.data.rows import Conversation, Message, PromptCompletion
from tunekit.jobs.backend import PromptLike, Sampling

MOST_COMPARED = 64
"""Prompts on which tuned and base are compared, at the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Tuned beside base on held-out prompts, one drawn answer each."""

    prompts: int
    reward_before: float
    reward_after: float
    win_rate: float
    """Share of prompts to which the tuned model's answer has the higher reward; the same reward counts half."""
    kl: float
    """Nats per answer by which the tuned model finds its own answers likelier than the base does."""
    words_before: float
    words_after: float

    def figures(self) -> dict[str, float]:
        """By name, for the record of the model."""
        return {
            "reward_before": self.reward_before,
            "reward_after": self.reward_after,
            "win_rate": self.win_rate,
            "kl": self.kl,
            "words_before": self.words_before,
            "words_after": self.words_after,
        }

    def told(self) -> str:
        """In a sentence."""
        return (
            f"on {self.prompts} held-out prompts: reward {self.reward_before:.3g} → {self.reward_after:.3g}, "
            f"tuned wins {self.win_rate:.0%}, KL {self.kl:.3g} nats per answer, "
            f"words per answer {self.words_before:.3g} → {self.words_after:.3g}"
        )


def compared(
    base: BaseModel,
    adapter: Path,
    prompts: Sequence[PromptLike],
    score: Callable[[Sequence[str]], list[float]],
    *,
    max_output_tokens: int,
    seed: int,
) -> Outcome:
    """Hold a policy against its base.

    Args:
        base: What it came from.
        adapter: Folder of what it learnt.
        prompts: Held-out prompts, at least one.
        score: The rewards of one answer per prompt, in order.
        max_output_tokens: Longest answer.
        seed: Decides the draw.
    """
    loaded = load_model(base, adapter=adapter)
    sampling = Sampling(temperature=1.0, max_output_tokens=max_output_tokens, seed=seed)
    texts = {tuned: _texts(loaded, prompts, sampling, tuned=tuned) for tuned in (False, True)}
    rewards = {tuned: score(answers) for tuned, answers in texts.items()}
    pairs = list(zip(rewards[True], rewards[False], strict=True))
    return Outcome(
        prompts=len(prompts),
        reward_before=fmean(rewards[False]),
        reward_after=fmean(rewards[True]),
        win_rate=fmean(0.5 if one == other else float(one > other) for one, other in pairs),
        kl=_distance(loaded, prompts, texts[True]),
        words_before=fmean(len(text.split()) for text in texts[False]),
        words_after=fmean(len(text.split()) for text in texts[True]),
    )


def _texts(
    loaded: Loaded, prompts: Sequence[PromptLike], sampling: Sampling, *, tuned: bool
) -> list[str]:
    with asking(loaded, tuned=tuned):
        return [answer.text for answer in answers_of(loaded, prompts, sampling, whose="the model")]


def _distance(loaded: Loaded, prompts: Sequence[PromptLike], answers: Sequence[str]) -> float:
    """An estimate of the KL divergence of tuned from base, on answers of the tuned model."""
    rows = [_row(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]
    with asking(loaded, tuned=True):
        tuned = losses_of(loaded, rows)
    with asking(loaded, tuned=False):
        base = losses_of(loaded, rows)
    return fmean(far.nats - near.nats for far, near in zip(base, tuned, strict=True))


def _row(prompt: PromptLike, answer: str) -> PromptCompletion | Conversation:
    if isinstance(prompt, str):
        return PromptCompletion(prompt=prompt, completion=answer)
    return Conversation(messages=(*prompt, Message(role="model", content=answer)))
