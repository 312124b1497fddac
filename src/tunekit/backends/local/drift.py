"""How far a written model has drifted from the tuned one, on answers that the tuned one gives.

Belongs here: what the tuned model is asked, what a written one made of the same, and the comparison.
Does not belong here: writing models (`safetensors_export.py`, `onnx_export.py`), what drift is borne (`exporting.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunekit.backends.local.inference import Loaded, asking, generated_ids, next_token_logits
from tunekit.jobs.backend import PromptLike, Sampling

if TYPE_CHECKING:
    import torch

_ANSWER_TOKENS = 32
"""Where compared answers are cut off."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model makes of a prompt."""

    prompt_ids: list[int]
    """The prompt as the tokens that it reads."""
    answer_ids: list[int]
    """What it answers at temperature 0, up to the token that ends it."""
    logits: torch.Tensor
    """One row per token of the answer of the tuned model: what it finds likely there."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A prompt, and what the tuned model makes of it."""

    prompt: PromptLike
    turns: list[dict[str, str]] | None
    """The prompt as its chat template takes it; `None` where a text is read as it is."""
    tuned: Reading


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a written model is from the tuned one."""

    share: float
    """From 0 to 1; see `Exported.drift`."""
    num_same_answers: int
    """Prompts that both answer with the same tokens."""
    misread: int | None
    """Number of the first prompt that the written model reads as other tokens, from 1; `None` where there is none."""


def references_of(tuned: Loaded, prompts: Sequence[PromptLike]) -> list[Reference]:
    """What the tuned model makes of some prompts."""
    with asking(tuned):
        return [_reference(tuned, prompt) for prompt in prompts]


def reading_of(written: Loaded, reference: Reference) -> Reading:
    """What a model in memory makes of the prompt of a reference."""
    prompt_ids = written.encoder.prompt_ids(reference.prompt)
    expected = reference.tuned.answer_ids
    return Reading(
        prompt_ids=prompt_ids,
        answer_ids=_answer(written, prompt_ids, most_tokens=len(expected)),
        logits=next_token_logits(written, prompt_ids, expected),
    )


def drift_of(references: Sequence[Reference], readings: Iterable[Reading]) -> Drift:
    """Hold what a written model makes of prompts against what the tuned model makes of them."""
    import torch

    moved: list[torch.Tensor] = []
    fallen: list[torch.Tensor] = []
    num_same, misread = 0, None
    for number, (reference, reading) in enumerate(zip(references, readings, strict=True), start=1):
        if reading.prompt_ids != reference.tuned.prompt_ids:
            misread = misread or number
        tuned, written = (side.logits.softmax(dim=-1) for side in (reference.tuned, reading))
        moved.append(_moved(tuned, written))
        fallen.append(_fallen(tuned, written))
        num_same += reading.answer_ids == reference.tuned.answer_ids
    share = torch.stack([torch.cat(moved).mean(), torch.cat(fallen).mean()]).max()
    return Drift(share.item(), num_same, misread)


def _reference(tuned: Loaded, prompt: PromptLike) -> Reference:
    prompt_ids = tuned.encoder.prompt_ids(prompt)
    limit = tuned.encoder.context_tokens
    room = _ANSWER_TOKENS if limit is None else min(_ANSWER_TOKENS, limit - len(prompt_ids))
    answer_ids = _answer(tuned, prompt_ids, most_tokens=room)
    logits = next_token_logits(tuned, prompt_ids, answer_ids)
    return Reference(prompt, tuned.encoder.turns(prompt), Reading(prompt_ids, answer_ids, logits))


def _answer(model: Loaded, prompt_ids: list[int], *, most_tokens: int) -> list[int]:
    (answer,) = generated_ids(model, [prompt_ids], Sampling(max_output_tokens=most_tokens))
    return answer


def _moved(tuned: torch.Tensor, written: torch.Tensor) -> torch.Tensor:
    """How much of the probability lies elsewhere: the total variation distance, felt where answers are drawn.

    Unlike a difference of log-probabilities it does not mind tokens that nobody would draw.
    """
    return (tuned - written).abs().sum(dim=-1) / 2


def _fallen(tuned: torch.Tensor, written: torch.Tensor) -> torch.Tensor:
    """How far the token that the written model takes falls short of the likeliest one, felt at temperature 0.

    Two tokens that are as good as equally likely may change places; a model that is not sure of anything may not.
    """
    taken = tuned.gather(-1, written.argmax(dim=-1, keepdim=True)).squeeze(-1)
    return 1 - taken / tuned.amax(dim=-1)
