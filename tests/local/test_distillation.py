"""Distillation on this machine: labels, what is learnt from them, and the student beside its teacher."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from local_jobs import break_off, folder_of, kill, weights
from sample_rows import PROMPT, routing, routing_lines, write_lines
from tiny_models import write_tiny_model
from tunekit.backends.local.base_models import find_base_model
from tunekit.backends.local.measuring import footprint_of, memory_of
from tunekit.jobs.backend import Sampling
from tunekit.jobs.distilled import DistilledModel
from tunekit.tuners.distillation import DistillationData, Distiller

QUICK: dict[str, Any] = {
    "train_steps": 40,
    "batch_size": 8,
    "learning_rate": tk.LearningRate(1e-2),
    "teacher_max_output_tokens": 12,
}
WHOLE: dict[str, Any] = {
    "train_steps": 80,
    "batch_size": 16,
    "tuning_mode": "full",
    "learning_rate": tk.LearningRate(3e-3),
}
"""All weights: models with random weights learn little beside frozen ones."""


def tuner(base_model: str, teacher: Any, **settings: Any) -> Distiller:
    """A tuner that learns quickly."""
    return Distiller(base_model=base_model, teacher=teacher, **(QUICK | settings))


def prompts(count: int, *, seed: int = 0) -> tk.Dataset[tk.Prompt]:
    """Prompts of the routing task, without the answers."""
    lines = [{"input_text": line["input_text"]} for line in routing_lines(count, seed=seed)]
    return tk.Dataset.read(lines, row=tk.Prompt)


def prompt_file(path: Path, count: int) -> tk.Dataset[tk.Prompt]:
    """The same in a file."""
    lines = [{"input_text": line["input_text"]} for line in routing_lines(count)]
    return tk.Dataset.read(write_lines(path, lines), row=tk.Prompt)


def right(prompt: str) -> str:
    """A teacher that knows."""
    words = ("parcel", "courier", "delivery")
    return "shipping" if any(word in prompt for word in words) else "billing"


def tune_teacher(client: tk.Client, base_model: str, steps: int = 80) -> tk.TextModel:
    """A teacher that was tuned on the task."""
    settings = tk.SupervisedTuner(base_model=base_model, **(WHOLE | {"train_steps": steps}))
    return client.tune(settings, routing(160, seed=9)).result()


def test_labelled_rows_are_learnt(inline: tk.Client, tiny_model: str) -> None:
    job = inline.tune(tuner(tiny_model, right), routing(40))
    losses = [metrics.values["loss"] for metrics in job.metrics() if "loss" in metrics.values]
    assert losses[-1] < losses[0] - 1
    assert isinstance(job.result(), DistilledModel)
    assert not folder_of(job).data("labelled").exists()


def test_a_teacher_by_name_labels_in_a_stage_of_its_own(
    inline: tk.Client, tiny_model: str, tmp_path: Path
) -> None:
    teacher = tune_teacher(inline, tiny_model)
    rows = prompt_file(tmp_path / "prompts.jsonl", 20)
    plan = inline.plan(tuner(tiny_model, teacher.id), rows)
    assert any("20 answers of the teacher" in told for told in plan.writes)
    job = inline.tune(tuner(tiny_model, teacher.id), rows, validation=prompts(6, seed=4))
    metrics = job.result().record.metrics
    assert metrics["teacher_calls"] == 26
    assert metrics["labels_reused"] == 0
    assert metrics["teacher_output_tokens"] > 26
    stages = [event.message for event in job.events() if event.kind == "stage"]
    assert stages == ["stage: labels", "stage: train"]

    labelled = tk.Dataset.read(str(folder_of(job).data("labelled")), row=tk.PromptCompletion)
    assert labelled.check().ok
    first = next(iter(labelled))
    source: Any = first.extra["provenance"]
    assert source["place"] == f"{tmp_path / 'prompts.jsonl'}:1"
    assert source["answer"]["teacher"] == teacher.id
    assert source["answer"]["reused"] is False
    assert len(source["answer"]["label"]) == 64
    assert len(labelled) == 20

    again = inline.tune(tuner(tiny_model, teacher.id, seed=1), prompts(30))
    metrics = again.result().record.metrics
    assert metrics["labels_reused"] == 20
    assert metrics["teacher_calls"] == 10
    assert any("20 known already" in event.message for event in again.events())


def test_a_function_labels_before_the_job_and_the_labels_keep_their_source(
    inline: tk.Client, tiny_model: str, tmp_path: Path
) -> None:
    rows = prompt_file(tmp_path / "prompts.jsonl", 24)
    job = inline.tune(tuner(tiny_model, right), rows)
    assert job.result().record.metrics["teacher_calls"] == 24
    labelled = list(tk.Dataset.read(str(folder_of(job).data("labelled")), row=tk.PromptCompletion))
    assert [row.completion for row in labelled] == [right(row.prompt) for row in labelled]
    source: Any = labelled[-1].extra["provenance"]
    assert source["place"].endswith("prompts.jsonl:24")
    assert job.record.request.datasets[0].sources == rows.names
    assert (
        inline.tune(tuner(tiny_model, right), rows).result().record.metrics["labels_reused"] == 24
    )


def test_a_small_student_comes_close_to_a_larger_teacher(inline: tk.Client, tmp_path: Path) -> None:
    large = write_tiny_model(tmp_path / "large", hidden_size=128, num_layers=3)
    small = write_tiny_model(tmp_path / "small", hidden_size=32)
    teacher = tune_teacher(inline, large, steps=120)
    settings = tuner(small, teacher.id, **(WHOLE | {"train_steps": 150}))
    job = inline.tune(settings, prompts(200, seed=3))
    model = inline.model(job.result().id, DistilledModel)
    comparison = model.compare(routing(60, seed=21))
    assert comparison.teacher.quality.value >= 0.9
    assert (comparison.quality_kept or 0) >= 0.9
    assert comparison.untuned.quality.value < 0.5
    assert comparison.beside_untuned.better
    assert (comparison.times_smaller or 0) > 2
    assert comparison.teacher.name == teacher.id
    assert comparison.tuned.seconds_per_answer is not None
    assert "The student keeps" in str(comparison)


def test_a_function_has_to_be_given_again_to_compare(inline: tk.Client, tiny_model: str) -> None:
    job = inline.tune(tuner(tiny_model, right), prompts(24))
    model: Any = job.result()
    with pytest.raises(tk.SettingInvalid, match=r"compare\(rows, teacher="):
        model.compare(routing(4))
    comparison = model.compare(routing(8, seed=5), teacher=right, num_measured=0)
    assert comparison.teacher.quality.value == 1
    assert comparison.teacher.footprint.num_parameters is None
    assert comparison.tuned.seconds_per_answer is None
    assert comparison.tuned.footprint.num_bytes_in_memory is None
    assert comparison.times_smaller is None


@pytest.mark.skipif(sys.platform != "linux", reason="no other system tells the highest memory")
def test_memory_is_that_of_the_model_and_not_of_the_libraries(home: Path) -> None:
    asked, sampling = [PROMPT.format(message="my parcel is late")], Sampling(max_output_tokens=8)
    nano, pico = (
        memory_of(f"tunekit/{name}", asked, sampling, home=home) for name in ("nano", "pico")
    )
    weights = footprint_of(find_base_model("tunekit/nano", home)).num_parameters or 0
    assert nano is not None
    assert pico is not None
    assert 4 * weights < nano < 8 * weights
    assert pico < nano / 2


def test_a_model_that_cannot_be_measured_has_no_figure(home: Path) -> None:
    assert memory_of("no-such-model", ["hello"], Sampling(), home=home) is None


def test_logits_are_learnt(inline: tk.Client, tiny_model: str) -> None:
    teacher = tune_teacher(inline, tiny_model)
    settings = tuner(tiny_model, teacher.id, objective="logits", **WHOLE)
    rows: DistillationData = prompts(60, seed=3)
    job = inline.tune(settings, rows, validation=routing(8, seed=6))
    losses = [metrics.values["loss"] for metrics in job.metrics() if "loss" in metrics.values]
    assert losses[-1] < losses[0] / 4
    assert any("validation_loss" in metrics.values for metrics in job.metrics())
    model = inline.model(job.result().id, DistilledModel)
    comparison = model.compare(routing(40, seed=21), num_measured=0)
    assert (comparison.quality_kept or 0) >= 0.9


def test_a_broken_off_run_on_logits_resumes_to_the_same_weights(
    inline: tk.Client, tiny_model: str
) -> None:
    teacher = tune_teacher(inline, tiny_model, steps=20)
    settings = tuner(
        tiny_model, teacher.id, objective="logits", train_steps=6, checkpoint_interval=2
    )
    whole, broken = (inline.tune(settings, prompts(16, seed=3)) for _ in range(2))
    break_off(broken, after_step=4)
    broken.resume()
    assert any("going on from checkpoint-4" in event.message for event in broken.events())
    assert weights(broken) == weights(whole)


def test_logits_of_a_student_like_its_teacher_have_no_distance() -> None:
    import torch

    from tunekit.backends.local.distillation import _distance

    torch.manual_seed(0)
    logits, labels = torch.randn(2, 5, 11), torch.randint(0, 11, (2, 5))
    labels[:, :2] = -100
    same = _distance(logits, logits, labels, 2.0)
    flat = torch.nn.functional.cross_entropy(
        logits[:, 1:-1].reshape(-1, 11), labels[:, 2:].reshape(-1), reduction="sum"
    )
    assert same.item() == pytest.approx(flat.item() / 2, rel=1e-5)
    padded = torch.nn.functional.pad(logits, (0, 3), value=-1e4)
    assert _distance(logits, padded, labels, 2.0).item() == pytest.approx(same.item(), rel=1e-5)
    assert _distance(logits, torch.randn(2, 5, 11), labels, 2.0) > same


def test_logits_of_another_vocabulary_are_refused_before_the_start(
    inline: tk.Client, tiny_model: str, tmp_path: Path
) -> None:
    other = write_tiny_model(tmp_path / "other", corpus="quite another text, again and again")
    settings = tuner(tiny_model, other, objective="logits")
    with pytest.raises(tk.SettingInvalid, match="another vocabulary"):
        inline.tune(settings, routing(24))
    assert inline.jobs() == []
    inline.tune(tuner(tiny_model, other, train_steps=2), routing(24)).result()


def test_a_teacher_that_is_not_there_starts_nothing(inline: tk.Client, tiny_model: str) -> None:
    with pytest.raises(tk.BaseModelNotFound, match="teacher: "):
        inline.tune(tuner(tiny_model, "local:no-such/model"), prompts(12))
    assert inline.jobs() == []


def test_a_teacher_that_cannot_be_fetched_is_named(inline: tk.Client, tiny_model: str) -> None:
    job = inline.tune(tuner(tiny_model, "some-org/large", train_steps=1), prompts(12))
    with pytest.raises(tk.JobFailed, match="some-org/large' cannot be loaded"):
        job.result()


def test_a_reason_is_a_task_of_its_own(inline: tk.Client, tiny_model: str) -> None:
    def explaining(prompt: str) -> str:
        return f"It is about {right(prompt)}." if "why" in prompt else right(prompt)

    plain = inline.tune(tuner(tiny_model, right), prompts(24))
    both = inline.tune(tuner(tiny_model, explaining, rationale="learn"), prompts(24))
    assert both.result().record.metrics["teacher_calls"] == 48
    labelled = tk.Dataset.read(str(folder_of(both).data("labelled")), row=tk.PromptCompletion)
    source: Any = next(iter(labelled)).extra["provenance"]
    assert source["reason"].startswith("It is about")
    assert weights(plain) != weights(both)
    assert len(labelled) == 24


@pytest.mark.parametrize(
    ("settings", "field"),
    [({"max_input_tokens": 60}, "input_text"), ({"max_output_tokens": 1}, "output_text")],
)
def test_overlong_rows_are_refused_by_line_or_cut_when_asked(
    inline: tk.Client, tiny_model: str, tmp_path: Path, settings: dict[str, Any], field: str
) -> None:
    long = {"input_text": PROMPT.format(message="very long " * 20), "output_text": "not billing"}
    path = write_lines(tmp_path / "r.jsonl", [*routing_lines(9), long])
    rows = tk.Dataset.read(path, row=tk.PromptCompletion)
    with pytest.raises(tk.DatasetInvalid, match=rf"r\.jsonl:10: error row-too-long: {field}"):
        inline.tune(tuner(tiny_model, right, **settings), rows)
    assert inline.jobs() == []
    cut = tuner(tiny_model, right, overlong="truncate", train_steps=2, **settings)
    plan = inline.plan(cut, rows)
    assert plan.ok
    assert any(finding.line == 10 and finding.field == field for finding in plan.report.warnings)
    job = inline.tune(cut, rows)
    job.result()
    assert any("r.jsonl:10: warning row-too-long" in event.message for event in job.events())


def test_a_row_longer_than_the_context_is_cut_to_it(
    inline: tk.Client, tiny_model: str, tmp_path: Path
) -> None:
    long = {"input_text": PROMPT.format(message="very long " * 60), "output_text": "billing"}
    rows = tk.Dataset.read([*routing_lines(9), long], row=tk.PromptCompletion)
    with pytest.raises(tk.DatasetInvalid, match="takes 256"):
        inline.tune(tuner(tiny_model, right), rows)
    plan = inline.plan(tuner(tiny_model, right, overlong="truncate"), rows)
    assert plan.ok
    assert plan.tokens is not None
    assert plan.tokens.longest_row == 256


def chats(count: int, *, turns: int = 2) -> tk.Dataset[tk.Prompt]:
    """Prompts of the routing task as the last question of a conversation."""
    before = [("user", "hello"), ("model", "Hello.")] * turns
    lines: list[Mapping[str, Any]] = []
    for line in routing_lines(count, seed=3):
        spoken = [*before, ("user", line["input_text"])]
        lines.append({"messages": [{"role": role, "content": text} for role, text in spoken]})
    return tk.Dataset.read(lines, row=tk.Prompt)


def test_a_teacher_by_name_answers_conversations(inline: tk.Client, tiny_model: str) -> None:
    teacher = tune_teacher(inline, tiny_model, steps=20)
    settings = tuner(tiny_model, teacher.id, train_steps=2, overlong="truncate")
    plan = inline.plan(settings, chats(12))
    assert any("12 answers" in told for told in plan.writes)
    assert plan.tokens is not None
    assert not plan.tokens.exact
    assert plan.tokens.high is None
    assert f"({plan.tokens.low:,} to more)" in str(plan)
    job = inline.tune(settings, chats(12))
    assert job.result().record.metrics["teacher_calls"] == 12
    labelled = tk.Dataset.read(str(folder_of(job).data("labelled")), row=tk.Conversation)
    assert labelled.check().ok
    row = next(iter(labelled))
    assert [turn.role for turn in row.messages] == ["user", "model"] * 3
    with pytest.warns(tk.PromptShapeWarning):  # it was tuned on single questions
        answer = inline.model(teacher.id, tk.TextModel).predict(
            row.messages[:-1], max_output_tokens=12
        )
    assert row.messages[-1].text == answer.text


def test_a_long_conversation_loses_its_oldest_turns_when_asked(
    inline: tk.Client, tiny_model: str
) -> None:
    limit: dict[str, Any] = {"max_input_tokens": 75, "train_steps": 2}
    with pytest.raises(tk.DatasetInvalid, match=r"75 are allowed"):
        inline.tune(tuner(tiny_model, "tunekit/nano", **limit), chats(12))
    plan = inline.plan(tuner(tiny_model, "tunekit/nano", overlong="truncate", **limit), chats(12))
    assert plan.ok
    assert plan.tokens is not None
    assert plan.tokens.longest_row <= 76
    assert any("its start is cut by 4 turns" in found.message for found in plan.report.warnings)
    shorter: dict[str, Any] = {"overlong": "truncate", "max_input_tokens": 20}
    with pytest.raises(tk.DatasetInvalid, match=r"20 are allowed"):
        inline.tune(tuner(tiny_model, "tunekit/nano", **shorter), chats(12))


def test_an_answer_that_was_cut_off_is_no_label_unless_asked(
    inline: tk.Client, tiny_model: str
) -> None:
    teacher = tune_teacher(inline, tiny_model)
    short = {"teacher_max_output_tokens": 1, "train_steps": 2}
    job = inline.tune(tuner(tiny_model, teacher.id, **short), prompts(12), key="cut")
    problem = job.wait().problem
    assert problem is not None
    assert problem.code == "labels-missing"
    assert "cut off at 1 token" in problem.message
    kept = tuner(tiny_model, teacher.id, overlong="truncate", **short)
    assert inline.tune(kept, prompts(12)).result().record.metrics["labels_reused"] == 12


def test_a_crash_while_labelling_costs_no_label(
    inline: tk.Client, tiny_model: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunekit.backends.local.inference import Models

    teacher = tune_teacher(inline, tiny_model)
    settings = tuner(tiny_model, teacher.id, train_steps=6)
    answers, asked = Models.answers, list[str]()

    def breaking(self: Models, name: str, base: str, texts: Any, *args: Any, **kwargs: Any) -> Any:
        if len(asked) == 32:
            asked.append("crash")
            raise SystemExit
        asked.extend(texts)
        return answers(self, name, base, texts, *args, **kwargs)

    monkeypatch.setattr(Models, "answers", breaking)
    with pytest.raises(SystemExit):
        inline.tune(settings, prompts(40), key="broken")
    job = inline.jobs()[0]
    assert job.state is tk.JobState.FAILED
    job.resume()
    assert len(set(asked)) == len(asked) == 41
    assert job.result().record.metrics["teacher_calls"] == 40
    assert job.result().record.metrics["labels_reused"] == 0

    (kept,) = (home / "labels").glob("*.jsonl")
    kept.unlink()
    assert weights(inline.tune(settings, prompts(40), key="whole")) == weights(job)


def test_a_job_killed_while_labelling_resumes_to_the_same_weights(
    inline: tk.Client, tiny_model: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher = tune_teacher(inline, tiny_model)
    monkeypatch.undo()
    client = tk.Client(tk.LocalBackend(home), watch="silent")
    settings = tuner(tiny_model, teacher.id, train_steps=10, teacher_temperature=0.5)
    job = client.tune(settings, prompts(60), key="killed")
    kill(job, stage="labels", after_step=5)
    assert job.wait(timeout_seconds=60).state is tk.JobState.FAILED
    assert job.record.problem is not None
    assert job.record.problem.code == "interrupted"
    (kept,) = (home / "labels").glob("*.jsonl")
    before = len(kept.read_text().splitlines())
    assert 5 <= before < 60
    job.resume()
    resumed = weights(job)
    assert len(kept.read_text().splitlines()) == 60
    kept.unlink()
    assert weights(client.tune(settings, prompts(60), key="whole")) == resumed
