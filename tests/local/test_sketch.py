"""The small pipeline inside the wheel learns a style that it has never seen. `tools/sketch` measures it in full."""

from __future__ import annotations

from importlib.resources import files

import tunekit as tk


def test_a_style_comes_where_it_is_asked_for(inline: tk.Client) -> None:
    folder = str(files("tunekit.quickstart") / "blueprints")
    images = tk.Dataset.read(folder, row=tk.CaptionedImage)
    train, test = images.split(0.25, seed=7)
    tuner = tk.ImagenStyleTuner(
        base_model="tunekit/sketch",
        style="blueprint",
        train_steps=120,
        num_prior_images=24,
        sample_interval=1_000,
    )
    model = inline.tune(tuner, train).result()
    prompts = ["a red circle on a hill", "a yellow star", "a car in the desert", "a mug"]
    evaluation = model.evaluate(test, prompts=prompts, num_images=2, num_inference_steps=12)
    unasked = evaluation.metrics["similarity_unasked"]
    assert evaluation.better
    assert evaluation.tuned.value > evaluation.base.value + 0.1
    assert unasked.tuned.value < evaluation.tuned.value
