"""Pictures in notebooks, and what a wait shows."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from rich.console import Console

import tunekit as tk
from sample_rows import routing
from tunekit.display.watchers import BarWatcher, LinesWatcher, NotebookWatcher, watcher_of
from tunekit.evaluation.retrieval import Found, compare_retrieval
from tunekit.jobs.watching import SilentWatcher
from tunekit.testing import Step

TUNER = tk.SupervisedTuner(base_model="any", task="classification")
LOSSES = tuple({"loss": 2 / n} for n in range(1, 41))
SCRIPT: list[str | Step] = [
    "QUEUED",
    Step(state="RUNNING", seconds=400, metrics=LOSSES),
    "SUCCEEDED",
]


def test_every_value_has_a_picture_for_notebooks() -> None:
    backend = tk.MemoryBackend(predictions=lambda prompt: "billing")
    client, rows = tk.Client(backend), routing(24)
    plan, job = client.plan(TUNER, rows), client.tune(TUNER, rows)
    model = job.result()
    for value in (rows.check(), plan, job, model, model.evaluate(rows)):
        picture = value._repr_html_()
        assert picture.startswith(("<pre", "<div"))
        assert "<script" not in picture
        assert len(picture) > 200


def test_a_picture_escapes_what_users_wrote() -> None:
    rows = [{"input_text": f"p{n}", "output_text": "<b>x</b>" if n % 2 else "y"} for n in range(10)]
    picture = tk.Dataset.read(rows, row=tk.PromptCompletion).check()._repr_html_()
    assert "<b>x" not in picture
    assert "&lt;b&gt;" in picture


def test_square_brackets_in_rows_are_no_markup() -> None:
    rows = [
        {"input_text": f"p{n}", "output_text": "[red]x" if n % 2 else "[/y]"} for n in range(10)
    ]
    assert "[red]x" in str(tk.Dataset.read(rows, row=tk.PromptCompletion).check())


def test_a_pipe_gets_nothing_unless_lines_are_asked_for() -> None:
    assert isinstance(watcher_of("auto"), SilentWatcher)
    assert isinstance(watcher_of("lines"), LinesWatcher)


def test_lines_tell_a_falling_loss_in_about_ten_lines() -> None:
    stream = StringIO()
    tk.Client(tk.MemoryBackend(SCRIPT), watch=LinesWatcher(stream)).tune(TUNER, routing()).wait()
    lines = stream.getvalue().splitlines()
    losses = [float(line.split("loss ")[1]) for line in lines if "loss" in line]
    assert 5 <= len(losses) <= 20
    assert losses == sorted(losses, reverse=True)
    assert lines[-1] == "memory:1: succeeded"


def test_a_bar_shows_state_step_and_loss() -> None:
    console = Console(file=StringIO(), force_terminal=True, width=120, color_system=None)
    watcher = BarWatcher(console)
    tk.Client(tk.MemoryBackend(SCRIPT), watch=watcher).tune(TUNER, routing()).wait()
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "succeeded" in shown
    assert "40/40" in shown
    assert "loss 0.050" in shown


def test_a_notebook_gets_one_bar_that_is_drawn_anew() -> None:
    shown: list[str] = []
    drawn: list[str] = []

    def show(html: str) -> Callable[[str], object]:
        shown.append(html)
        return drawn.append

    tk.Client(tk.MemoryBackend(SCRIPT), watch=NotebookWatcher(show)).tune(TUNER, routing()).wait()
    assert len(shown) == 1
    assert "queued" in shown[0]
    assert '<progress value="40" max="40">' in drawn[-1]
    assert "succeeded" in drawn[-1]
    assert "loss 0.050" in drawn[-1]


@pytest.mark.parametrize("style", ["bar", "lines"])
def test_breaking_off_tells_how_to_pick_the_job_up(
    style: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    backend = tk.MemoryBackend(["RUNNING"])
    job = tk.Client(backend, watch=style).tune(TUNER, routing())  # type: ignore[arg-type]

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(backend.clock, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        job.wait()
    assert "client.job('memory:1')" in capsys.readouterr().err


def test_an_evaluation_of_retrieval_shows_the_queries_that_changed() -> None:
    found = [
        Found(
            query_id="q",
            place="queries.jsonl:1",
            text="<b>omper</b> again",
            scores={"d": 1},
            tuned=("x",),
            base=("d",),
        )
    ]
    html = compare_retrieval(found, documents=3)._repr_html_()
    assert "1 query got worse" in html
    assert "0 queries got better" in html
    assert "&lt;b&gt;omper&lt;/b&gt; again" in html
    assert "1. → beyond 100" in html
