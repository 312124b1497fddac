"""Supervised tuning: a small model learns to route support messages to teams.

Belongs here: the steps and the rows (`support_routing.jsonl`, written for tunekit).
Does not belong here: anything that a user could not write the same way.
"""

from __future__ import annotations

import time

from tunekit.client import Client
from tunekit.data.rows import PromptCompletion
from tunekit.quickstart import WHOLE, Outcome, Say, Size, sample_rows, tuned
from tunekit.tuners.supervised import SupervisedTuner

_PROMPT = (
    "Which team should answer this message: account, billing, returns, shipping or technical?\n"
    "Message: {message}\nTeam:"
)
_MESSAGE = "hi, the courier says it was handed over yesterday but nothing is at my door"


def run(client: Client, say: Say, size: Size = WHOLE) -> Outcome:
    """Check, plan, tune, evaluate, predict."""
    started = time.monotonic()
    with sample_rows("support_routing.jsonl", PromptCompletion, size) as rows:
        say("rows = tk.Dataset.read('support_routing.jsonl', row=tk.PromptCompletion)", rows)
        say("rows.check()", rows.check())
        train, test = rows.split(0.2, seed=7)
        say(
            "train, test = rows.split(0.2, seed=7)",
            f"{len(train)} rows to learn, {len(test)} held out",
        )

        tuner = routing_tuner(size)
        model = tuned(client, say, tuner, train, name="train", display_name="support routing")

        evaluation = model.evaluate(test)
        say("model.evaluate(test)", evaluation)
    prompt = _PROMPT.format(message=_MESSAGE)
    say(f"model.predict({prompt!r})", model.predict(prompt))
    return Outcome.of(
        model,
        metric=evaluation.metric,
        before=evaluation.base.value,
        after=evaluation.tuned.value,
        rows=len(train),
        started=started,
    )


def routing_tuner(size: Size) -> SupervisedTuner:
    """What is tuned here, and what teaches in the quickstart of distillation."""
    return SupervisedTuner(
        base_model="tunekit/nano",
        task="classification",
        epochs=4 if size.train_steps is None else None,
        train_steps=size.train_steps,
    )
