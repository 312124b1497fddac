"""Every stage of every way of tuning survives `kill -9`: resumed, it ends with the same weights, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from local_jobs import kill, weights, work_here
from tunekit.backends.local import backend as local_backend
from tuner_cases import CASES

LENGTHS: dict[str, dict[str, Any]] = {
    "distillation": {"train_steps": 30, "checkpoint_interval": 5},
    "embedding": {"train_steps": 60, "checkpoint_interval": 5},
    "preference": {"train_steps": 30, "checkpoint_interval": 5},
    "reinforcement": {"train_steps": 8, "checkpoint_interval": 2},
    "rlhf": {
        "reward_model_train_steps": 30,
        "reinforcement_learning_train_steps": 8,
        "checkpoint_interval": 2,
    },
}
"""Long enough to be killed on the way."""


@pytest.mark.parametrize(
    "at",
    [
        ("distillation", "train", 7),
        ("embedding", "train", 7),
        ("preference", "train", 7),
        ("reinforcement", "train", 4),
        ("rlhf", "reward-model", 6),
        ("rlhf", "train", 4),
    ],
    ids=lambda at: f"{at[0]}-{at[1]}",
)
def test_a_stage_that_was_killed_resumes_to_the_same_weights(
    at: tuple[str, str, int],
    tiny_model: str,
    tiny_embedder: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind, stage, step = at
    case = next(case for case in CASES if case.kind == kind)
    base_model = tiny_embedder if kind == "embedding" else tiny_model
    tuner = case.tuner(base_model).model_copy(update=LENGTHS[kind])
    client = tk.Client(tk.LocalBackend(home), watch="silent")
    broken = client.tune(tuner, case.data, key="broken")
    kill(broken, stage=stage, after_step=step)
    assert broken.wait(timeout_seconds=60).state is tk.JobState.FAILED
    broken.resume()
    with monkeypatch.context() as patch:
        patch.setattr(local_backend, "spawn_worker", work_here)
        whole = client.tune(tuner, case.data, key="whole")
    for part in ("model", *tuner.companions):
        assert weights(broken, part) == weights(whole, part)
    assert any(event.message.startswith("going on from") for event in broken.events())
