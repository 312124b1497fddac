"""Both stages of RLHF, really trained, in this process."""

from __future__ import annotations

from typing import Any

import pytest

import tunekit as tk
from sample_rows import preference_lines, preferences

PROMPTS = tk.Dataset.read(
    [{"input_text": line["input_text"]} for line in preference_lines(24, seed=9)], row=tk.Prompt
)


def tuner(base_model: str, **settings: Any) -> tk.RLHFTuner:
    """A tuner that is quick, and whose reward model learns."""
    defaults: dict[str, Any] = {
        "reward_model_train_steps": 30,
        "reward_model_learning_rate": tk.LearningRate(1e-2),
        "reinforcement_learning_train_steps": 4,
        "reinforcement_learning_rate": tk.LearningRate(1e-2),
        "batch_size": 8,
        "prompts_per_step": 2,
        "target_sequence_length": 8,
    }
    return tk.RLHFTuner(base_model=base_model, **(defaults | settings))


def data(pairs: tk.Dataset[tk.Preference] | None = None) -> tk.PreferenceData:
    """Pairs of polite and terse replies, and prompts of the same kind."""
    return tk.PreferenceData(preferences=pairs or preferences(64), prompts=PROMPTS)


def test_the_result_has_a_reward_model_that_prefers_what_people_preferred(
    inline: tk.Client, tiny_model: str
) -> None:
    model = inline.tune(tuner(tiny_model), data()).result()
    assert isinstance(model, tk.RLHFModel)
    figures = model.record.metrics
    assert figures["reward_model_accuracy"] >= 0.9
    row = preferences(4, seed=3).head(1)[0]
    scores = [model.reward_model.score(row.prompt, text) for text in (row.chosen, row.rejected)]
    assert scores[0] > scores[1]
    assert {
        "reward_before",
        "reward_after",
        "win_rate",
        "kl",
        "words_before",
        "words_after",
    } <= set(figures)
    again = inline.model(model.reward_model.id, tk.RewardModel)
    assert again.score(row.prompt, row.chosen) == pytest.approx(scores[0])


def test_the_stages_show_in_events_and_progress(inline: tk.Client, tiny_model: str) -> None:
    job = inline.tune(tuner(tiny_model), data())
    events = list(job.events())
    assert [event.stage for event in events if event.kind == "stage"] == ["reward-model", "train"]
    in_first = [metrics for metrics in job.metrics() if metrics.stage == "reward-model"]
    in_second = [metrics for metrics in job.metrics() if metrics.stage == "train"]
    assert any("pair_accuracy" in metrics.values for metrics in in_first)
    assert any({"reward", "kl"} <= set(metrics.values) for metrics in in_second)
    assert job.record.progress is not None
    assert (job.record.progress.stage, job.record.progress.total_steps) == ("train", 4)


def test_shuffled_choices_are_refused_by_the_gate(inline: tk.Client, tiny_model: str) -> None:
    lines = preference_lines(64)
    shuffled = [line | {"choice": number % 2} for number, line in enumerate(lines)]
    job = inline.tune(tuner(tiny_model), data(tk.Dataset.read(shuffled, row=tk.Preference)))
    with pytest.raises(tk.JobFailed, match="may be chance"):
        job.result()
    assert job.record.problem is not None
    assert job.record.problem.code == "reward-model-weak"
    accepting = tuner(tiny_model, weak_reward_model="accept")
    pairs = tk.Dataset.read(shuffled, row=tk.Preference)
    assert inline.tune(accepting, data(pairs)).wait().state is tk.JobState.SUCCEEDED


def test_pairs_that_share_a_prompt_are_held_out_together(
    inline: tk.Client, tiny_model: str
) -> None:
    lines = [
        line | {"input_text": f"my parcel is late, number {number % 3}"}
        for number, line in enumerate(preference_lines(60))
    ]
    job = inline.tune(tuner(tiny_model), data(tk.Dataset.read(lines, row=tk.Preference)))
    assert any("of 20 held-out pairs" in event.message for event in job.events())


def test_grpo_runs_as_well(inline: tk.Client, tiny_model: str) -> None:
    model = inline.tune(tuner(tiny_model, algorithm="grpo"), data()).result()
    assert "kl" in model.record.metrics


def test_an_instruction_stands_before_every_prompt(inline: tk.Client, tiny_model: str) -> None:
    asked = tuner(tiny_model, instruction="Be kind.", prompt_sequence_length=12)
    with pytest.raises(tk.DatasetInvalid) as caught:
        inline.tune(asked, data())
    assert {finding.rule for finding in caught.value.report.errors} == {"row-too-long"}
