"""Preference tuning, really trained, in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from sample_rows import preferences
from tunekit.backends.local.base_models import find_base_model, load_encoder


def tuner(base_model: str, **settings: Any) -> tk.PreferenceTuner:
    """A tuner that learns quickly."""
    defaults: dict[str, Any] = {
        "train_steps": 30,
        "batch_size": 8,
        "learning_rate": tk.LearningRate(1e-2),
    }
    return tk.PreferenceTuner(base_model=base_model, **(defaults | settings))


def test_the_preferred_answers_become_likelier(inline: tk.Client, tiny_model: str) -> None:
    model = inline.tune(tuner(tiny_model), preferences(48)).result()
    evaluation = model.evaluate(preferences(24, seed=1))
    assert evaluation.metric == "preference_accuracy"
    assert evaluation.chance == 0.5
    assert evaluation.tuned.value >= 0.9
    assert evaluation.base.value < evaluation.tuned.value


def test_the_figures_of_pairs_are_told(inline: tk.Client, tiny_model: str) -> None:
    job = inline.tune(tuner(tiny_model), preferences(48), validation=preferences(8, seed=1))
    told = list(job.metrics())
    margins = [m.values["pair_margin"] for m in told if "pair_margin" in m.values]
    assert margins[-1] > margins[0]
    assert any("validation_pair_accuracy" in metrics.values for metrics in told)
    assert job.result().record.metrics["pair_accuracy"] >= 0.9


def test_a_candidate_that_is_too_long_is_named_before_anything_starts(
    inline: tk.Client, tiny_model: str
) -> None:
    long = tk.Preference(prompt="hello", candidates=("word " * 2_000, "b"), choice=1)
    rows = tk.Dataset.read([*preferences(8), long], row=tk.Preference)
    with pytest.raises(tk.DatasetInvalid) as caught:
        inline.tune(tuner(tiny_model), rows)
    (finding,) = caught.value.report.errors
    assert finding.rule == "row-too-long"
    assert inline.jobs() == []


def test_prompt_and_answer_are_the_tokens_that_the_model_is_asked_with(tiny_model: str) -> None:
    encoder = load_encoder(find_base_model(tiny_model, Path()))
    for row in preferences(4):
        asked = encoder.prompt_ids(row.prompt)
        for encoded, answer in zip(encoder.encodings(row), (row.chosen, row.rejected), strict=True):
            assert encoded.input_ids[: len(asked)] == asked
            learnt = encoded.input_ids[len(asked) :]
            assert len(learnt) == encoded.num_learnt
            assert str(encoder.tokenizer.decode(learnt[:-1])).strip() == answer
            assert learnt[-1] in encoder.stop_ids
