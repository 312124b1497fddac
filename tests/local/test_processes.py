"""Jobs and the processes around them: started in one, followed, killed, resumed and used in another."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tunekit as tk
from local_jobs import kill, weights
from sample_rows import routing, routing_lines, write_lines
from tunekit.backends.local.folder import JobFolder

STEPS, STRIDE = 40, 10


def tuner(base_model: str) -> tk.SupervisedTuner:
    """A tuner whose run takes a second or two."""
    return tk.SupervisedTuner(
        base_model=base_model,
        train_steps=STEPS,
        checkpoint_interval=STRIDE,
        batch_size=8,
        learning_rate=tk.LearningRate(1e-2),
    )


@pytest.fixture(scope="module")
def uninterrupted(tiny_model: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Digest of the weights of a run that nobody interrupts."""
    client = tk.Client(tk.LocalBackend(tmp_path_factory.mktemp("whole")), watch="silent")
    return weights(client.tune(tuner(tiny_model), routing(40)))


@pytest.mark.parametrize("step", [3, 2 * STRIDE + 4, STEPS - 2], ids=["before", "between", "late"])
def test_a_killed_job_resumes_to_the_same_weights_bit_for_bit(
    tiny_model: str, home: Path, uninterrupted: str, step: int
) -> None:
    client = tk.Client(tk.LocalBackend(home), watch="silent")
    job = client.tune(tuner(tiny_model), routing(40), key="killed")
    reached = kill(job, after_step=step)
    assert reached < STEPS
    assert job.wait(timeout_seconds=30).state is tk.JobState.FAILED
    assert job.record.problem is not None
    assert job.record.problem.code == "interrupted"
    with pytest.raises(tk.JobFailed, match="resume"):
        job.result()
    job.resume()
    assert weights(job) == uninterrupted
    assert job.record.attempt == 2
    numbers = [event.number for event in job.events()]
    assert numbers == sorted(set(numbers))


def test_asking_again_with_the_key_of_a_killed_job_goes_on_with_it(
    tiny_model: str, home: Path, uninterrupted: str
) -> None:
    client = tk.Client(tk.LocalBackend(home), watch="silent")
    job = client.tune(tuner(tiny_model), routing(40), key="nightly")
    kill(job, after_step=STRIDE + 1)
    job.wait(timeout_seconds=30)  # a killed process takes a moment to be gone
    again = client.tune(tuner(tiny_model), routing(40), key="nightly")
    assert again.record.attempt == 2
    assert weights(again) == uninterrupted
    assert len(client.jobs()) == 1


def run_python(code: str, home: Path) -> str:
    """Run code in another process with the same root folder."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"TUNEKIT_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_job_is_started_listed_followed_cancelled_and_used_from_different_processes(
    tiny_model: str, home: Path, tmp_path: Path
) -> None:
    rows = write_lines(tmp_path / "rows.jsonl", routing_lines(40))
    start = f"""
import tunekit as tk
rows = tk.Dataset.read({rows!r}, row=tk.PromptCompletion)
tuner = tk.SupervisedTuner(base_model={tiny_model!r}, train_steps=%d, batch_size=8, checkpoint_interval=5)
print(tk.Client().tune(tuner, rows, key=%r).id)
"""
    job_id = run_python(start % (20, "short"), home)
    assert (
        run_python("import tunekit as tk; print(*(job.id for job in tk.Client().jobs()))", home)
        == job_id
    )
    follow = f"""
import tunekit as tk
job = tk.Client().job({job_id!r})
steps = [metrics.step for metrics in job.metrics(follow=True)]
print(steps[-1], job.state)
"""
    assert run_python(follow, home) == "20 SUCCEEDED"
    use = f"""
import tunekit as tk
model = tk.Client().model({job_id + "/model"!r}, tk.TextModel)
print(len(model.predict_many(["a", "b"], max_output_tokens=2)))
"""
    assert run_python(use, home) == "2"

    long_id = run_python(start % (100_000, "long"), home)
    assert long_id != job_id
    cancel = f"""
import tunekit as tk
job = tk.Client().job({long_id!r})
next(iter(job.metrics(follow=True)))
job.cancel()
print(job.wait(timeout_seconds=60).state, len(job.checkpoints()) > 0)
"""
    assert run_python(cancel, home) == "CANCELLED True"


def test_two_processes_with_one_key_start_one_job(
    tiny_model: str, home: Path, tmp_path: Path
) -> None:
    rows = write_lines(tmp_path / "rows.jsonl", routing_lines(24))
    code = f"""
import tunekit as tk
rows = tk.Dataset.read({rows!r}, row=tk.PromptCompletion)
tuner = tk.SupervisedTuner(base_model={tiny_model!r}, train_steps=3, batch_size=4)
print(tk.Client().tune(tuner, rows, key="race").id)
"""
    environment = os.environ | {"TUNEKIT_HOME": str(home)}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    ids = {racer.communicate(timeout=120)[0].strip() for racer in racers}
    assert len(ids) == 1
    client = tk.Client(tk.LocalBackend(home), watch="silent")
    assert len(client.jobs()) == 1
    assert client.job(ids.pop()).wait(timeout_seconds=120).state.has_model
    started = [event for event in client.jobs()[0].events() if event.message == "at work"]
    assert len(started) == 1


def test_a_worker_sends_no_usage_reports(tiny_model: str, home: Path) -> None:
    client = tk.Client(tk.LocalBackend(home), watch="silent")
    job = client.tune(
        tk.SupervisedTuner(base_model=tiny_model, train_steps=2_000, batch_size=4), routing(24)
    )
    folder = JobFolder(Path(job.record.location or ""))
    deadline = time.monotonic() + 60
    while (status := folder.status()) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert status is not None
    raw = Path(f"/proc/{status.pid}/environ").read_bytes().split(b"\0")
    job.cancel()
    assert b"HF_HUB_DISABLE_TELEMETRY=1" in raw
    assert b"DO_NOT_TRACK=1" in raw
    job.wait(timeout_seconds=60)
