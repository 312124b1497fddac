"""RLHF: a reward model learns from pairs of replies, and a small model learns to reply as it likes.

Belongs here: the steps.
Does not belong here: the rows (`replies.py`), anything that a user could not write the same way.
"""

from __future__ import annotations

import time

from tunekit.client import Client
from tunekit.quickstart import WHOLE, Outcome, Say, Size, tuned
from tunekit.quickstart.replies import ANSWER_TOKENS, MESSAGE, POLITE, prompts_of, reply_pairs
from tunekit.tuners.rlhf import PreferenceData, RLHFTuner


def run(client: Client, say: Say, size: Size = WHOLE) -> Outcome:
    """Check, plan, tune, evaluate, predict, and ask the reward model."""
    started = time.monotonic()
    with reply_pairs(size) as pairs:
        say("pairs = tk.Dataset.read('reply_preferences.jsonl', row=tk.Preference)", pairs)
        say("pairs.check()", pairs.check())
        train, test = pairs.split(0.2, seed=7)
        data = PreferenceData(
            preferences=train, prompts=prompts_of(train), evaluation=prompts_of(test)
        )

        tuner = RLHFTuner(
            base_model="tunekit/nano",
            reward_model_train_steps=size.train_steps,
            reinforcement_learning_train_steps=size.train_steps,
        )
        model = tuned(client, say, tuner, data, name="data", display_name="polite replies")
        figures = {name: round(value, 4) for name, value in model.record.metrics.items()}
        say("model.record.metrics", figures)

        evaluation = model.evaluate(
            prompts_of(test), reward=POLITE, temperature=1.0, max_output_tokens=ANSWER_TOKENS
        )
        say("model.evaluate(prompts, reward=polite, temperature=1.0)", evaluation)
        rows = len(train)
    say(f"model.predict({MESSAGE!r})", model.predict(MESSAGE))
    for reply in ("Thank you for your message. It comes on Monday.", "Wait."):
        score = model.reward_model.score(MESSAGE, reply)
        say(f"model.reward_model.score(message, {reply!r})", round(score, 3))
    return Outcome.of(
        model,
        metric="polite replies",
        before=evaluation.base.value,
        after=evaluation.tuned.value,
        rows=rows,
        started=started,
    )
