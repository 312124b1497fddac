"""Real training, in this process where the process does not matter."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from local_jobs import break_off, weights
from sample_rows import PROMPT, routing, routing_lines, write_lines
from tiny_models import write_tiny_model
from tunekit.backends.local.extras import Extra


def tuner(base_model: str, **settings: Any) -> tk.SupervisedTuner:
    """A tuner that learns quickly."""
    defaults: dict[str, Any] = {
        "train_steps": 40,
        "batch_size": 8,
        "learning_rate": tk.LearningRate(1e-2),
    }
    return tk.SupervisedTuner(base_model=base_model, **(defaults | settings))


def test_an_adapter_learns_and_is_small(inline: tk.Client, tiny_model: str) -> None:
    job = inline.tune(tuner(tiny_model), routing(40))
    losses = [metrics.values["loss"] for metrics in job.metrics() if "loss" in metrics.values]
    assert losses[-1] < losses[0] - 1
    folder = Path(job.result().record.location or "")
    config = json.loads((folder / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == tiny_model
    assert config["r"] == 16
    assert (folder / "adapter_model.safetensors").stat().st_size < 500_000
    assert not list(folder.glob("*.bin")) + list(folder.glob("*.pt")) + list(folder.glob("*.pkl"))


def test_all_weights_are_trained_when_asked(inline: tk.Client, tiny_model: str) -> None:
    job = inline.tune(
        tuner(tiny_model, tuning_mode="full", learning_rate=tk.LearningRate(3e-3)), routing(40)
    )
    model = job.result()
    folder = Path(model.record.location or "")
    assert (folder / "model.safetensors").exists()
    assert (folder / "tokenizer.json").exists()
    assert not (folder / "adapter_config.json").exists()
    evaluation = model.evaluate(routing(20, seed=1))
    assert evaluation.tuned_loss is not None
    assert evaluation.base_loss is not None
    assert evaluation.tuned_loss.nats_per_token < evaluation.base_loss.nats_per_token


def test_the_loss_of_an_evaluation_is_that_of_training(inline: tk.Client, tiny_model: str) -> None:
    validation = routing(8, seed=3)
    job = inline.tune(tuner(tiny_model), routing(40), validation=validation)
    told = [m.values["validation_loss"] for m in job.metrics() if "validation_loss" in m.values]
    loss = job.result().evaluate(validation).tuned_loss
    assert loss is not None
    assert loss.nats_per_token == pytest.approx(told[-1], rel=1e-4)


def test_the_same_seed_gives_the_same_weights(inline: tk.Client, tiny_model: str) -> None:
    first, second = (inline.tune(tuner(tiny_model, train_steps=6), routing(24)) for _ in range(2))
    other = inline.tune(tuner(tiny_model, train_steps=6, seed=1), routing(24))
    assert weights(first) == weights(second) != weights(other)


def test_tuning_goes_on_from_a_tuned_model(inline: tk.Client, tiny_model: str) -> None:
    first = inline.tune(tuner(tiny_model), routing(40)).result()
    second = inline.tune(tuner(first.id, train_steps=10), routing(40, seed=1)).result()
    assert second.record.base_model == first.id
    rows = routing(8, seed=2)
    before = first.evaluate(rows).tuned_loss
    after = second.evaluate(rows).base_loss
    assert before is not None
    assert after is not None
    assert after.nats_per_token == pytest.approx(before.nats_per_token, rel=1e-3)


def test_early_stopping_stops_and_the_best_weights_are_kept(
    inline: tk.Client, tiny_model: str
) -> None:
    wrong = [line | {"output_text": "returns"} for line in routing_lines(8, seed=5)]
    job = inline.tune(
        tuner(
            tiny_model,
            train_steps=60,
            evaluation_interval=2,
            early_stopping=2,
            checkpoint_selection="best",
        ),
        routing(40),
        validation=tk.Dataset.read(wrong, row=tk.PromptCompletion),
    )
    record = job.wait()
    assert record.progress is not None
    assert record.progress.step < 60
    validation = [
        m.values["validation_loss"] for m in job.metrics() if "validation_loss" in m.values
    ]
    loss = job.result().evaluate(tk.Dataset.read(wrong, row=tk.PromptCompletion)).tuned_loss
    assert loss is not None
    assert loss.nats_per_token == pytest.approx(min(validation), rel=1e-3)
    assert min(validation) < validation[-1]


@pytest.mark.parametrize(
    ("losses", "code"),
    [
        ([2.0, math.nan], "loss-not-finite"),
        ([0.0] * 5, "loss-zero"),
        ([2.0, 0.0, 0.0, 0.0, 0.0], None),
    ],
)
def test_losses_that_cannot_come_to_anything_stop_the_run(
    inline: tk.Client,
    tiny_model: str,
    monkeypatch: pytest.MonkeyPatch,
    losses: list[float],
    code: str | None,
) -> None:
    import torch
    from trl.trainer.sft_trainer import SFTTrainer

    given = iter(losses)

    def compute_loss(self: Any, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        loss = sum(p.sum() for p in model.parameters() if p.requires_grad) * 0.0
        return loss + torch.tensor(next(given, 1.0))

    monkeypatch.setattr(SFTTrainer, "compute_loss", compute_loss)
    job = inline.tune(tuner(tiny_model, train_steps=8), routing(24))
    problem = job.wait().problem
    assert (problem.code if problem else None) == code
    if code:
        assert job.state is tk.JobState.FAILED
        with pytest.raises(tk.JobFailed):
            job.result()


def test_rows_too_long_for_the_model_start_nothing(
    inline: tk.Client, tiny_model: str, tmp_path: Path
) -> None:
    long = {"input_text": PROMPT.format(message="very long " * 60), "output_text": "billing"}
    path = write_lines(tmp_path / "r.jsonl", [*routing_lines(9), long])
    rows = tk.Dataset.read(path, row=tk.PromptCompletion)
    with pytest.raises(tk.DatasetInvalid, match=r"r\.jsonl:10: error row-too-long.*takes 256"):
        inline.tune(tuner(tiny_model), rows)
    assert inline.jobs() == []


def test_rows_without_a_trained_stop_token_start_nothing(inline: tk.Client, tmp_path: Path) -> None:
    template = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
    model = write_tiny_model(tmp_path / "model", chat_template=template)
    path = write_lines(tmp_path / "r.jsonl", routing_lines(3))
    rows = tk.Dataset.read(path, row=tk.PromptCompletion)
    with pytest.raises(tk.DatasetInvalid, match=r"r\.jsonl:3: error untrainable-row"):
        inline.tune(tuner(model), rows)
    assert inline.jobs() == []


def test_a_plan_counts_the_tokens_that_training_sees(inline: tk.Client, tiny_model: str) -> None:
    rows = routing(24)
    plan = inline.plan(tuner(tiny_model), rows)
    assert plan.tokens is not None
    assert plan.tokens.exact
    assert plan.tokens.trained > len(rows)
    assert plan.limits[0].value == 256
    assert plan.duration is not None
    assert plan.duration.low < plan.duration.high


def test_a_second_plan_knows_how_long_the_first_job_took(
    inline: tk.Client, tiny_model: str
) -> None:
    inline.tune(tuner(tiny_model, train_steps=6), routing(24))
    plan = inline.plan(tuner(tiny_model, train_steps=6), routing(24))
    assert plan.duration is not None
    assert "earlier job" in plan.duration.basis


def test_a_model_that_is_not_here_yet_is_planned_with_estimates(inline: tk.Client) -> None:
    plan = inline.plan(tk.SupervisedTuner(base_model="some-org/some-model"), routing(24))
    assert plan.tokens is not None
    assert not plan.tokens.exact
    assert any("not on this machine yet" in warning for warning in plan.warnings)


def test_a_job_whose_base_model_cannot_be_fetched_says_so(inline: tk.Client) -> None:
    job = inline.tune(
        tk.SupervisedTuner(base_model="some-org/some-model", train_steps=1), routing(24)
    )
    with pytest.raises(tk.JobFailed, match="some-org/some-model"):
        job.result()


def test_rows_that_change_before_the_copy_are_refused(
    inline: tk.Client, tiny_model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_lines(tmp_path / "r.jsonl", routing_lines(12))
    rows = tk.Dataset.read(path, row=tk.PromptCompletion)
    submit = tk.LocalBackend.submit

    def meddled(self: tk.LocalBackend, request: Any, parts: Any) -> tk.JobRecord:
        write_lines(tmp_path / "r.jsonl", routing_lines(13))
        return submit(self, request, parts)

    monkeypatch.setattr(tk.LocalBackend, "submit", meddled)
    with pytest.raises(tk.DatasetChanged):
        inline.tune(tuner(tiny_model), rows)
    assert inline.jobs() == []


def test_old_checkpoints_keep_their_weights_and_new_ones_what_a_resume_needs(
    inline: tk.Client, tiny_model: str
) -> None:
    job = inline.tune(tuner(tiny_model, train_steps=8, checkpoint_interval=2), routing(24))
    checkpoints = job.checkpoints()
    assert [checkpoint.step for checkpoint in checkpoints] == [2, 4, 6, 8]
    folder = Path(job.record.location or "") / "checkpoints"
    resumable = {path.parent.name for path in folder.glob("*/optimizer.pt")}
    assert resumable == {"checkpoint-6", "checkpoint-8"}
    first = inline.model(checkpoints[0].id, tk.TextModel)
    assert first.evaluate(routing(4, seed=1)).rows == 4


def test_a_model_that_departs_from_its_prompt_shape_warns(
    inline: tk.Client, tiny_model: str
) -> None:
    model = inline.tune(tuner(tiny_model, train_steps=2), routing(24)).result()
    with pytest.warns(tk.PromptShapeWarning):
        model.predict("hello", max_output_tokens=2)


def test_a_job_folder_names_no_row_outside_its_data(inline: tk.Client, tiny_model: str) -> None:
    job = inline.tune(tuner(tiny_model, train_steps=2), routing(24))
    folder = Path(job.record.location or "")
    for name in ("manifest.json", "status.json", "events.jsonl", "process.json"):
        assert "number 7" not in (folder / name).read_text()
    assert "number 7" in (folder / "data" / "train.jsonl").read_text()


def test_a_damaged_newest_checkpoint_is_not_gone_on_from(
    inline: tk.Client, tiny_model: str
) -> None:
    settings = tuner(tiny_model, train_steps=6, checkpoint_interval=2)
    whole = inline.tune(settings, routing(24))
    broken = inline.tune(settings, routing(24))
    break_off(broken, after_step=4)
    broken.resume()
    assert any("going on from checkpoint-4" in event.message for event in broken.events())
    assert weights(broken) == weights(whole)


def test_using_the_backend_without_its_extra_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    without = Extra("local", ("no_such_torch", "no_such_trl"), "Training on this machine")
    monkeypatch.setattr("tunekit.backends.local.extras.LOCAL", without)
    client = tk.Client(tk.LocalBackend(home))
    for call in (
        client.jobs,
        lambda: client.job("local:x"),
        lambda: client.tune(tk.SupervisedTuner(base_model="tunekit/nano"), routing(4)),
    ):
        with pytest.raises(tk.MissingExtra, match=r"pip install 'tunekit\[local\]'") as caught:
            call()
        assert caught.value.extra == "local"


def test_a_prompt_that_leaves_no_room_for_an_answer_is_refused(
    inline: tk.Client, tiny_model: str
) -> None:
    model = inline.tune(tuner(tiny_model, train_steps=2), routing(24)).result()
    short, long, too_long = (PROMPT.format(message="a b " * count) for count in (1, 60, 200))
    with pytest.raises(tk.SettingInvalid, match=r"prompt 2: The prompt has .* takes 256"):
        model.predict_many([short, too_long])
    assert (model.predict(long, max_output_tokens=5_000).num_output_tokens or 0) <= 256
