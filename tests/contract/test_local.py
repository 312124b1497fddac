"""Training on this machine keeps the contract of all backends, all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import tunekit as tk
from sample_rows import routing
from tunekit.testing import BEHAVIOURS, Behaviour, Stage


@pytest.fixture(scope="module")
def stage(tiny_model: str, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    root: Path = tmp_path_factory.mktemp("contract")
    tuner = tk.SupervisedTuner(
        base_model=tiny_model, train_steps=6, batch_size=4, learning_rate=tk.LearningRate(1e-2)
    )
    return Stage(lambda: tk.LocalBackend(root), tuner=tuner, data=routing(12))


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=str)
def test_training_here_keeps_the_contract(behaviour: Behaviour, stage: Stage) -> None:
    behaviour.hold(stage)
