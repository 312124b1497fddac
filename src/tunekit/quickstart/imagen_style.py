"""Style tuning: a small model learns to draw blueprints from twelve of them.

Belongs here: the steps.
Does not belong here: the images (`blueprints/`, drawn by `tools/sketch`), anything that a user could not write so.
"""

from __future__ import annotations

import time

from tunekit.client import Client
from tunekit.data.rows import CaptionedImage
from tunekit.quickstart import WHOLE, Outcome, Say, Size, sample_rows, tuned
from tunekit.tuners.imagen_style import ImagenStyleTuner

PROMPTS = (
    "a red circle on a hill",
    "a blue house at night",
    "a green fish by the sea",
    "a yellow star in the snow",
    "a car in the desert",
    "a mug on a table",
)
"""None of them is the caption of an image that is learnt from."""


def run(client: Client, say: Say, size: Size = WHOLE) -> Outcome:
    """Check, plan, tune, evaluate, draw."""
    started = time.monotonic()
    with sample_rows("blueprints", CaptionedImage, size) as images:
        say("images = tk.Dataset.read('blueprints', row=tk.CaptionedImage)", images)
        say("images.check()", images.check())
        train, test = images.split(0.25, seed=7)

        tuner = ImagenStyleTuner(
            base_model="tunekit/sketch",
            style="blueprint",
            train_steps=size.train_steps,
            num_prior_images=size.num_images,
        )
        model = tuned(client, say, tuner, train, name="train", display_name="blueprints")

        evaluation = model.evaluate(test, prompts=PROMPTS, num_images=size.num_images or 4)
        say("model.evaluate(test, prompts=PROMPTS)", evaluation)
        rows = len(train)
    prompt = f"a boat by the sea {model.phrase}"
    say(f"model.generate({prompt!r}, num_images=4, seed=1)", model.generate(prompt, 4, 1))
    return Outcome.of(
        model,
        metric="likeness to blueprints",
        before=evaluation.base.value,
        after=evaluation.tuned.value,
        rows=rows,
        started=started,
    )
