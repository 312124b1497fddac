"""The pipelines that tuned and distilled PaLM models. They are retired; who has access, or an archive, can say them.

Sources: https://github.com/googleapis/python-aiplatform (`vertexai/language_models/_language_models.py` and
`_distillation.py`), https://github.com/GoogleCloudPlatform/vertex-ai-samples (`tune_peft.ipynb`, `distillation.ipynb`).

Belongs here: parameters and local rules of supervised tuning and distillation.
Does not belong here: RLHF (`rlhf.py`), the frame of a request (`pipelines.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from tunekit._text import either
from tunekit.backends.vertex import checks
from tunekit.backends.vertex.case import (
    SPELLINGS,
    Body,
    Case,
    Misfit,
    absolute,
    multiplier,
    refuse,
)
from tunekit.backends.vertex.pipelines import (
    DISTILLATION_TEMPLATE,
    palm_name,
    pipeline_body,
    supervised_template,
)

LOCATIONS = (
    "us-central1",
    "europe-west4",
    "asia-southeast1",
    "us-west1",
    "europe-west3",
    "europe-west2",
    "asia-northeast1",
    "us-east4",
    "us-west4",
    "northamerica-northeast1",
    "europe-west9",
    "europe-west1",
    "asia-northeast3",
)
"""Regions that the client of Google took, `_SUPPORTED_LOCATIONS`."""
_BASE_RATE = 0.0002
"""The rate that multipliers are of: the release notes of 28 July 2023."""
_STUDENTS, _TEACHERS = ("text-bison",), ("text-unicorn",)


def is_chat(case: Case) -> bool:
    """Whether the base model takes conversations."""
    return "chat-" in palm_name(case.base_model)


def supervised_spellings(case: Case) -> Mapping[str, SPELLINGS]:
    """Conversations with authors for chat models, prompts with answers for the others."""
    refuse(case, _supervised_misfits(case))
    spelling: SPELLINGS = "palm_chat" if is_chat(case) else "prompt_completion"
    return {ref.name: spelling for ref in case.request.datasets}


def supervised_body(case: Case) -> Body:
    """A run of the pipeline that tuned text, chat and code models."""
    tuner, palm = case.tuner, case.options.palm
    parameters: dict[str, JsonValue] = {
        "project": case.project,
        "location": palm.tuned_model_location or case.location,
        "large_model_reference": case.base_model,
        "model_display_name": case.request.display_name,
        "dataset_uri": case.uris["train"],
        "train_steps": tuner.train_steps,
        "learning_rate_multiplier": _multiplier(tuner.learning_rate),
        "accelerator_type": palm.accelerator_type,
        "max_context_length": palm.max_context_length,
        "default_context": palm.default_context,
        "tpu_training_skip_cmek": palm.tpu_training_skip_cmek,
        "encryption_spec_key_name": case.options.encryption_key,
        "tensorboard_resource_id": palm.tensorboard,
    }
    evaluated = {} if is_chat(case) else _evaluation(case)
    return pipeline_body(case, supervised_template(case.base_model), parameters | evaluated)


def distillation_spellings(case: Case) -> Mapping[str, SPELLINGS]:
    """Prompts, with answers or without."""
    refuse(case, _distillation_misfits(case))
    return {
        ref.name: "prompts" if ref.row_kind == "Prompt" else "prompt_completion"
        for ref in case.request.datasets
    }


def distillation_body(case: Case) -> Body:
    """A run of the pipeline that distilled text models."""
    tuner, palm = case.tuner, case.options.palm
    parameters: dict[str, JsonValue] = {
        "project": case.project,
        "location": palm.tuned_model_location or case.location,
        "dataset_uri": case.uris["train"],
        "teacher_model_reference": tuner.teacher,
        "student_model_reference": case.base_model,
        "model_display_name": case.request.display_name,
        "train_steps": tuner.train_steps,
        "learning_rate_multiplier": _multiplier(tuner.learning_rate),
        "accelerator_type": palm.accelerator_type,
        "max_context_length": palm.max_context_length,
        "temperature": palm.temperature,
        "tpu_training_skip_cmek": palm.tpu_training_skip_cmek,
        "encryption_spec_key_name": case.options.encryption_key,
        "tensorboard_resource_id": palm.tensorboard,
    }
    return pipeline_body(case, DISTILLATION_TEMPLATE, parameters | _evaluation(case))


def place_misfits(case: Case) -> Iterator[Misfit]:
    """Regions and machines that the pipelines refused."""
    palm = case.options.palm
    for field, region in (
        ("location", case.location),
        ("options.palm.tuned_model_location", palm.tuned_model_location),
    ):
        if region is not None and region not in LOCATIONS:
            yield Misfit(field, f"{region!r} tunes no PaLM model.", f"Take {either(LOCATIONS)}.")
    if palm.tensorboard is not None and f"/locations/{case.location}/" not in palm.tensorboard:
        fact = f"The TensorBoard lies in another region than the job, {case.location!r}."
        yield Misfit("options.palm.tensorboard", fact, "Use one of that region.")


def _evaluation(case: Case) -> dict[str, JsonValue]:
    tuner, palm = case.tuner, case.options.palm
    return {
        "evaluation_data_uri": palm.evaluation_data_uri or case.uris.get("validation"),
        "evaluation_interval": tuner.evaluation_interval,
        "enable_early_stopping": None if tuner.early_stopping is None else True,
        "enable_checkpoint_selection": palm.enable_checkpoint_selection
        or ("true" if tuner.checkpoint_selection == "best" else None),
    }


def _multiplier(rate: object) -> float | None:
    """The multiplier, also of a rate that was given as it is."""
    known = absolute(rate)
    return multiplier(rate) if known is None else known / _BASE_RATE


def _shared_misfits(case: Case) -> Iterator[Misfit]:
    tuner = case.tuner
    yield from checks.names(case)
    yield from place_misfits(case)
    if tuner.epochs is not None:
        fact = "The pipelines of the PaLM models count in steps."
        yield Misfit("epochs", fact, "Give train_steps instead, or neither.")
    for name in ("batch_size", "adapter_size", "checkpoint_interval"):
        if getattr(tuner, name) is not None:
            yield Misfit(
                name, f"{name} is fixed in the pipelines of the PaLM models.", "Leave it out."
            )
    if tuner.tuning_mode == "full":
        fact = "The pipelines of the PaLM models train an adapter."
        yield Misfit("tuning_mode", fact, "Leave it out.")


def _supervised_misfits(case: Case) -> Iterator[Misfit]:
    tuner, palm = case.tuner, case.options.palm
    yield from _shared_misfits(case)
    if not is_chat(case):
        if palm.default_context is not None:
            fact = f"{case.base_model!r} is no chat model and takes no default_context."
            yield Misfit("options.palm.default_context", fact, "Leave it out.")
        return
    if palm.max_context_length is not None:
        fact = "The pipeline of chat models takes no max_context_length."
        yield Misfit("options.palm.max_context_length", fact, "Leave it out.")
    asked = {
        "evaluation_interval": tuner.evaluation_interval is not None,
        "early_stopping": tuner.early_stopping is not None,
        "checkpoint_selection": tuner.checkpoint_selection == "best",
        "options.palm.evaluation_data_uri": palm.evaluation_data_uri is not None,
        "options.palm.enable_checkpoint_selection": palm.enable_checkpoint_selection is not None,
        "validation": case.request.dataset("validation") is not None,
    }
    for name in (name for name, is_asked in asked.items() if is_asked):
        fact = "Chat models are tuned without evaluation; only a TensorBoard can be given."
        yield Misfit(name, fact, "Leave it out.")


def _distillation_misfits(case: Case) -> Iterator[Misfit]:
    tuner = case.tuner
    yield from _shared_misfits(case)
    teacher = tuner.teacher if isinstance(tuner.teacher, str) else ""
    if palm_name(teacher) not in _TEACHERS:
        fact = f"The teacher {teacher or 'that was given'!r} is none of the pipeline."
        yield Misfit("teacher", fact, "The pipeline knows 'text-unicorn@001'.")
    if palm_name(case.base_model) not in _STUDENTS:
        fact = f"{case.base_model!r} is no student of the pipeline."
        yield Misfit("base_model", fact, "The pipeline knows 'text-bison@002'.")
    if tuner.objective == "logits" or tuner.rationale == "learn":
        fact = "The pipeline decides itself how it learns from its teacher."
        yield Misfit("objective", fact, "Leave objective and rationale out.")
