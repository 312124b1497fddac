"""Reinforcement tuning: a small model learns to reply in few words, from a reward that is a rule.

Belongs here: the steps.
Does not belong here: the rows (`replies.py`), anything that a user could not write the same way.
"""

from __future__ import annotations

import time

from tunekit.client import Client
from tunekit.quickstart import WHOLE, Outcome, Say, Size, tuned
from tunekit.quickstart.replies import ANSWER_TOKENS, MESSAGE, prompts_of, reply_pairs
from tunekit.tuners.reinforcement import ReinforcementTuner
from tunekit.tuners.rewards import LengthReward

_TRIED = ("Wait.", "It comes Monday.", "Thank you for your message. It will be with you by Monday.")


def run(client: Client, say: Say, size: Size = WHOLE) -> Outcome:
    """Try the reward, check, plan, tune, evaluate, predict."""
    started = time.monotonic()
    with reply_pairs(size) as pairs:
        prompts = prompts_of(pairs)
        say("prompts", prompts)
        reward = LengthReward(min_words=2, max_words=6)
        say("reward = tk.LengthReward(min_words=2, max_words=6)", reward.try_on(MESSAGE, _TRIED))
        train, test = prompts.split(0.2, seed=7)

        tuner = ReinforcementTuner(
            base_model="tunekit/nano",
            reward=reward,
            train_steps=size.train_steps,
            max_output_tokens=ANSWER_TOKENS,
        )
        model = tuned(client, say, tuner, train, name="train", display_name="short replies")

        evaluation = model.evaluate(
            test, reward=reward, temperature=1.0, max_output_tokens=ANSWER_TOKENS
        )
        say("model.evaluate(test, reward=reward, temperature=1.0)", evaluation)
        rows = len(train)
    say(f"model.predict({MESSAGE!r})", model.predict(MESSAGE))
    return Outcome.of(
        model,
        metric="mean reward",
        before=evaluation.base.value,
        after=evaluation.tuned.value,
        rows=rows,
        started=started,
    )
