"""Subject tuning: a small model learns one certain mug from five pictures of it.

Belongs here: the steps.
Does not belong here: the images (`mugs/`, drawn by `tools/sketch`), anything that a user could not write so.
"""

from __future__ import annotations

import time

from tunekit.client import Client
from tunekit.data.rows import ReferenceImage
from tunekit.quickstart import WHOLE, Outcome, Say, Size, sample_rows, tuned
from tunekit.tuners.imagen_subject import ImagenSubjectTuner, SubjectImages

PROMPTS = ("a mug at night", "a mug in the desert", "a mug in the rain")
"""Surroundings in which no image shows the mug."""


def run(client: Client, say: Say, size: Size = WHOLE) -> Outcome:
    """Check, plan, tune, evaluate, draw."""
    started = time.monotonic()
    with sample_rows("mugs", ReferenceImage, size) as images:
        say("images = tk.Dataset.read('mugs', row=tk.ReferenceImage)", images)
        say("images.check()", images.check())
        data = SubjectImages(images=images, subject="sks", subject_class="mug")

        tuner = ImagenSubjectTuner(
            base_model="tunekit/sketch",
            train_steps=size.train_steps,
            num_prior_images=size.num_images,
        )
        model = tuned(client, say, tuner, data, name="data", display_name="one certain mug")

        evaluation = model.evaluate(data, prompts=PROMPTS, num_images=size.num_images or 4)
        say("model.evaluate(data, prompts=PROMPTS)", evaluation)
        rows = len(images)
    prompt = f"a {model.phrase} at night"
    say(f"model.generate({prompt!r}, num_images=4, seed=1)", model.generate(prompt, 4, 1))
    return Outcome.of(
        model,
        metric="likeness to the mug",
        before=evaluation.base.value,
        after=evaluation.tuned.value,
        rows=rows,
        started=started,
    )
