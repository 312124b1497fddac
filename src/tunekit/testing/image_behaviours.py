"""What every backend does whose jobs give models that draw, one function per behaviour.

Belongs here: public functions that take a `Stage`; all of them are part of the contract.
Does not belong here: behaviours of all models (`behaviours.py`), anything about one backend.
"""

from __future__ import annotations

from tunekit.jobs.backend import Drawing, Generates
from tunekit.testing.stage import Stage


def pictures_come_in_order(stage: Stage) -> None:
    """As many of each prompt as were asked for, all of one size, of the tuned model and of its base."""
    model, backend = stage.drawing, stage.able(Generates)
    prompts = [f"a {word} {model.phrase}" for word in ("boat", "house")]
    drawing = Drawing(num_images=2, seed=3, num_inference_steps=2)
    for tuned in (True, False):
        drawn = backend.generate(model.id, prompts, drawing, tuned=tuned)
        assert [len(pictures) for pictures in drawn] == [2, 2]
        assert len({picture.size for pictures in drawn for picture in pictures}) == 1


def a_seed_repeats_a_picture(stage: Stage) -> None:
    """The same request draws the same, and another seed something else."""
    model = stage.drawing
    prompt = f"a boat {model.phrase}"
    first, again, other = (
        model.generate(prompt, seed=seed, num_inference_steps=2)[0].tobytes() for seed in (3, 3, 4)
    )
    assert first == again != other


def an_evaluation_of_pictures_compares_both(stage: Stage) -> None:
    """Both models draw the same prompts, and every figure has an interval."""
    evaluation = stage.drawing.evaluate(
        stage.rows, prompts=["a boat", "a house"], num_images=1, num_inference_steps=2
    )
    assert evaluation.num_prompts == 2
    assert evaluation.tuned.low <= evaluation.tuned.value <= evaluation.tuned.high
    assert evaluation.drift.value >= 0
