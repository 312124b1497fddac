"""Preference tuning: a small model learns to reply politely from pairs of replies.

Belongs here: the steps.
Does not belong here: the rows (`replies.py`), anything that a user could not write the same way.
"""

from __future__ import annotations

import time

from tunekit.client import Client
from tunekit.quickstart import WHOLE, Outcome, Say, Size, tuned
from tunekit.quickstart.replies import ANSWER_TOKENS, MESSAGE, POLITE, prompts_of, reply_pairs
from tunekit.tuners.preference import PreferenceTuner


def run(client: Client, say: Say, size: Size = WHOLE) -> Outcome:
    """Check, plan, tune, evaluate, predict."""
    started = time.monotonic()
    with reply_pairs(size) as pairs:
        say("pairs = tk.Dataset.read('reply_preferences.jsonl', row=tk.Preference)", pairs)
        say("pairs.check()", pairs.check())
        train, test = pairs.split(0.2, seed=7)

        tuner = PreferenceTuner(base_model="tunekit/nano", train_steps=size.train_steps)
        model = tuned(client, say, tuner, train, name="train", display_name="polite replies")

        say("model.evaluate(test)", model.evaluate(test))
        evaluation = model.evaluate(
            prompts_of(test), reward=POLITE, temperature=1.0, max_output_tokens=ANSWER_TOKENS
        )
        say("model.evaluate(prompts, reward=polite, temperature=1.0)", evaluation)
        rows = len(train)
    say(f"model.predict({MESSAGE!r})", model.predict(MESSAGE))
    return Outcome.of(
        model,
        metric="polite replies",
        before=evaluation.base.value,
        after=evaluation.tuned.value,
        rows=rows,
        started=started,
    )
