"""Training on this machine keeps the contract of all backends, every way of tuning."""

from __future__ import annotations

from pathlib import Path

import pytest

import tunekit as tk
from tunekit.testing import BEHAVIOURS, Behaviour, NotApplicable, Stage
from tuner_cases import CASES, Case, lacking

LACKS = {"losses_are_finite_and_fall": ("embedding", "preference", "reinforcement", "rlhf")}
"""What cannot be seen with some tuners, because their rows have no answers."""


@pytest.fixture(scope="module", params=CASES, ids=str)
def stage(
    request: pytest.FixtureRequest,
    tiny_model: str,
    tiny_embedder: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Stage:
    case: Case = request.param
    base_models = {"embedding": tiny_embedder}
    root: Path = tmp_path_factory.mktemp("contract")
    return Stage(
        lambda: tk.LocalBackend(root),
        tuner=case.tuner(base_models.get(case.kind, tiny_model)),
        data=case.data,
        other_data=case.other,
    )


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=str)
def test_training_here_keeps_the_contract(behaviour: Behaviour, stage: Stage) -> None:
    others = lacking(stage.tuner.model_kind)
    if stage.tuner.kind in LACKS.get(behaviour.name, ()):
        with pytest.raises(NotApplicable, match="rows with answers"):
            behaviour.hold(stage)
    elif behaviour.name in others:
        with pytest.raises(NotApplicable, match=others[behaviour.name]):
            behaviour.hold(stage)
    else:
        behaviour.hold(stage)
