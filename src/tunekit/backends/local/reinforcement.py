"""How this machine runs reinforcement tuning: the policy against a typed reward.

Belongs here: rewards bound to rows, and the reward models that they name.
Does not belong here: the policy's training (`policy.py`), the rewards themselves (`tuners/rewards/`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tunekit.backends.local.base_models import find_base_model, load_encoder
from tunekit.backends.local.folder import JobFolder
from tunekit.backends.local.inspection import Room, RowsSeen, inspect_text_rows, refuse_unusable
from tunekit.backends.local.outcome import MOST_COMPARED, compared
from tunekit.backends.local.policy import PolicySettings, train_policy
from tunekit.backends.local.reward_model import Scorers
from tunekit.backends.local.run import Result, Run
from tunekit.data.check import rules
from tunekit.data.check.findings import Finding, Problem
from tunekit.data.dataset import Located
from tunekit.data.rows import Prompt
from tunekit.data.split import parted
from tunekit.errors import SettingInvalid
from tunekit.jobs.backend import Inspection, Rows
from tunekit.jobs.record import JobRequest
from tunekit.tuners.reinforcement import ReinforcementTuner
from tunekit.tuners.rewards import Judge, Sample

_HELD_OUT = 0.1
"""Share of the prompts that is held out where no validation rows are given."""


class ReinforcementRecipe:
    """Reinforcement tuning on this machine."""

    def inspect(self, request: JobRequest, rows: Rows, home: Path) -> Inspection:
        """Count tokens, and find prompts that the model cannot take or the reward cannot score answers to."""
        tuner: ReinforcementTuner = request.tuner
        answers = (tuner.prompts_per_step or 0) * (tuner.samples_per_prompt or 0)
        seen = inspect_text_rows(
            request, rows, home, drawn=3 * (tuner.train_steps or 0) * answers, room=_room(tuner)
        )
        unscorable = [
            finding for part in rows.values() for finding in _unscorable(tuner, part.located())
        ]
        return seen.model_copy(update={"findings": (*seen.findings, *unscorable)})

    def train(self, run: Run, into: Path) -> Result:
        """Train, and leave an adapter in `into`."""
        started = time.monotonic()
        tuner: ReinforcementTuner = run.request.tuner
        base = find_base_model(tuner.base_model, run.home)
        encoder = load_encoder(base)
        seen = {
            ref.name: RowsSeen(encoder, tuner.base_model, _room(tuner))
            for ref in run.request.datasets
        }
        prompts = {
            name: [located.row for located, _ in rows.read(run.rows(name))]
            for name, rows in seen.items()
        }
        refuse_unusable(seen)
        learnt, held_out = prompts["train"], prompts.get("validation")
        if held_out is None:
            learnt, held_out = parted(
                learnt, _HELD_OUT, group=lambda row: row.prompt, seed=tuner.seed
            )
        judge = judge_of(run.home)

        def score(places: Sequence[int], responses: Sequence[str]) -> list[float]:
            return _scored(tuner, [learnt[place] for place in places], responses, judge)

        asked = [row.prompt for row in learnt]
        settings = PolicySettings.of(
            tuner,
            train_steps=tuner.train_steps,
            learning_rate=tuner.learning_rate,
            max_output_tokens=tuner.max_output_tokens,
        )
        train_policy(run.enter(), base, asked, score=score, settings=settings, into=into)
        evaluation = held_out[:MOST_COMPARED]
        outcome = compared(
            base,
            into,
            [row.prompt for row in evaluation],
            lambda responses: _scored(tuner, evaluation, responses, judge),
            max_output_tokens=tuner.max_output_tokens,
            seed=tuner.seed,
        )
        run.recorder.message(outcome.told())
        seconds = time.monotonic() - started
        speed = {"seconds_per_token": seconds / max(seen["train"].total, 1)}
        return Result(outcome.figures() | speed)


RECIPE = ReinforcementRecipe()
"""What the registry of this backend finds."""


def judge_of(home: Path) -> Judge:
    """Scores with the reward models that jobs on this machine have given."""
    scorers = Scorers(home)

    def judge(model_id: str, samples: Sequence[Sample]) -> list[float]:
        job = JobFolder(home / "jobs" / model_id.removeprefix("local:").partition("/")[0])
        base_model = job.manifest().request.tuner.base_model
        scorer = scorers.get(model_id, base_model)
        return scorer.scores(
            [sample.prompt for sample in samples], [sample.response for sample in samples]
        )

    return judge


def _room(tuner: ReinforcementTuner) -> Room:
    return Room(prompt_tokens=None, answer_tokens=tuner.max_output_tokens)


def _scored(
    tuner: ReinforcementTuner, rows: Sequence[Prompt], responses: Sequence[str], judge: Judge
) -> list[float]:
    samples = [Sample.of(row, text) for row, text in zip(rows, responses, strict=True)]
    return tuner.reward.score(samples, judge=judge)


def _unscorable(tuner: ReinforcementTuner, rows: Iterable[Located[Any]]) -> Iterator[Finding]:
    """Rows to which even an empty answer cannot be scored, such as one without the field that the reward names."""
    for located in rows:
        try:
            tuner.reward.score([Sample.of(located.row, "")], judge=_nobody)
        except SettingInvalid as error:
            problem = Problem(rules.UNSCORABLE_ROW, error.fact, fix=error.hint)
            yield Finding.of(problem, located.place)


def _nobody(_: str, samples: Sequence[Sample]) -> list[float]:
    """Stands in for reward models, which can score everything."""
    return [0.0] * len(samples)
