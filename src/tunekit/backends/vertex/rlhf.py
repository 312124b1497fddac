"""The pipeline that tuned PaLM models by human feedback. It is retired; a project with access can still say it.

Source: https://github.com/kubeflow/pipelines (`preview/llm/rlhf/component.py` of google-cloud-pipeline-components).

Belongs here: its parameters and local rules.
Does not belong here: the frame of a request (`pipelines.py`), the other pipelines of that time (`palm.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from tunekit.backends.vertex import checks
from tunekit.backends.vertex.case import SPELLINGS, Body, Case, Misfit, refuse
from tunekit.backends.vertex.palm import place_misfits
from tunekit.backends.vertex.pipelines import RLHF_TEMPLATE, palm_name, pipeline_body

_MODELS = ("text-bison", "chat-bison", "t5-small", "t5-large", "t5-xl", "t5-xxl")
_LLAMA = "llama-2-"
_MAX_PROMPT, _MAX_TARGET = 8_192, 1_024
_BATCH = 64
"""Rows per step, fixed in the pipeline."""
_REWARD_PASSES, _POLICY_PASSES = 20, 10
"""Passes that the public notebook recommends, the lower ends of 20 to 30 and of 10 to 20."""
_FIXED = (
    "batch_size",
    "prompts_per_step",
    "samples_per_prompt",
    "adapter_size",
    "checkpoint_interval",
)


def spellings(case: Case) -> Mapping[str, SPELLINGS]:
    """Pairs with a choice, and prompts."""
    refuse(case, _misfits(case))
    return {
        ref.name: "preference" if ref.name in ("train", "validation") else "prompts"
        for ref in case.request.datasets
    }


def body(case: Case) -> Body:
    """A run of the pipeline. Both step counts are always sent: the pipeline and its documents disagree about theirs."""
    tuner, options = case.tuner, case.options
    parameters: dict[str, JsonValue] = {
        "project": case.project,
        "location": case.location,
        "large_model_reference": case.base_model,
        "model_display_name": case.request.display_name,
        "preference_dataset": case.uris["train"],
        "prompt_dataset": case.uris["prompts"],
        "eval_dataset": case.uris.get("evaluation") or options.palm.evaluation_data_uri,
        "prompt_sequence_length": tuner.prompt_sequence_length,
        "target_sequence_length": tuner.target_sequence_length,
        "reward_model_learning_rate_multiplier": tuner.reward_model_learning_rate_multiplier,
        "reinforcement_learning_rate_multiplier": tuner.reinforcement_learning_rate_multiplier,
        "reward_model_train_steps": tuner.reward_model_train_steps
        or _steps(case, "train", _REWARD_PASSES),
        "reinforcement_learning_train_steps": tuner.reinforcement_learning_train_steps
        or _steps(case, "prompts", _POLICY_PASSES),
        "kl_coeff": tuner.kl_coeff,
        "instruction": tuner.instruction or options.palm.default_context,
        "deploy_model": options.palm.deploy_model,
        "accelerator_type": options.palm.accelerator_type,
        "encryption_spec_key_name": options.encryption_key,
        "tensorboard_resource_id": options.palm.tensorboard,
    }
    return pipeline_body(case, RLHF_TEMPLATE, parameters)


def _steps(case: Case, name: str, passes: int) -> int:
    ref = case.request.dataset(name)
    return max(1, math.ceil((ref.num_rows if ref else 0) * passes / _BATCH))


def _misfits(case: Case) -> Iterator[Misfit]:
    tuner, options = case.tuner, case.options
    yield from checks.names(case)
    yield from place_misfits(case)
    name = palm_name(case.base_model)
    if name not in _MODELS and not name.startswith(_LLAMA):
        fact = f"The pipeline tunes no {case.base_model!r}."
        hint = "It knows 'text-bison@002', 'chat-bison@001', t5 and llama-2."
        yield Misfit("base_model", fact, hint)
    for field in _FIXED:
        if getattr(tuner, field) is not None:
            yield Misfit(field, f"{field} is fixed in the pipeline.", "Leave it out.")
    for stage in ("reward_model", "reinforcement"):
        if getattr(tuner, f"{stage}_learning_rate") is not None:
            fact = "The pipeline takes multipliers only."
            hint = f"Give {stage}_learning_rate_multiplier."
            yield Misfit(f"{stage}_learning_rate", fact, hint)
    if tuner.algorithm != "rloo":
        fact = f"The pipeline has an algorithm of its own, and no {tuner.algorithm!r}."
        yield Misfit("algorithm", fact, "Leave it out.")
    yield from _lengths(case)
    if options.encryption_key is not None and (
        options.palm.accelerator_type == "TPU" or case.location != "us-central1"
    ):
        fact = "A key of your own works with GPU in us-central1 only."
        yield Misfit("options.encryption_key", fact, "Leave it out, or tune there.")


def _lengths(case: Case) -> Iterator[Misfit]:
    prompt, target = case.tuner.prompt_sequence_length, case.tuner.target_sequence_length
    if prompt is not None and prompt > _MAX_PROMPT:
        fact = f"prompt_sequence_length={prompt:,}; the most is {_MAX_PROMPT:,}."
        yield Misfit("prompt_sequence_length", fact, "Give less.")
    if target > _MAX_TARGET:
        fact = f"target_sequence_length={target:,}; the most is {_MAX_TARGET:,}."
        yield Misfit("target_sequence_length", fact, "Give less.")
