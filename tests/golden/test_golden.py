"""What people read and what leaves the process, word for word.

`UPDATE_GOLDEN=1 pytest tests/golden` writes the files anew; read the difference before committing it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import tunekit as tk
from sample_rows import (
    PROMPT,
    preferences,
    retrieval,
    retrieval_rows,
    routing,
    routing_lines,
    write_lines,
)
from tunekit.cli import app
from tunekit.evaluation.comparison import Answered, Loss, compare, compare_rewards
from tunekit.evaluation.distillation import Footprint, Tried, compare_distilled
from tunekit.evaluation.retrieval import Found, Judged, compare_retrieval
from tunekit.jobs.record import JobProblem
from tunekit.testing import Fault, Step
from tuner_cases import preference_data, prompts

FILES = Path(__file__).parent / "files"
TUNER = tk.SupervisedTuner(base_model="any", task="classification")


def hold(name: str, text: str, *, hide: str | None = None) -> None:
    """Hold a text against its golden file, the test's own folder hidden."""
    told = "\n".join(line.rstrip() for line in text.replace(hide or "\0", "").splitlines()) + "\n"
    told = re.sub(r"errors\.pydantic\.dev/[\d.]+/", "errors.pydantic.dev/VERSION/", told)
    path = FILES / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(told, encoding="utf-8")
    assert told == path.read_text(encoding="utf-8")


@pytest.fixture
def bad_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file with a fault of many kinds."""
    monkeypatch.chdir(tmp_path)
    lines: list[Any] = [
        *routing_lines(12),
        '{"input_text": "a", "output_text": "b",}',
        "[1, 2]",
        "",
        {"input_text": "a"},
        {"imput_text": "a", "output_text": "b"},
        {"input_text": 7, "output_text": "b"},
        routing_lines(12)[4],
        {"messages": []},
        {"input_text": "where is my parcel", "output_text": "shipping", "id": 3},
    ]
    write_lines(Path("bad.jsonl"), lines)
    return "bad.jsonl"


def test_a_report(bad_file: str) -> None:
    hold("report.txt", str(tk.Dataset.read(bad_file, row=tk.PromptCompletion).check()))


def test_a_report_as_json(bad_file: str) -> None:
    hold("report.json", tk.Dataset.read(bad_file, row=tk.PromptCompletion).check().to_json())


def test_a_plan() -> None:
    hold("plan.txt", str(tk.Client(tk.MemoryBackend()).plan(TUNER, routing(24), key="k")))


def test_a_request() -> None:
    plan = tk.Client(tk.MemoryBackend()).plan(
        TUNER,
        routing(24),
        validation=routing(6, seed=3),
        key="k",
        display_name="triage",
        labels={"team": "a"},
    )
    hold("request.json", plan.job.model_dump_json(indent=2))


@pytest.mark.parametrize("state", ["SUCCEEDED", "FAILED", "REHEATING"])
def test_a_job(state: str) -> None:
    problem = JobProblem(code="oom", message="No memory left.", hint="Take a smaller batch.")
    script = [Step(state=state, problem=problem if state == "FAILED" else None)]
    job = tk.Client(tk.MemoryBackend(script)).tune(TUNER, routing(), display_name="triage", key="k")
    hold(f"job_{state.lower()}.txt", str(job))


def test_an_evaluation_of_labels() -> None:
    answers = [
        Answered(
            place=f"test.jsonl:{n}",
            expected="billing" if n % 3 else "shipping",
            tuned="billing" if n % 3 else "shipping" if n % 2 else "billing",
            base="billing",
        )
        for n in range(1, 31)
    ]
    losses = {
        "tuned_loss": Loss(nats_per_token=0.2, tokens=60),
        "base_loss": Loss(nats_per_token=3.1, tokens=60),
    }
    hold("evaluation.txt", str(compare(answers, **losses)))


def test_an_evaluation_with_rewards() -> None:
    answers = [
        Answered(place=f"row {n}", expected="", tuned="thank you, it comes", base="no")
        for n in range(1, 9)
    ]
    hold("rewards.txt", str(compare_rewards(answers, tuned=[5.1] * 8, base=[-2.25] * 8)))


def test_a_comparison_of_three() -> None:
    answers = tuple("billing" if n % 2 else "shipping" for n in range(1, 31))
    right = ["shipping" if n == 4 else answer for n, answer in enumerate(answers)]
    teacher = Tried(
        name="local:teacher/model",
        answers=answers,
        seconds=(0.3, 0.2, 0.4),
        footprint=Footprint(
            num_parameters=2_411_712, num_bytes=9_646_848, num_bytes_in_memory=14_400_000
        ),
    )
    tuned = Tried(
        name="local:student/model",
        answers=tuple("shipping" if n == 6 else answer for n, answer in enumerate(answers)),
        seconds=(0.1, 0.1, 0.2),
        footprint=Footprint(
            num_parameters=597_000, num_bytes=2_388_000, num_bytes_in_memory=3_400_000
        ),
    )
    untuned = Tried(name="tunekit/pico", answers=("hello",) * 30)
    places = [f"test.jsonl:{n}" for n in range(1, 31)]
    comparison = compare_distilled(places, right, teacher=teacher, untuned=untuned, tuned=tuned)
    hold("distillation.txt", str(comparison))


def test_an_evaluation_of_retrieval() -> None:
    found = [
        Found(
            query_id=f"query-{n}",
            place=f"queries.jsonl:{n}",
            text=f"what does the word number {n} mean in the talk of the shop",
            scores={"right": 2, "near": 1},
            tuned=("right", "near", "wrong") if n % 5 else ("wrong", "near", "right"),
            base=("wrong", "right", "near") if n % 7 else ("right", "near"),
        )
        for n in range(1, 31)
    ]
    judged = Judged(scores={}, labels_left_out=1_573, queries_left_out=1)
    hold("retrieval.txt", str(compare_retrieval(found, documents=1_200, judged=judged)))


def test_a_check_of_retrieval_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    documents, queries, labels = retrieval_rows()
    write_lines(Path("corpus.jsonl"), [*documents, documents[3], {"id": "x", "text": "a"}])
    write_lines(Path("queries.jsonl"), queries)
    lines = [f"{row['query-id']}\t{row['corpus-id']}\t{row['score']}" for row in labels]
    lines[2] = "query-2\tnote-1\tgood"
    lines[4] = "query-99\tnote-2\t1"
    write_lines(Path("train.tsv"), ["query-id\tcorpus-id\tscore", *lines[:16]])
    write_lines(Path("test.tsv"), ["query-id\tcorpus-id\tscore", *lines[15:]])
    data = tk.RetrievalData(
        corpus="corpus.jsonl",
        queries="queries.jsonl",
        train_labels="train.tsv",
        test_labels="test.tsv",
    )
    hold("retrieval_check.txt", str(data.check()))


def test_the_help_of_the_command() -> None:
    result = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "100"})
    hold("help.txt", result.output)


EMBEDDING = tk.EmbeddingTuner(base_model="any")


def embedded() -> tk.EmbeddingModel:
    """A model of the fake."""
    return tk.Client(tk.MemoryBackend()).tune(EMBEDDING, retrieval(), key="k").result()


def on_vertex() -> tk.Client:
    """A client of a place that nothing is asked of."""
    return tk.Client(tk.VertexBackend(project="acme", staging_bucket="gs://rows"))


ERRORS: dict[str, Callable[[], object]] = {
    "a dataset that is not there": lambda: tk.Dataset.read("nowhere/rows.jsonl"),
    "a folder instead of files": lambda: tk.Dataset.read("."),
    "a glob that matches nothing": lambda: tk.Dataset.read("nowhere/*.jsonl"),
    "a dataset of nothing": lambda: tk.Dataset.read(7),  # type: ignore[call-overload]
    "a fraction of nothing": lambda: routing(4).split(0),
    "rows that are all alike": lambda: tk.Dataset.read(
        routing_lines(1) * 4, row=tk.PromptCompletion
    ).split(0.5),
    "a format nobody knows": lambda: routing(2).write("out.jsonl", format="jsonl"),  # type: ignore[arg-type]
    "a row that does not fit": lambda: tk.Dataset.read(
        [tk.Prompt(prompt="a")], row=tk.Prompt
    ).write("out.jsonl", format="messages"),
    "rows with errors": lambda: tk.Client(tk.MemoryBackend()).tune(
        TUNER, tk.Dataset.read([{"input_text": "a"}, {"output_text": "b"}], row=tk.PromptCompletion)
    ),
    "the first bad row": lambda: list(
        tk.Dataset.read([{"input_text": "a"}], row=tk.PromptCompletion)
    ),
    "epochs and steps": lambda: tk.SupervisedTuner(base_model="m", epochs=1, train_steps=2),
    "no rows to validate on": lambda: tk.Client(tk.MemoryBackend()).plan(
        TUNER.model_copy(update={"early_stopping": 2}), routing(4)
    ),
    "a path instead of a dataset": lambda: tk.Client(tk.MemoryBackend()).plan(TUNER, "a.jsonl"),  # type: ignore[misc]
    "a job of another backend": lambda: tk.Client(tk.MemoryBackend()).job("local:abc"),
    "a job nobody knows": lambda: tk.Client(tk.MemoryBackend()).job("memory:9"),
    "a model nobody knows": lambda: tk.Client(tk.MemoryBackend()).model("memory:9/model"),
    "a local job nobody knows": lambda: tk.Client(tk.LocalBackend("nowhere")).job("local:abc"),
    "a local model nobody knows": lambda: tk.Client(tk.LocalBackend("nowhere")).model(
        "local:a/model"
    ),
    "a base model nobody knows": lambda: tk.Client(tk.LocalBackend("nowhere")).plan(
        tk.SupervisedTuner(base_model="tunekit/nanno"), routing(4)
    ),
    "a job that failed": lambda: (
        tk.Client(tk.MemoryBackend(["FAILED"])).tune(TUNER, routing(), key="k").result()
    ),
    "a wait that was too short": lambda: (
        tk.Client(tk.MemoryBackend(["RUNNING"])).tune(TUNER, routing(), key="k").wait(5)
    ),
    "a state nobody knows": lambda: (
        tk.Client(tk.MemoryBackend(["BAKING"])).tune(TUNER, routing(), key="k").wait()
    ),
    "no quota": lambda: tk.Client(
        tk.MemoryBackend(faults=[Fault(verb="submit", kind="quota", times=99)])
    ).tune(TUNER, routing()),
    "an empty script": lambda: tk.MemoryBackend([]),
    "a model that Vertex AI has retired": lambda: on_vertex().plan(
        tk.SupervisedTuner(base_model="text-bison@002"), routing(4)
    ),
    "a way of tuning that Vertex AI has retired": lambda: on_vertex().plan(
        tk.RLHFTuner(base_model="text-bison@002"), preference_data()
    ),
    "steps for Gemini": lambda: on_vertex().plan(
        tk.SupervisedTuner(base_model="gemini-3.5-flash", train_steps=9), routing(4)
    ),
    "two settings that Gemini has not": lambda: on_vertex().plan(
        tk.SupervisedTuner(base_model="gemini-3.5-flash", train_steps=9, batch_size=2), routing(4)
    ),
    "preferences for an open model": lambda: on_vertex().plan(
        tk.PreferenceTuner(base_model="qwen/qwen3@qwen3-4b"), preferences(4)
    ),
    "a reward that Vertex AI has no place for": lambda: on_vertex().plan(
        tk.ReinforcementTuner(
            base_model="gemini-3.5-flash", reward=tk.RewardModelReward(model="local:a/reward_model")
        ),
        prompts(4),
    ),
    "more than the budget": lambda: on_vertex().tune(
        tk.SupervisedTuner(base_model="gemini-3.1-flash-lite", epochs=9), routing(40), budget=0.01
    ),
    "a budget and no price": lambda: on_vertex().tune(
        tk.SupervisedTuner(base_model="gemini-3.5-flash"), routing(40), budget=5.0
    ),
    "a token over plain http": lambda: tk.VertexBackend(
        project="p", staging_bucket="gs://b", base_url="http://example.com"
    ),
    "a job that is none of Vertex AI": lambda: on_vertex().job("vertex:abc"),
    "retrieval data without labels to train on": lambda: tk.Client(tk.MemoryBackend()).plan(
        EMBEDDING, tk.RetrievalData(corpus=retrieval().corpus, queries=retrieval().queries)
    ),
    "a folder without retrieval data": lambda: tk.RetrievalData.read("nowhere"),
    "one text to embed": lambda: embedded().embed("a"),
    "more dimensions than there are": lambda: embedded().embed(["a"], output_dimensionality=100),
    "a search for nothing": lambda: embedded().search("a", top_k=0),
}


def test_the_texts_of_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told = []
    for what, call in ERRORS.items():
        with pytest.raises((tk.TunekitError, ValueError)) as caught:
            call()
        told.append(f"--- {what}\n{type(caught.value).__name__}: {caught.value}\n")
    hold("errors.txt", "\n".join(told), hide=f"{tmp_path}/")


def test_a_key_that_is_used_twice() -> None:
    client = tk.Client(tk.MemoryBackend())
    client.tune(TUNER, routing(), key="nightly")
    with pytest.raises(tk.KeyReused) as caught:
        client.tune(TUNER, routing(25), key="nightly")
    hold("key_reused.txt", str(caught.value))


def test_a_prompt_of_another_shape() -> None:
    model = tk.Client(tk.MemoryBackend()).tune(TUNER, routing(), key="k").result()
    with pytest.warns(tk.PromptShapeWarning) as caught:
        model.predict("my parcel")
    assert model.predict(PROMPT.format(message="my parcel")).text == ""
    hold("prompt_shape.txt", str(caught[0].message))
