"""How this machine runs RLHF: a reward model on the pairs, the gate before it is trusted, then the policy against it.

Belongs here: the order of the stages, what is held out, and the comparison at the end.
Does not belong here: training either model (`reward_model.py`, `policy.py`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tunekit.backends.local.base_models import BaseModel, find_base_model, load_encoder
from tunekit.backends.local.encoding import Encoded, Encoder
from tunekit.backends.local.inspection import Room, RowsSeen, inspect_text_rows, refuse_unusable
from tunekit.backends.local.outcome import MOST_COMPARED, compared
from tunekit.backends.local.policy import PolicySettings, train_policy
from tunekit.backends.local.reward_model import (
    RewardSettings,
    Scorer,
    finished_reward_model,
    keep_reward_model,
    load_scorer,
    train_reward_model,
)
from tunekit.backends.local.run import Result, Run, RunFailed
from tunekit.backends.local.trainers import Pace
from tunekit.data.rows import Message, Preference, Prompt
from tunekit.data.split import parted
from tunekit.evaluation.intervals import mean_score
from tunekit.jobs.backend import Inspection, PromptLike, Rows
from tunekit.jobs.record import JobProblem, JobRequest
from tunekit.tuners.rlhf import RLHFTuner

_HELD_OUT = 0.2
"""Share of pairs, and of prompts, that is held out where no rows are given for that."""

Pair = tuple[Encoded, Encoded]


class RLHFRecipe:
    """RLHF on this machine."""

    def inspect(self, request: JobRequest, rows: Rows, home: Path) -> Inspection:
        """Count tokens, and find pairs and prompts that the base model cannot take."""
        tuner: RLHFTuner = request.tuner
        room = Room(tuner.prompt_sequence_length, tuner.target_sequence_length)
        drawn = (tuner.reward_model_train_steps or 0) * (tuner.batch_size or 0)
        answers = (tuner.prompts_per_step or 0) * (tuner.samples_per_prompt or 0)
        drawn += 3 * (tuner.reinforcement_learning_train_steps or 0) * answers
        return inspect_text_rows(request, rows, home, drawn=drawn, room=room)

    def train(self, run: Run, into: Path) -> Result:
        """Train a reward model, then the policy, and leave the policy's adapter in `into`."""
        started = time.monotonic()
        tuner: RLHFTuner = run.request.tuner
        base = find_base_model(tuner.base_model, run.home)
        data = _read(run, load_encoder(base))
        if finished_reward_model(run.folder.reward_model) is None:
            _make_reward_model(run, base, data)
        record = finished_reward_model(run.folder.reward_model)
        known = dict(record.metrics) if record else {}
        scorer = load_scorer(base, run.folder.reward_model)
        _make_policy(run, base, data, scorer, into)
        outcome = compared(
            base,
            into,
            data.evaluation,
            lambda responses: scorer.scores(data.evaluation, responses),
            max_output_tokens=tuner.target_sequence_length,
            seed=tuner.seed,
        )
        run.recorder.message(outcome.told())
        return Result(known | outcome.figures() | _speed(data, time.monotonic() - started))


RECIPE = RLHFRecipe()
"""What the registry of this backend finds."""


@dataclass(frozen=True, slots=True)
class _Data:
    """What a run learns from and is held against."""

    pairs: list[Pair]
    held_out: list[Pair]
    prompts: list[PromptLike]
    evaluation: list[PromptLike]
    tokens: int


def _read(run: Run, encoder: Encoder) -> _Data:
    tuner: RLHFTuner = run.request.tuner
    room = Room(tuner.prompt_sequence_length, tuner.target_sequence_length)
    seen = {ref.name: RowsSeen(encoder, tuner.base_model, room) for ref in run.request.datasets}
    pairs = {
        name: list(_pairs(encoder, seen[name], run, name))
        for name in ("train", "validation")
        if name in seen
    }
    prompts = {
        name: [instructed(row.prompt, tuner.instruction) for row in _prompts(seen[name], run, name)]
        for name in ("prompts", "evaluation")
        if name in seen
    }
    refuse_unusable(seen)
    learnt, held_out = pairs["train"], pairs.get("validation")
    if held_out is None:
        learnt, held_out = parted(learnt, _HELD_OUT, group=_prompt_of, seed=tuner.seed)
    asked, evaluation = prompts["prompts"], prompts.get("evaluation")
    if evaluation is None:
        asked, evaluation = parted(asked, _HELD_OUT, group=lambda prompt: prompt, seed=tuner.seed)
    tokens = sum(rows.total for rows in seen.values())
    return _Data(learnt, held_out, asked, evaluation[:MOST_COMPARED], tokens)


def _prompt_of(pair: Pair) -> tuple[int, ...]:
    """The tokens before the answers: those of both answers, and of other pairs with the same prompt."""
    chosen = pair[0]
    return tuple(chosen.input_ids[: len(chosen.input_ids) - chosen.num_learnt])


def instructed(prompt: str | tuple[Message, ...], instruction: str | None) -> PromptLike:
    """A prompt with the instruction before it; a conversation that has a system turn of its own keeps that."""
    if instruction is None:
        return prompt
    if isinstance(prompt, str):
        return f"{instruction}\n{prompt}"
    if prompt[0].role == "system":
        return prompt
    return (Message(role="system", content=instruction), *prompt)


def _pairs(encoder: Encoder, seen: RowsSeen, run: Run, name: str) -> Iterator[Pair]:
    """The pairs of a dataset as tokens, the preferred answer first, behind the prompt as the policy is asked it."""
    instruction = run.request.tuner.instruction
    for located, (chosen, rejected) in seen.read(run.rows(name)):
        row: Preference = located.row
        if instruction is None:
            yield chosen, rejected
        else:
            asked = instructed(row.prompt, instruction)
            yield (
                encoder.encode_answer(asked, row.chosen),
                encoder.encode_answer(asked, row.rejected),
            )


def _prompts(seen: RowsSeen, run: Run, name: str) -> Iterator[Prompt]:
    return (located.row for located, _ in seen.read(run.rows(name)))


def _make_reward_model(run: Run, base: BaseModel, data: _Data) -> None:
    tuner: RLHFTuner = run.request.tuner
    stage = run.enter("reward-model")
    fresh = run.folder.reward_model.with_name(".reward_model")
    settings = RewardSettings(
        base_model=tuner.base_model,
        pace=Pace(
            train_steps=tuner.reward_model_train_steps or 1,
            learning_rate=tuner.reward_model_learning_rate,
            seed=tuner.seed,
            checkpoint_interval=tuner.checkpoint_interval,
        ),
        batch_size=tuner.batch_size or 1,
        adapter_size=tuner.adapter_size or 1,
    )
    train_reward_model(stage, base, data.pairs, settings, fresh)
    metrics = _held_against(load_scorer(base, fresh), data.held_out)
    run.recorder.metrics(settings.pace.train_steps, metrics)
    _gate(metrics, len(data.held_out), tuner, run)
    keep_reward_model(fresh, run.folder.reward_model, metrics)


def _held_against(scorer: Scorer, pairs: Sequence[Pair]) -> dict[str, float]:
    """How often the reward model prefers what people preferred, on pairs that it has not seen."""
    scores = scorer.scores_of([encoded for pair in pairs for encoded in pair])
    right = [float(one > other) for one, other in zip(scores[::2], scores[1::2], strict=True)]
    score = mean_score(right)
    return {"reward_model_accuracy": score.value, "reward_model_accuracy_low": score.low}


def _gate(metrics: Mapping[str, float], pairs: int, tuner: RLHFTuner, run: Run) -> None:
    """Refuse a reward model that cannot be told from tossing a coin."""
    accuracy = metrics["reward_model_accuracy"]
    told = f"the reward model prefers what people preferred in {accuracy:.0%} of {pairs} held-out pairs"
    run.recorder.message(told)
    if metrics["reward_model_accuracy_low"] > 0.5 or tuner.weak_reward_model == "accept":
        return
    raise RunFailed(
        JobProblem(
            code="reward-model-weak",
            message=f"{told[0].upper()}{told[1:]}, which may be chance: nothing can be learnt from its rewards.",
            hint="Look at the choices, collect more pairs, or train it longer; "
            "weak_reward_model='accept' goes on regardless.",
        )
    )


def _make_policy(run: Run, base: BaseModel, data: _Data, scorer: Scorer, into: Path) -> None:
    tuner: RLHFTuner = run.request.tuner

    def score(places: Sequence[int], responses: Sequence[str]) -> list[float]:
        return scorer.scores([data.prompts[place] for place in places], responses)

    settings = PolicySettings.of(
        tuner,
        train_steps=tuner.reinforcement_learning_train_steps,
        learning_rate=tuner.reinforcement_learning_rate,
        max_output_tokens=tuner.target_sequence_length,
    )
    train_policy(run.enter(), base, data.prompts, score=score, settings=settings, into=into)


def _speed(data: _Data, seconds: float) -> dict[str, float]:
    return {"seconds_per_token": seconds / max(data.tokens, 1)}
