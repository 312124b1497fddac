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
from sample_rows import PROMPT, routing, routing_lines, write_lines
from tunekit.cli import app
from tunekit.evaluation.comparison import Answered, Loss, compare, compare_rewards
from tunekit.evaluation.distillation import Footprint, Tried, compare_distilled
from tunekit.evaluation.images import (
    SIMPLE_MEASURE,
    Figures,
    ImageFigure,
    Pictures,
    compare_pictures,
)
from tunekit.jobs.record import JobProblem
from tunekit.testing import Fault, Step

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


def test_an_evaluation_of_pictures() -> None:
    from PIL import Image

    plain, blue = Image.new("RGB", (8, 8), "white"), Image.new("RGB", (8, 8), "navy")
    pictures = Pictures(
        prompts=["a boat", "a house"],
        base=[[plain, plain]] * 2,
        tuned=[[blue, blue]] * 2,
        base_unasked=[[plain, plain]] * 2,
        tuned_unasked=[[plain, plain]] * 2,
    )
    figures: dict[ImageFigure, Figures] = {
        "similarity": Figures(tuned=[0.9, 0.8, 0.9, 0.7], base=[0.1, 0.2, 0.1, 0.1]),
        "prompt_fidelity": Figures(tuned=[1.0, 1.0, 0.0, 1.0], base=[1.0] * 4),
        "similarity_unasked": Figures(tuned=[0.1] * 4, base=[0.1] * 4),
    }
    hold("pictures.txt", str(compare_pictures(pictures, figures, measure=SIMPLE_MEASURE)))


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


def test_the_help_of_the_command() -> None:
    result = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "100"})
    hold("help.txt", result.output)


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
