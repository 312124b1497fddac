"""Every request that can be made, word for word, and held against Google's own description of the API."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from tunekit.backends.vertex import embedding
from tunekit.backends.vertex.case import Body, Case
from tunekit.backends.vertex.pipelines import embedding_template, pipeline_body
from tunekit.backends.vertex.recipes import recipe_for
from vertex.discovery import referee
from vertex.vertex_cases import ASKED, FEEDBACK, MACHINES, PROMPTS, STAGING, Asked, _rewarded

FILES = Path(__file__).parent / "golden"


def hold(name: str, body: Body) -> None:
    """Hold a request against its golden file."""
    path = FILES / f"{name}.json"
    told = json.dumps({"resource": body.resource, "body": body.json}, indent=2) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(told, encoding="utf-8")
    assert told == path.read_text(encoding="utf-8")


def body_of(case: Case) -> Body:
    recipe = recipe_for(case.tuner.kind)
    recipe.spellings(case)
    return recipe.body(case)


def faults_of(body: Body, version: Any = "v1beta1") -> list[str]:
    path = f"/{version}/projects/acme/locations/us-central1/{body.resource}"
    return referee(version).request_faults("POST", path, body.json)


@pytest.mark.parametrize("name", ASKED)
def test_a_request_is_what_it_was_and_what_the_api_takes(name: str) -> None:
    body = body_of(ASKED[name].case())
    hold(name, body)
    assert faults_of(body) == []


@pytest.mark.parametrize(
    "name", ["supervised_gemini_all", "supervised_continued", "preference_all", "rlhf_all"]
)
def test_what_the_stable_api_knows_is_spelt_as_it_knows_it(name: str) -> None:
    assert faults_of(body_of(ASKED[name].case()), "v1") == []


def test_every_golden_file_has_a_case() -> None:
    kept = {path.stem for path in FILES.glob("*.json")}
    assert kept == {*ASKED, "embedding", "embedding_all"}


@pytest.mark.parametrize(
    ("name", "settings", "machines"),
    [
        ("embedding", embedding.EmbeddingSettings(), {}),
        (
            "embedding_all",
            embedding.EmbeddingSettings(
                batch_size=64,
                train_steps=500,
                learning_rate_multiplier=0.5,
                output_dimensionality=256,
                task_type="RETRIEVAL_QUERY",
            ),
            {"embedding": MACHINES},
        ),
    ],
)
def test_the_embedding_pipeline_is_told_everything(
    name: str, settings: embedding.EmbeddingSettings, machines: dict[str, Any]
) -> None:
    base = "text-embedding-005" if machines else "text-multilingual-embedding-002"
    asked = Asked(tk.SupervisedTuner(base_model=base), options=tk.VertexOptions(**machines))
    files = {
        part: f"{STAGING}/data/{part}"
        for part in ("corpus", "queries", "train", "validation", "test")
    }
    case = asked.case()
    body = pipeline_body(
        case, embedding_template(case.base_model), embedding.parameters(case, settings, files)
    )
    hold(name, body)
    assert faults_of(body) == []
    assert list(embedding.misfits(settings)) == []


MISFITS: dict[str, tuple[Asked, str]] = {
    "steps for Gemini": (
        Asked(tk.SupervisedTuner(base_model="gemini-3.5-flash", train_steps=9)),
        "Give epochs instead",
    ),
    "a rate for Gemini": (
        Asked(
            tk.SupervisedTuner(base_model="gemini-3.5-flash", learning_rate=tk.LearningRate(1e-4))
        ),
        "Give a LearningRateMultiplier",
    ),
    "an adapter that is too large": (
        Asked(tk.SupervisedTuner(base_model="gemini-3.5-flash", adapter_size=32)),
        "Give 1, 2, 4, 8 or 16",
    ),
    "a mode that a model has not": (
        Asked(tk.SupervisedTuner(base_model="qwen/qwen3@qwen3-4b")),
        "Write 'full'",
    ),
    "an output folder for Gemini": (
        Asked(
            tk.SupervisedTuner(base_model="gemini-3.5-flash"),
            options=tk.VertexOptions(output_uri="gs://acme/x"),
        ),
        "output_uri is for open models",
    ),
    "a region that is not listed": (
        Asked(tk.SupervisedTuner(base_model="gemini-3.5-flash"), location="us-west1"),
        "unlisted='send'",
    ),
    "a label that Google refuses": (
        Asked(tk.SupervisedTuner(base_model="gemini-3.5-flash"), labels={"Team": "A"}),
        "lower-case letters",
    ),
    "a reserved label": (
        Asked(tk.SupervisedTuner(base_model="gemini-3.5-flash"), labels={"tunekit-key": "a"}),
        "is reserved",
    ),
    "early stopping": (
        Asked(tk.SupervisedTuner(base_model="gemini-3.5-flash", early_stopping=2)),
        "job.checkpoints()",
    ),
    "two faults at once": (
        Asked(tk.SupervisedTuner(base_model="gemini-3.5-flash", train_steps=9, batch_size=2)),
        "2 settings cannot be",
    ),
    "an absolute rate for embeddings": (
        Asked(
            tk.EmbeddingTuner(base_model="text-embedding-005", learning_rate=tk.LearningRate(1e-4))
        ),
        "Give a LearningRateMultiplier",
    ),
    "few steps for embeddings": (
        Asked(tk.EmbeddingTuner(base_model="text-embedding-005", train_steps=5)),
        "Give 30 or more",
    ),
    "hard negatives": (
        Asked(tk.EmbeddingTuner(base_model="text-embedding-005", hard_negatives=3)),
        "fixed in the pipeline",
    ),
    "a multiplier that is too large": (
        Asked(
            _rewarded(tk.ExactMatch(expected="a"), learning_rate=tk.LearningRateMultiplier(9)),
            PROMPTS,
        ),
        "0.25 to 4",
    ),
    "too many steps": (
        Asked(_rewarded(tk.ExactMatch(expected="a"), train_steps=501), PROMPTS),
        "at most 500",
    ),
    "an odd number of samples": (
        Asked(
            _rewarded(tk.ExactMatch(expected="a"), samples_per_prompt=3, prompts_per_step=3),
            PROMPTS,
        ),
        "a multiple of 16",
    ),
    "a thinking budget for a later model": (
        Asked(_rewarded(tk.ExactMatch(expected="a")), PROMPTS, tk.VertexOptions(thinking_budget=5)),
        "Give thinking_level instead",
    ),
    "logits of a teacher": (
        Asked(
            tk.Distiller(
                base_model="qwen/qwen3@qwen3-4b",
                teacher="t",
                tuning_mode="full",
                objective="logits",
            ),
            PROMPTS,
        ),
        "use LocalBackend",
    ),
    "evaluation of a chat model": (
        Asked(
            tk.SupervisedTuner(base_model="chat-bison@002"),
            {"train": "rows", "validation": "rows"},
        ),
        "tuned without evaluation",
    ),
    "epochs for PaLM": (
        Asked(tk.SupervisedTuner(base_model="text-bison@002", epochs=1)),
        "count in steps",
    ),
    "a region without PaLM": (
        Asked(tk.SupervisedTuner(base_model="text-bison@002"), location="us-south1"),
        "tunes no PaLM model",
    ),
    "another teacher": (
        Asked(tk.Distiller(base_model="text-bison@002", teacher="gemini-2.5-pro"), PROMPTS),
        "text-unicorn@001",
    ),
    "a long target": (
        Asked(tk.RLHFTuner(base_model="text-bison@002", target_sequence_length=2_000), FEEDBACK),
        "the most is 1,024",
    ),
    "a model without RLHF": (
        Asked(tk.RLHFTuner(base_model="code-bison@002"), FEEDBACK),
        "tunes no 'code-bison@002'",
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_a_setting_that_cannot_be_is_refused_with_a_way_out(name: str) -> None:
    asked, way_out = MISFITS[name]
    with pytest.raises(tk.SettingInvalid) as refused:
        body_of(asked.case())
    assert way_out in str(refused.value)


def test_what_only_a_list_says_can_be_sent_all_the_same() -> None:
    asked = Asked(
        tk.SupervisedTuner(base_model="gemini-3.5-flash", adapter_size=32),
        options=tk.VertexOptions(unlisted="send"),
        location="us-west1",
    )
    assert "ADAPTER_SIZE_THIRTY_TWO" in json.dumps(body_of(asked.case()).json)


UNSUPPORTED: dict[str, tuple[Asked, str]] = {
    "preferences of an open model": (
        Asked(tk.PreferenceTuner(base_model="qwen/qwen3@qwen3-4b")),
        "LocalBackend",
    ),
    "rewards of an open model": (
        Asked(
            tk.ReinforcementTuner(
                base_model="qwen/qwen3@qwen3-4b", reward=tk.ExactMatch(expected="a")
            ),
            PROMPTS,
        ),
        "LocalBackend",
    ),
    "a reward model": (
        Asked(_rewarded(tk.RewardModelReward(model="local:a/reward_model")), PROMPTS),
        "tk.CloudRunReward",
    ),
    "a judge with a weight below 0": (
        Asked(
            _rewarded(tk.WeightedSum({tk.CloudRunReward(uri="https://a.run.app"): -1.0})), PROMPTS
        ),
        "score the opposite",
    ),
    "answers for an embedding model": (
        Asked(tk.SupervisedTuner(base_model="text-embedding-005")),
        "EmbeddingTuner",
    ),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_the_api_cannot_do_is_refused_with_a_way_out(name: str) -> None:
    asked, way_out = UNSUPPORTED[name]
    with pytest.raises(tk.MethodUnsupported) as refused:
        body_of(asked.case())
    assert way_out in str(refused.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 0},
        {"train_steps": 29},
        {"output_dimensionality": 769},
        {"learning_rate_multiplier": -1.0},
        {"task_type": "SINGING"},
    ],
)
def test_the_embedding_pipeline_has_ranges(settings: dict[str, Any]) -> None:
    found = list(embedding.misfits(embedding.EmbeddingSettings(**settings)))
    assert len(found) == 1
    assert found[0].hint
