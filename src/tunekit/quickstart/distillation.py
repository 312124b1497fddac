"""Distillation: a tuned model teaches one a quarter its size to route support messages, from messages without answers.

Belongs here: the steps and the messages (`support_prompts.jsonl`, written for tunekit by `tools/nano`).
Does not belong here: anything that a user could not write the same way.
"""

from __future__ import annotations

import time

from tunekit.client import Client
from tunekit.data.dataset import Dataset
from tunekit.data.rows import Prompt, PromptCompletion
from tunekit.quickstart import WHOLE, Outcome, Say, Size, sample_rows, tuned
from tunekit.quickstart.supervised import routing_tuner
from tunekit.tuners.distillation import Distiller


def run(client: Client, say: Say, size: Size = WHOLE) -> Outcome:
    """Tune a teacher, let it answer, tune the student, compare all three."""
    started = time.monotonic()
    with (
        sample_rows("support_routing.jsonl", PromptCompletion, size) as rows,
        sample_rows("support_prompts.jsonl", Prompt, size) as generated,
    ):
        train, test = rows.split(0.2, seed=7)
        teacher = client.tune(routing_tuner(size), train, display_name="teacher").result()
        say("teacher = client.tune(tk.SupervisedTuner(...), train).result()", teacher)

        asked = [Prompt(prompt=row.prompt) for row in train]
        prompts = Dataset.read([*generated, *asked], row=Prompt)
        say("prompts", prompts)
        tuner = Distiller(
            base_model="tunekit/pico",
            teacher=teacher.id,
            tuning_mode="full",
            train_steps=size.train_steps,
        )
        model = tuned(client, say, tuner, prompts, name="prompts", display_name="student")

        comparison = model.compare(test)
        say("model.compare(test)", comparison)
        count = len(prompts)
    return Outcome.of(
        model,
        metric=comparison.beside_teacher.metric,
        before=comparison.untuned.quality.value,
        after=comparison.tuned.quality.value,
        rows=count,
        started=started,
    )
