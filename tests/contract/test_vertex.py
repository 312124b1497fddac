"""Vertex AI keeps the contract of all backends, over the wire, for every way of tuning that it offers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from sample_rows import preferences, retrieval, routing
from tunekit.jobs.backend import Machine
from tunekit.testing import BEHAVIOURS, Behaviour, NotApplicable, Stage, VertexEmulator
from tuner_cases import lacking, preference_data, prompts
from vertex.emulated import backend_on

GEMINI = "gemini-3.5-flash"
CASES: dict[str, tuple[Any, Any, Any]] = {
    "distillation": (
        tk.Distiller(base_model=GEMINI, teacher="any", epochs=1),
        routing(12),
        routing(8, seed=1),
    ),
    "supervised": (
        tk.SupervisedTuner(base_model=GEMINI, epochs=2, learning_rate=tk.LearningRateMultiplier(1)),
        routing(12),
        routing(8, seed=1),
    ),
    "embedding": (
        tk.EmbeddingTuner(base_model="text-embedding-005", train_steps=30),
        retrieval(),
        retrieval(test_from=0),
    ),
    "preference": (
        tk.PreferenceTuner(base_model=GEMINI, epochs=1),
        preferences(12),
        preferences(8, seed=1),
    ),
    "reinforcement": (
        tk.ReinforcementTuner(
            base_model=GEMINI, reward=tk.LengthReward(max_words=2), train_steps=2
        ),
        prompts(),
        prompts(8, seed=1),
    ),
    "rlhf": (
        tk.RLHFTuner(base_model="text-bison@002", kl_coeff=0.2),
        preference_data(),
        preference_data(seed=1),
    ),
}
LACKS = {
    "losses_are_finite_and_fall": "Scores|rows with answers",
    "a_succeeded_job_is_not_resumed": "Resumes",
    "a_cancelled_job_can_be_resumed": "Resumes",
    "pictures_come_in_order": "Generates",
    "a_seed_repeats_a_picture": "Generates",
    "an_evaluation_of_pictures_compares_both": "Generates",
}
"""What Vertex AI cannot do: it shows no likelihoods, a job that broke off has to be tuned again, and no model that it
tunes draws any more."""


@pytest.fixture(scope="module")
def emulator() -> Iterator[VertexEmulator]:
    with VertexEmulator(predictions=lambda prompt: "no", allow_retired=True) as vertex:
        yield vertex


@pytest.fixture(scope="module", params=CASES)
def stage(request: pytest.FixtureRequest, emulator: VertexEmulator, tmp_path_factory: Any) -> Stage:
    tuner, data, other = CASES[request.param]
    root: Path = tmp_path_factory.mktemp("vertex")
    numbers = iter(range(1_000))
    stage = Stage(
        # a folder of its own for each backend: what one knows of the other's jobs it has from the service
        lambda: backend_on(emulator, root / str(next(numbers)), allow_retired=True),
        tuner=tuner,
        data=data,
        other_data=other,
    )
    if request.param == "embedding":  # this pipeline deploys nothing
        stage.model.deploy(Machine(machine_type="g2-standard-8", accelerator_type="NVIDIA_L4"))
    return stage


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=str)
def test_vertex_ai_keeps_the_contract(behaviour: Behaviour, stage: Stage) -> None:
    lacks = lacking(stage.tuner.model_kind) | LACKS
    if behaviour.name in lacks:
        with pytest.raises(NotApplicable, match=lacks[behaviour.name]):
            behaviour.hold(stage)
    else:
        behaviour.hold(stage)
