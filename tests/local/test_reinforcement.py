"""Reinforcement tuning, really trained, in this process."""

from __future__ import annotations

from typing import Any

import pytest

import tunekit as tk
from sample_rows import preference_lines


def prompts(count: int = 24, **fields: Any) -> tk.Dataset[tk.Prompt]:
    """Prompts, with further fields."""
    lines = [
        {"input_text": line["input_text"], **fields} for line in preference_lines(count, seed=9)
    ]
    return tk.Dataset.read(lines, row=tk.Prompt)


def politeness(prompt: str, response: str, references: object) -> float:
    """1 for a polite reply."""
    return float(response.startswith("Thank you"))


def one_that_replies(client: tk.Client, base_model: str) -> str:
    """A model that gives polite and terse replies, about as many of each, and stops."""
    rows = [
        {"input_text": line["input_text"], "output_text": line[f"candidate_{number % 2}"]}
        for number, line in enumerate(preference_lines(96))
    ]
    tuner = tk.SupervisedTuner(
        base_model=base_model,
        train_steps=120,
        batch_size=8,
        tuning_mode="full",
        learning_rate=tk.LearningRate(5e-3),
    )
    return client.tune(tuner, tk.Dataset.read(rows, row=tk.PromptCompletion)).result().id


def tuner(base_model: str, **settings: Any) -> tk.ReinforcementTuner:
    """A tuner that is quick."""
    defaults: dict[str, Any] = {
        "reward": tk.PythonReward(politeness),
        "train_steps": 4,
        "learning_rate": tk.LearningRate(1e-2),
        "prompts_per_step": 2,
        "max_output_tokens": 6,
    }
    return tk.ReinforcementTuner(base_model=base_model, **(defaults | settings))


def test_the_reward_rises_on_prompts_that_were_held_out(inline: tk.Client, tiny_model: str) -> None:
    base = one_that_replies(inline, tiny_model)
    settings = tuner(
        base,
        train_steps=30,
        learning_rate=tk.LearningRate(3e-3),
        prompts_per_step=4,
        samples_per_prompt=8,
        max_output_tokens=40,
    )
    model = inline.tune(settings, prompts(), validation=prompts(40)).result()
    figures = model.record.metrics
    assert figures["reward_after"] > figures["reward_before"]
    reward = tk.PythonReward(politeness)
    evaluation = model.evaluate(prompts(32), reward=reward, temperature=1.0, max_output_tokens=40)
    assert evaluation.metric == "reward"
    assert list(evaluation.metrics) == ["reward", "win_rate", "words"]
    assert evaluation.better


def test_rows_that_lack_what_the_reward_names_start_nothing(
    inline: tk.Client, tiny_model: str
) -> None:
    settings = tuner(tiny_model, reward=tk.ExactMatch(expected="{{references.answer}}"))
    with pytest.raises(tk.DatasetInvalid) as caught:
        inline.tune(settings, prompts(4))
    assert [finding.rule for finding in caught.value.report.errors] == ["unscorable-row"] * 4
    assert inline.jobs() == []
    assert inline.plan(settings, prompts(4, answer="yes")).ok


def test_a_reward_that_is_always_the_same_is_warned_of(inline: tk.Client, tiny_model: str) -> None:
    never = tk.ExactMatch(expected="an answer that nobody gives")
    job = inline.tune(tuner(tiny_model, reward=never), prompts())
    told = [event.message for event in job.events()]
    assert any("all answers got the same reward" in message for message in told)
