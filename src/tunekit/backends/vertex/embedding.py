"""The pipeline that tunes text embeddings, the one pipeline of its time that is live.

Source: https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/tuning/embeddings.

Belongs here: its parameters and local rules.
Does not belong here: the frame of a request (`pipelines.py`), what the files hold (`rows.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from tunekit._text import either
from tunekit._value import Value
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
from tunekit.backends.vertex.pipelines import embedding_template, pipeline_body
from tunekit.tuners.embedding import EmbeddingTuner

_TASKS = (
    "DEFAULT",
    "RETRIEVAL_QUERY",
    "RETRIEVAL_DOCUMENT",
    "SEMANTIC_SIMILARITY",
    "CLASSIFICATION",
    "CLUSTERING",
    "QUESTION_ANSWERING",
    "FACT_VERIFICATION",
    "CODE_RETRIEVAL_QUERY",
)
_FIXED = (
    "adapter_size",
    "checkpoint_interval",
    "checkpoint_selection",
    "early_stopping",
    "evaluation_interval",
    "hard_negatives",
    "objective",
    "tuning_mode",
)
_MAX_BATCH, _LEAST_STEPS, _MAX_DIMENSIONS = 1_024, 30, 768


class EmbeddingSettings(Value):
    """The settings of a run as plain values; `None` leaves each to the pipeline."""

    batch_size: int | None = None
    """128."""
    train_steps: int | None = None
    """1,000."""
    learning_rate_multiplier: float | None = None
    """1."""
    output_dimensionality: int | None = None
    """All that the model has, 768."""
    task_type: str | None = None
    """DEFAULT."""


def parameters(
    case: Case, settings: EmbeddingSettings, files: Mapping[str, str]
) -> dict[str, JsonValue]:
    """The parameters of a run.

    Args:
        case: The job.
        settings: Its settings.
        files: Where `corpus`, `queries`, the labels `train` and, where there are some, `validation` and `test` lie.
    """
    machines = case.options.embedding
    return {
        "base_model_version_id": case.base_model,
        "model_display_name": case.request.display_name,
        "corpus_path": files["corpus"],
        "queries_path": files["queries"],
        "train_label_path": files["train"],
        "test_label_path": files.get("test"),
        "validation_label_path": files.get("validation"),
        "task_type": settings.task_type,
        "batch_size": settings.batch_size,
        "train_steps": settings.train_steps,
        "learning_rate_multiplier": settings.learning_rate_multiplier,
        "output_dimensionality": settings.output_dimensionality,
        "machine_type": machines.machine_type,
        "accelerator_type": machines.accelerator_type,
        "accelerator_count": machines.accelerator_count,
        "encryption_spec_key_name": case.options.encryption_key,
    }


def misfits(settings: EmbeddingSettings) -> Iterator[Misfit]:
    """Settings that the pipeline refuses."""
    ranges: tuple[tuple[str, float | None, float, float], ...] = (
        ("batch_size", settings.batch_size, 1, _MAX_BATCH),
        ("train_steps", settings.train_steps, _LEAST_STEPS, math.inf),
        ("output_dimensionality", settings.output_dimensionality, 1, _MAX_DIMENSIONS),
    )
    for name, value, least, most in ranges:
        if value is not None and not least <= value <= most:
            allowed = f"{least:,.0f} to {most:,.0f}" if most < math.inf else f"{least:,.0f} or more"
            yield Misfit(name, f"{name}={value:,} is outside of {allowed}.", f"Give {allowed}.")
    rate = settings.learning_rate_multiplier
    if rate is not None and rate <= 0:
        yield Misfit(
            "learning_rate", f"The multiplier {rate:g} is not above 0.", "Give more than 0."
        )
    if settings.task_type is not None and settings.task_type not in _TASKS:
        fact = f"There is no task type {settings.task_type!r}."
        yield Misfit("task_type", fact, f"Write {either(_TASKS)}.")


def settings_of(tuner: EmbeddingTuner) -> EmbeddingSettings:
    """The settings of a tuner as the pipeline has them."""
    return EmbeddingSettings(
        batch_size=tuner.batch_size,
        train_steps=tuner.train_steps,
        learning_rate_multiplier=multiplier(tuner.learning_rate),
        output_dimensionality=tuner.output_dimensionality,
        task_type=tuner.task_type,
    )


def spellings(case: Case) -> Mapping[str, SPELLINGS]:
    """Corpus and queries as JSON lines, labels as tab-separated ones."""
    refuse(
        case, (*checks.names(case), *misfits(settings_of(case.tuner)), *_tuner_misfits(case.tuner))
    )
    known: dict[str, SPELLINGS] = {"corpus": "documents", "queries": "queries"}
    return {ref.name: known.get(ref.name, "relevance") for ref in case.request.datasets}


def body(case: Case) -> Body:
    """A run of the pipeline."""
    return pipeline_body(
        case,
        embedding_template(case.base_model),
        parameters(case, settings_of(case.tuner), case.uris),
    )


def _tuner_misfits(tuner: EmbeddingTuner) -> Iterator[Misfit]:
    for name in _FIXED:
        if getattr(tuner, name) != type(tuner).model_fields[name].default:
            yield Misfit(name, f"{name} is fixed in the pipeline.", "Leave it out.")
    if tuner.epochs is not None:
        yield Misfit("epochs", "The pipeline counts in steps.", "Give train_steps instead.")
    if absolute(tuner.learning_rate) is not None:
        fact = "The pipeline takes no absolute learning rate."
        yield Misfit("learning_rate", fact, "Give a LearningRateMultiplier.")
