"""The settings of distillation, who a teacher is, and labels that are made before a job starts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import tunekit as tk
from sample_rows import routing, routing_lines, write_lines
from tunekit import catalog
from tunekit.tuners.base import Circumstances
from tunekit.tuners.distillation import Distiller
from tunekit.tuners.labels import Label, LabelStore
from tunekit.tuners.registry import tuner_from_json, tuner_to_json

RATES = catalog.default_rates("local")


def shouting(prompt: str) -> str:
    """A teacher."""
    return prompt.upper()


def tuner(**settings: Any) -> Distiller:
    """A tuner with some settings."""
    return Distiller(base_model="tunekit/nano", **({"teacher": "some-org/large"} | settings))


def prompts(count: int = 6) -> tk.Dataset[tk.Prompt]:
    """Prompts without answers."""
    lines = [{"input_text": f"question {number}"} for number in range(count)]
    return tk.Dataset.read(lines, row=tk.Prompt)


class Counting:
    """A teacher that counts what it is asked, and breaks on some prompts."""

    def __init__(self, *, breaks_on: Iterable[str] = (), answer: str = "yes") -> None:
        self.asked: list[str] = []
        self.breaks_on = tuple(breaks_on)
        self.answer = answer

    def __call__(self, prompt: str) -> str:
        self.asked.append(prompt)
        if any(word in prompt for word in self.breaks_on):
            raise ConnectionError("secret-key refused")
        return self.answer


@pytest.mark.parametrize(
    "settings",
    [
        {"teacher": ""},
        {"teacher": 7},
        {"teacher": dict},
        {"teacher": lambda prompt: prompt},
        {"task": "chat"},
        {"logit_temperature": 2.0},
        {"objective": "logits", "teacher": shouting},
        {"objective": "logits", "teacher_instruction": "Be brief."},
        {"teacher_temperature": 3},
        {"tuning_mode": "full", "adapter_size": 8},
        {"max_input_tokens": 0},
        {"rationale": "maybe"},
        {"overlong": "drop"},
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        tuner(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"teacher": "local:big/model", "task": "summarization", "rationale": "learn"},
        {"objective": "logits", "logit_temperature": 3.0},
        {"overlong": "truncate", "max_input_tokens": 7_168, "max_output_tokens": 1_024},
    ],
)
def test_a_tuner_survives_json(settings: dict[str, Any]) -> None:
    before = tuner(**settings)
    assert tuner_from_json(json.loads(json.dumps(tuner_to_json(before)))) == before


def test_a_function_is_written_down_by_its_name_and_cannot_be_asked_after_reading_back() -> None:
    before = tuner(teacher=shouting)
    written = tuner_to_json(before)
    assert str(written["teacher"]).startswith("function:")
    assert str(written["teacher"]).endswith(".shouting")
    after = tuner_from_json(written)
    assert isinstance(after, Distiller)
    assert after.teacher_id == before.teacher_id
    with pytest.raises(tk.SettingInvalid, match=r"read back from its name.*Pass the function"):
        tk.Client(tk.MemoryBackend()).tune(after, prompts())


def test_a_lambda_needs_a_name() -> None:
    with pytest.raises(ValidationError, match="give a teacher_name"):
        tuner(teacher=lambda prompt: prompt)
    assert tuner(teacher=lambda prompt: prompt, teacher_name="echo").teacher_id == "echo"


def test_steps_follow_the_public_recommendation_and_reasons_count_as_rows() -> None:
    circumstances = Circumstances(num_rows=160, has_validation=False, rates=RATES)
    assert tuner().decided(circumstances)[0].train_steps == 30
    assert tuner(rationale="learn").decided(circumstances)[0].train_steps == 60
    assert tuner(task="summarization").decided(circumstances)[0].train_steps == 1_000
    wanted = tuner(task="classification").requirements().recommended_rows
    assert wanted is not None
    assert wanted.rows == 100
    assert wanted.source.startswith("https://github.com/")


def test_few_prompts_without_answers_are_warned_of() -> None:
    client = tk.Client(tk.MemoryBackend())
    plan = client.plan(tuner(task="classification"), prompts())
    assert plan.ok
    assert any("1,000 or more" in warning for warning in plan.warnings)
    assert not any(
        "1,000" in warning
        for warning in client.plan(tuner(task="classification"), routing(24)).warnings
    )


def test_a_plan_asks_nothing_and_tuning_asks_each_prompt_once(home: Path) -> None:
    teacher, backend = Counting(), tk.MemoryBackend()
    client = tk.Client(backend)
    settings = tuner(teacher=teacher, teacher_instruction="Answer yes or no.", teacher_name="t")
    rows = tk.Dataset.read([{"input_text": word} for word in ("a", "b", "a ")], row=tk.Prompt)
    assert client.plan(settings, rows).ok
    assert teacher.asked == []
    job = client.tune(settings, rows)
    assert teacher.asked == [f"Answer yes or no.\n\n{word}" for word in ("a", "b", "a ")]
    assert job.record.request.datasets[0].row_kind == "PromptCompletion"
    client.tune(settings, rows)
    client.tune(tuner(teacher=teacher, teacher_name="t"), rows)
    assert len(teacher.asked) == 6  # the second job reused all, the third asks without instruction


def test_labels_so_far_are_kept_when_a_teacher_breaks_half_way(home: Path) -> None:
    backend = tk.MemoryBackend()
    client = tk.Client(backend)
    broken = Counting(breaks_on=("question 3", "question 5"))
    with pytest.raises(tk.DatasetInvalid, match=r"2 rows got no label.*row 4, row 6") as caught:
        client.tune(tuner(teacher=broken, teacher_name="t"), prompts(8))
    assert "secret-key" not in str(caught.value)
    assert isinstance(caught.value.__cause__, ConnectionError)
    assert [finding.line for finding in caught.value.report.errors] == [4, 6]
    assert backend.requests == []
    mended = Counting()
    client.tune(tuner(teacher=mended, teacher_name="t"), prompts(10))
    assert mended.asked == ["question 3", "question 5", "question 8", "question 9"]


def test_a_teacher_that_is_gone_is_not_asked_for_ever(home: Path) -> None:
    gone = Counting(breaks_on=("question",))
    with pytest.raises(tk.DatasetInvalid, match="35 more were not asked"):
        tk.Client(tk.MemoryBackend()).tune(tuner(teacher=gone, teacher_name="t"), prompts(40))
    assert len(gone.asked) == 5


def test_a_stop_of_the_process_while_labelling_loses_nothing(home: Path) -> None:
    class Stopping(Counting):
        def __call__(self, prompt: str) -> str:
            if len(self.asked) == 3:
                raise KeyboardInterrupt
            return super().__call__(prompt)

    client = tk.Client(tk.MemoryBackend())
    first, second = Stopping(), Counting()
    with pytest.raises(KeyboardInterrupt):
        client.tune(tuner(teacher=first, teacher_name="t"), prompts(6))
    client.tune(tuner(teacher=second, teacher_name="t"), prompts(6))
    assert first.asked + second.asked == [f"question {number}" for number in range(6)]


@pytest.mark.parametrize("answer", ["", "  ", None])
def test_answers_that_are_none_are_refused(home: Path, answer: Any) -> None:
    teacher = Counting(answer=answer)
    with pytest.raises(tk.DatasetInvalid, match=r"5 rows got no label.*1 more were not asked"):
        tk.Client(tk.MemoryBackend()).tune(tuner(teacher=teacher, teacher_name="t"), prompts())


def test_nothing_is_paid_for_a_key_that_is_taken(home: Path) -> None:
    teacher = Counting()
    client = tk.Client(tk.MemoryBackend())
    settings = tuner(teacher=teacher, teacher_name="t")
    job = client.tune(settings, prompts(), key="nightly")
    assert client.tune(settings, prompts(), key="nightly").id == job.id
    with pytest.raises(tk.KeyReused):
        client.tune(settings, prompts(9), key="nightly")
    assert len(teacher.asked) == 6


def test_a_model_of_any_backend_can_teach(home: Path) -> None:
    backend = tk.MemoryBackend(predictions=lambda prompt: f"answer to {prompt}")
    client = tk.Client(backend)
    teacher = client.tune(tk.SupervisedTuner(base_model="m"), routing(4)).result()
    backend.calls.clear()
    job = client.tune(tuner(teacher=teacher), prompts(20))
    assert backend.calls.count("predict") == 2
    assert job.record.request.tuner.teacher_id == teacher.id
    store = LabelStore(home / "labels", teacher.id)
    assert len(store.path.read_text().splitlines()) == 20


def test_reasons_are_asked_for_with_the_answer(home: Path) -> None:
    teacher = Counting()
    client = tk.Client(tk.MemoryBackend())
    client.tune(tuner(teacher=teacher, teacher_name="t", rationale="learn"), prompts(2))
    assert len(teacher.asked) == 4
    assert "Answer: yes" in teacher.asked[2]
    labelled = Counting()
    client.tune(tuner(teacher=labelled, teacher_name="u", rationale="learn"), routing(4))
    assert len(labelled.asked) == 4
    assert all("why" in asked for asked in labelled.asked)


CHAT: Mapping[str, Any] = {
    "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "a"}]
}


def test_a_function_refuses_prompts_that_are_conversations_by_line(
    tmp_path: Path, home: Path
) -> None:
    path = write_lines(tmp_path / "p.jsonl", [CHAT, CHAT])
    rows = tk.Dataset.read(path, row=tk.Prompt)
    with pytest.raises(tk.DatasetInvalid, match=r"p\.jsonl:1.*give a model as teacher"):
        tk.Client(tk.MemoryBackend()).tune(tuner(teacher=shouting), rows)


class Model:
    """A teacher that is a model: it reads conversations too."""

    id = "model"

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def predict_many(self, prompts: Iterable[Any], **_: Any) -> list[tk.Prediction]:
        """Say how much was asked."""
        batch = list(prompts)
        self.asked.extend(batch)
        return [tk.Prediction(text=f"{len(prompt)} long") for prompt in batch]


def test_a_model_answers_conversations_which_stay_conversations(tmp_path: Path, home: Path) -> None:
    teacher = Model()
    path = write_lines(tmp_path / "p.jsonl", [CHAT, {"messages": CHAT["messages"][1:]}])
    settings = tuner(teacher=teacher, teacher_instruction="Be brief.", rationale="learn")
    done = settings.completed(
        {"train": tk.Dataset.read(path, row=tk.Prompt)}, key="job", home=home
    )["train"]
    told, first = teacher.asked[0]
    assert (told.text, first.text) == ("Be brief.\n\nBe kind.", "a")
    assert teacher.asked[1] == "Be brief.\n\na"  # one question is a text
    row = next(iter(done))
    assert isinstance(row, tk.Conversation)
    assert [turn.role for turn in row.messages] == ["system", "user", "model"]
    assert row.messages[2].text == "2 long"
    assert [asked[-1].text[:7] for asked in teacher.asked[2:]] == ["Explain", "Explain"]
    assert list(done.located())[1].place.line == 2


def test_texts_and_conversations_together_become_conversations(home: Path) -> None:
    rows = tk.Dataset.read([tk.Prompt(prompt="a"), tk.Prompt(prompt=chat_turns())], row=tk.Prompt)
    done = tuner(teacher=Model()).completed({"train": rows}, key="job", home=home)["train"]
    assert {type(row) for row in done} == {tk.Conversation}
    assert done.row_type is tk.Conversation


def chat_turns() -> tuple[tk.Message, ...]:
    """One question."""
    return (tk.Message(role="user", content="b"),)


def test_a_torn_line_in_the_store_is_passed_over(tmp_path: Path) -> None:
    def label(key: str, answer: str) -> Label:
        return Label(key=key, teacher="t", answer=answer, asked_by="job")

    store = LabelStore(tmp_path, "t")
    store.add([label("1", "one"), label("2", "two")])
    store.path.write_bytes(store.path.read_bytes()[:-9])
    torn = LabelStore(tmp_path, "t")
    assert torn.get("2") is None
    torn.add([label("2", "again")])
    found = LabelStore(tmp_path, "t")
    assert [(found.get(key) or label("", "")).answer for key in "12"] == ["one", "again"]


def test_of_two_labels_the_first_counts(tmp_path: Path) -> None:
    for answer in ("first", "second"):
        LabelStore(tmp_path, "t").add([Label(key="1", teacher="t", answer=answer, asked_by="j")])
    found = LabelStore(tmp_path, "t").get("1")
    assert found is not None
    assert found.answer == "first"


def test_rows_of_another_kind_are_refused() -> None:
    rows: Any = tk.Dataset.read(
        [{"messages": [{"role": "user", "content": "a"}, {"role": "model", "content": "b"}]}],
        row=tk.Conversation,
    )
    with pytest.raises(tk.DatasetInvalid, match="Distiller takes"):
        tk.Client(tk.MemoryBackend()).tune(tuner(), rows)


def test_labelled_rows_ask_no_teacher(home: Path) -> None:
    def never(prompt: str) -> str:
        raise AssertionError(prompt)

    taught: Callable[[str], str] = never
    job = tk.Client(tk.MemoryBackend()).tune(tuner(teacher=taught), routing(8))
    assert job.result().record.kind == "distilled"
    assert not (home / "labels").exists()
    assert len(routing_lines(8)) == job.record.request.datasets[0].num_rows
