"""Checking, planning and starting jobs, whatever the backend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from sample_rows import routing, routing_lines, write_lines

TUNER = tk.SupervisedTuner(base_model="any", task="classification")


def test_bad_rows_start_nothing_and_every_fault_is_listed(tmp_path: Path) -> None:
    lines: list[Any] = [
        *routing_lines(5),
        {"input_text": "a"},
        "{",
        {"input_text": 3, "output_text": "b"},
    ]
    rows = tk.Dataset.read(write_lines(tmp_path / "r.jsonl", lines), row=tk.PromptCompletion)
    backend = tk.MemoryBackend()
    with pytest.raises(tk.DatasetInvalid) as caught:
        tk.Client(backend).tune(TUNER, rows)
    assert [finding.line for finding in caught.value.report.errors] == [6, 7, 8]
    assert all(f"r.jsonl:{line}" in str(caught.value) for line in (6, 7, 8))
    assert backend.requests == []
    assert backend.calls == []


def test_bad_validation_rows_start_nothing_either(tmp_path: Path) -> None:
    rows = tk.Dataset.read(
        write_lines(tmp_path / "v.jsonl", [*routing_lines(3), "{"]), row=tk.PromptCompletion
    )
    backend = tk.MemoryBackend()
    with pytest.raises(tk.DatasetInvalid, match=r"v\.jsonl:4"):
        tk.Client(backend).tune(TUNER, routing(), validation=rows)
    assert backend.requests == []


def test_a_plan_tells_where_each_setting_comes_from() -> None:
    plan = tk.Client(tk.MemoryBackend()).plan(TUNER, routing(24))
    assert plan.rows == 24
    assert plan.steps == 100
    assert {setting.name: setting.source for setting in plan.settings} == {
        "train_steps": "task",
        "learning_rate": "catalog",
        "batch_size": "default",
        "adapter_size": "default",
        "checkpoint_interval": "default",
    }


def test_a_plan_says_plainly_that_rows_are_too_few() -> None:
    plan = tk.Client(tk.MemoryBackend()).plan(TUNER, routing(24))
    assert any("24 rows are too few for classification" in warning for warning in plan.warnings)
    assert plan.ok


def test_a_plan_of_bad_rows_shows_the_faults(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "r.jsonl", [*routing_lines(3), "{"])
    plan = tk.Client(tk.MemoryBackend()).plan(TUNER, tk.Dataset.read(path, row=tk.PromptCompletion))
    assert not plan.ok
    assert plan.tokens is None


def test_prompts_in_both_parts_are_warned_of() -> None:
    report = tk.Client(tk.MemoryBackend()).check(TUNER, routing(10), validation=routing(10))
    assert report.counts["leaked-row"] == 10
    assert set(report.datasets) == {"train", "validation"}


def test_a_key_is_drawn_where_none_is_given() -> None:
    client = tk.Client(tk.MemoryBackend())
    assert client.tune(TUNER, routing()).id != client.tune(TUNER, routing()).id


@pytest.mark.parametrize(
    "line",
    [{"input_text": "a"}, {"input_text": "a", "candidate_0": "b", "candidate_1": "c", "choice": 1}],
)
def test_rows_of_another_kind_start_nothing_where_no_type_checker_saw_them(
    line: dict[str, Any],
) -> None:
    backend = tk.MemoryBackend()
    with pytest.raises(
        tk.DatasetInvalid, match="SupervisedTuner takes 'PromptCompletion' or 'Conversation' rows"
    ):
        tk.Client(backend).tune(TUNER, tk.Dataset.read([line] * 3))
    assert backend.requests == []


def test_what_is_no_dataset_is_refused() -> None:
    with pytest.raises(tk.SettingInvalid, match=r"tk\.Dataset\.read"):
        tk.Client(tk.MemoryBackend()).tune(TUNER, "rows.jsonl")  # type: ignore[misc]


def test_a_model_of_another_kind_is_refused() -> None:
    class PictureModel(tk.TunedModel):
        """Another kind of model."""

    client = tk.Client(tk.MemoryBackend())
    model = client.tune(TUNER, routing()).result()
    with pytest.raises(tk.ModelNotFound, match="not a PictureModel"):
        client.model(model.id, PictureModel)
    assert client.model(model.id, tk.TextModel).id == model.id


def test_jobs_of_another_backend_are_not_looked_for() -> None:
    with pytest.raises(tk.JobNotFound, match="no job of the backend 'memory'"):
        tk.Client(tk.MemoryBackend()).job("local:abc")


def test_a_backend_without_an_ability_says_what_to_do_instead() -> None:
    class Bare:
        """The four verbs and nothing else."""

        def __init__(self) -> None:
            inner = tk.MemoryBackend()
            self.name, self.polling = inner.name, inner.polling
            self.submit, self.fetch = inner.submit, inner.fetch
            self.cancel, self.list_jobs = inner.cancel, inner.list_jobs

    client = tk.Client(Bare())
    job = client.tune(TUNER, routing())
    assert client.plan(TUNER, routing()).tokens is None
    for ask in (job.resume, job.checkpoints, client.models, lambda: list(job.events())):
        with pytest.raises(tk.MethodUnsupported):
            ask()
