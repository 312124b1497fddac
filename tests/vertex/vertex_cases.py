"""Jobs as they can be asked for, one per thing that a request can say; the golden files are named after them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import tunekit as tk
from sample_rows import preferences, routing
from tunekit.backends.vertex.case import Case, Parent
from tunekit.backends.vertex.names import labels_of
from tunekit.backends.vertex.options import (
    EmbeddingOptions,
    PalmOptions,
    VertexEvaluation,
    VertexMetric,
)
from tunekit.catalog.vertex import vertex_model
from tunekit.jobs.record import DatasetRef, JobRequest
from tuner_cases import prompts

KEY = "projects/acme/locations/us-central1/keyRings/ring/cryptoKeys/key"
PROJECT, STAGING = "acme", "gs://acme-staging/tunekit"
_KINDS = {"preferences": "Preference", "prompts": "Prompt", "rows": "PromptCompletion"}


def _rewarded(reward: Any, **settings: Any) -> tk.ReinforcementTuner:
    settings = {"samples_per_prompt": 16, "prompts_per_step": 32} | settings
    return tk.ReinforcementTuner(base_model="gemini-3.5-flash", reward=reward, **settings)


def polite(prompt, response, references):  # type: ignore[no-untyped-def]
    """Whether it says please."""
    return float("please" in response.lower())


@dataclass(frozen=True)
class Asked:
    """A job that was asked for."""

    tuner: Any
    data: Mapping[str, str] = field(default_factory=lambda: {"train": "rows"})
    options: tk.VertexOptions = field(default_factory=tk.VertexOptions)
    location: str = "us-central1"
    parent: Parent | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    def case(self) -> Case:
        """The case of it, with rows that lie somewhere."""
        refs = tuple(
            DatasetRef(name=name, digest="0" * 64, num_rows=640, row_kind=_KINDS[kind], sources=())
            for name, kind in self.data.items()
        )
        request = JobRequest(
            tuner=self.tuner,
            datasets=refs,
            display_name="triage",
            key="k",
            fingerprint="f" * 64,
            labels=self.labels,
        )
        return Case(
            request=request,
            project=PROJECT,
            location=self.location,
            staging=STAGING,
            options=self.options,
            model=None if self.parent else vertex_model(self.tuner.base_model),
            parent=self.parent,
            uris={name: f"{STAGING}/data/{name}.jsonl" for name in self.data},
            labels=labels_of(request, PROJECT, self.location),
        )


BOTH = {"train": "rows", "validation": "rows"}
PAIRS = {"train": "preferences", "validation": "preferences"}
PROMPTS = {"train": "prompts"}
FEEDBACK = {"train": "preferences", "prompts": "prompts"}
ANSWER = "{{references.answer}}"

ASKED: dict[str, Asked] = {
    "supervised_gemini": Asked(tk.SupervisedTuner(base_model="gemini-3.5-flash")),
    "supervised_gemini_all": Asked(
        tk.SupervisedTuner(
            base_model="gemini-3.1-flash-lite",
            epochs=4,
            learning_rate=tk.LearningRateMultiplier(0.5),
            adapter_size=4,
        ),
        BOTH,
        tk.VertexOptions(
            description="nightly",
            service_account="tuner@acme.iam.gserviceaccount.com",
            exported_checkpoints="last",
            evaluation=VertexEvaluation(
                metrics=(
                    VertexMetric(name="exact_match"),
                    VertexMetric(name="bleu"),
                    VertexMetric(name="rouge", rouge_type="rougeLsum"),
                    VertexMetric(name="pointwise", prompt_template="Rate {response}."),
                ),
                output_uri="gs://acme-staging/evaluations",
                sampling_count=3,
            ),
        ),
        labels={"team": "a"},
    ),
    "supervised_cmek": Asked(
        tk.SupervisedTuner(base_model="gemini-2.5-flash", epochs=1),
        options=tk.VertexOptions(encryption_key=KEY),
    ),
    "supervised_continued": Asked(
        tk.SupervisedTuner(base_model="vertex:projects/1/locations/us-central1/tuningJobs/7/model"),
        parent=Parent("projects/1/locations/us-central1/models/9@2", "3"),
    ),
    "supervised_open_adapter": Asked(
        tk.SupervisedTuner(
            base_model="meta/llama3_1@llama-3.1-8b",
            epochs=2,
            learning_rate=tk.LearningRate(1e-4),
            batch_size=8,
            adapter_size=16,
        ),
        BOTH,
    ),
    "supervised_open_full": Asked(
        tk.SupervisedTuner(base_model="qwen/qwen3@qwen3-4b", tuning_mode="full"),
        options=tk.VertexOptions(
            custom_base_model="gs://acme/weights", output_uri="gs://acme/tuned"
        ),
        location="global",
    ),
    "supervised_palm_text": Asked(
        tk.SupervisedTuner(
            base_model="text-bison@002",
            train_steps=300,
            learning_rate=tk.LearningRateMultiplier(2),
            evaluation_interval=20,
            early_stopping=3,
            checkpoint_selection="best",
        ),
        BOTH,
        tk.VertexOptions(
            encryption_key=KEY,
            network="projects/1/global/networks/n",
            palm=PalmOptions(
                accelerator_type="GPU",
                tuned_model_location="us-central1",
                max_context_length="8k",
                tensorboard="projects/acme/locations/us-central1/tensorboards/5",
            ),
        ),
    ),
    "supervised_palm_chat": Asked(
        tk.SupervisedTuner(base_model="chat-bison@002"),
        options=tk.VertexOptions(palm=PalmOptions(default_context="Be brief.")),
        location="europe-west4",
    ),
    "supervised_palm_code": Asked(
        tk.SupervisedTuner(base_model="code-bison@002", learning_rate=tk.LearningRate(0.0004))
    ),
    "preference": Asked(tk.PreferenceTuner(base_model="gemini-3.5-flash")),
    "preference_all": Asked(
        tk.PreferenceTuner(
            base_model="gemini-2.5-flash",
            epochs=2,
            beta=0.3,
            learning_rate=tk.LearningRateMultiplier(2),
            adapter_size=8,
        ),
        PAIRS,
    ),
    "reinforcement_exact_match": Asked(_rewarded(tk.ExactMatch(expected=ANSWER)), PROMPTS),
    "reinforcement_all": Asked(
        _rewarded(
            tk.JsonMatch(key="team", expected=ANSWER, extract=r"\{.*\}", wrong=-1.0),
            epochs=5,
            learning_rate=tk.LearningRateMultiplier(0.5),
            max_output_tokens=1_024,
            adapter_size=16,
            checkpoint_interval=10,
        ),
        {"train": "prompts", "validation": "prompts"},
        tk.VertexOptions(evaluate_interval=5, thinking_level="MINIMAL"),
    ),
    "reinforcement_steps": Asked(
        _rewarded(tk.RegexMatch(pattern=r"\d+ kg", letter_case="ignored"), train_steps=100), PROMPTS
    ),
    "reinforcement_autorater": Asked(
        _rewarded(
            tk.AutoraterReward(
                prompt="Rate {{response}} from 0 to 1.",
                model="gemini-3.5-flash",
                sampling_count=8,
                parse=r"([0-9.]+)",
            )
        ),
        PROMPTS,
    ),
    "reinforcement_autorater_exact": Asked(
        _rewarded(tk.AutoraterReward(prompt="Polite? {{response}}", expected="yes", wrong=-1.0)),
        PROMPTS,
    ),
    "reinforcement_cloud_run": Asked(
        _rewarded(tk.CloudRunReward(uri="https://judge-abc.a.run.app")), PROMPTS
    ),
    "reinforcement_python": Asked(_rewarded(tk.PythonReward(polite)), PROMPTS),
    "reinforcement_composite": Asked(
        _rewarded(
            tk.WeightedSum(
                [
                    tk.Weighted(
                        reward=tk.StringMatch(operation="contains", expected="thank"), weight=2
                    ),
                    tk.Weighted(reward=tk.LengthReward(max_words=20), weight=-0.5),
                    tk.Weighted(
                        reward=tk.WeightedSum({tk.ExactMatch(expected="a"): 3.0}), weight=1
                    ),
                ]
            )
        ),
        PROMPTS,
    ),
    "distillation": Asked(
        tk.Distiller(
            base_model="qwen/qwen3@qwen3-4b",
            teacher="deepseek-ai/deepseek-v3.2-maas",
            tuning_mode="full",
            epochs=2,
            learning_rate=tk.LearningRate(2e-5),
            batch_size=4,
        ),
        PROMPTS,
    ),
    "distillation_tuned_teacher": Asked(
        tk.Distiller(
            base_model="google/gemma3@gemma-3-27b-it",
            teacher="projects/1/locations/us-central1/models/9",
        ),
        PROMPTS,
    ),
    "distillation_older": Asked(
        tk.Distiller(
            base_model="gemini-9-student",
            teacher="gemini-9-teacher",
            epochs=4,
            learning_rate=tk.LearningRateMultiplier(1),
            adapter_size=4,
        ),
        PROMPTS,
        tk.VertexOptions(distillation_shape="older"),
    ),
    "distillation_labelled": Asked(
        tk.Distiller(
            base_model="qwen/qwen3@qwen3-4b", teacher="anything", tuning_mode="full", epochs=2
        )
    ),
    "distillation_palm": Asked(
        tk.Distiller(base_model="text-bison@002", teacher="text-unicorn@001", train_steps=300),
        PROMPTS,
        tk.VertexOptions(palm=PalmOptions(accelerator_type="GPU", temperature=0.2)),
    ),
    "rlhf": Asked(tk.RLHFTuner(base_model="text-bison@002"), FEEDBACK),
    "rlhf_all": Asked(
        tk.RLHFTuner(
            base_model="chat-bison@001",
            reward_model_train_steps=1_000,
            reinforcement_learning_train_steps=900,
            reward_model_learning_rate_multiplier=0.5,
            reinforcement_learning_rate_multiplier=0.25,
            kl_coeff=0.2,
            prompt_sequence_length=1_024,
            target_sequence_length=128,
            instruction="Be brief.",
        ),
        FEEDBACK | {"evaluation": "prompts"},
        tk.VertexOptions(
            encryption_key=KEY,
            palm=PalmOptions(
                accelerator_type="GPU",
                deploy_model=False,
                tensorboard="projects/acme/locations/us-central1/tensorboards/5",
            ),
        ),
    ),
}

MACHINES = EmbeddingOptions(
    machine_type="g2-standard-8", accelerator_type="NVIDIA_L4", accelerator_count=1
)


def rows_for(kind: str, count: int = 24) -> Any:
    """Rows that tuners take, by the name that `ASKED` uses."""
    makers: Any = {"preferences": preferences, "prompts": prompts, "rows": routing}
    return makers[kind](count)
