"""The pipelines that tune: which parameters each takes, what it checks, and which tasks tell of its model.

Belongs here: the templates as data. Sources: googleapis/python-aiplatform (vertexai/language_models),
kubeflow/pipelines (google_cloud_pipeline_components/preview/llm), and the page on tuning embeddings of the
product's documentation.
Does not belong here: pipeline jobs (`pipeline_jobs.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from tunekit.testing.vertex.place import ModelKind
from tunekit.testing.vertex.storage.store import ObjectStore

ParameterType = Literal["STRING", "NUMBER_INTEGER", "NUMBER_DOUBLE", "BOOLEAN"]
Parameters: TypeAlias = Mapping[str, Any]

_EVALUATION: Mapping[str, ParameterType] = {
    "evaluation_data_uri": "STRING",
    "evaluation_interval": "NUMBER_INTEGER",
    "evaluation_output_root_dir": "STRING",
    "enable_early_stopping": "BOOLEAN",
    "enable_checkpoint_selection": "STRING",
    "tensorboard_resource_id": "STRING",
    "encryption_spec_key_name": "STRING",
    "tpu_training_skip_cmek": "BOOLEAN",
    "api_endpoint": "STRING",
}


@dataclass(frozen=True, slots=True)
class Template:
    """A pipeline that tunes."""

    name: str
    """What the pipeline is called; the root run of a job begins with it."""
    uris: tuple[str, ...]
    """What its addresses have in common."""
    required: tuple[str, ...]
    parameters: Mapping[str, ParameterType]
    uploader: str
    """The task that uploads the model."""
    base_model: str
    """Parameter that names the base model."""
    display_name: str
    """Name of a model that is given none."""
    kind: ModelKind = "text"
    is_live: bool = False
    """Whether the service still runs it."""
    deploys: bool = True
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    fault: Callable[[ObjectStore, Parameters], str | None] = lambda *_: None
    """What is wrong with the data, found while the job runs."""


def template_at(uri: str) -> Template | None:
    """The template of that address."""
    bare = uri.removeprefix("https://")
    return next((known for known in TEMPLATES if any(part in bare for part in known.uris)), None)


def parameter_fault(template: Template, parameters: Parameters) -> str | None:
    """What is wrong with the parameters: one is unknown, missing or of another type; numbers may be texts."""
    for name, value in parameters.items():
        kind = template.parameters.get(name)
        if kind is None:
            return f"The pipeline parameter {name!r} is not defined by the template."
        if not _is_of(kind, value):
            return f"The pipeline parameter {name!r} must be of type {kind}; got {json.dumps(value)[:80]}."
    missing = [name for name in template.required if parameters.get(name) in (None, "")]
    return f"The pipeline parameter {missing[0]!r} is required." if missing else None


def _is_of(kind: ParameterType, value: Any) -> bool:
    if kind == "STRING":
        return isinstance(value, str)
    if kind == "BOOLEAN":
        return isinstance(value, bool) or str(value).lower() in ("true", "false")
    if isinstance(value, bool):
        return False
    try:
        number = float(value)
    except (TypeError, ValueError):
        return False
    return kind == "NUMBER_DOUBLE" or number.is_integer()


# --- what is wrong with the data -------------------------------------------------------------------------------------


def _rows_fault(name: str) -> Callable[[ObjectStore, Parameters], str | None]:
    def fault(storage: ObjectStore, parameters: Parameters) -> str | None:
        uri = str(parameters.get(name, ""))
        return _jsonl_fault(storage, uri, ()) if uri.startswith("gs://") else None

    return fault


def _jsonl_fault(storage: ObjectStore, uri: str, fields: tuple[str, ...]) -> str | None:
    if "*" in uri:
        return None if storage.matching_uris(uri) else f"No object matches {uri}."
    data = storage.read_uri(uri)
    if data is None:
        return f"The object {uri} does not exist."
    for number, line in enumerate(data.splitlines()):
        try:
            row = json.loads(line)
        except ValueError:
            return f"Row: {number} of {uri}. Invalid JSON."
        missing = [name for name in fields if not isinstance(row, dict) or name not in row]
        if missing:
            return f"Row: {number} of {uri}. Missing required `{missing[0]}` field."
    return None if data.strip() else f"The object {uri} is empty."


def _rlhf_fault(storage: ObjectStore, parameters: Parameters) -> str | None:
    found = (
        _jsonl_fault(storage, str(parameters[name]), ())
        for name in ("prompt_dataset", "preference_dataset")
    )
    return next((text for text in found if text), None)


def _embedding_fault(storage: ObjectStore, parameters: Parameters) -> str | None:
    """Documents, queries and labels as the page on tuning embeddings has them, with its least numbers."""
    known: dict[str, set[str]] = {}
    for name, column, least in (("corpus_path", "corpus-id", 9), ("queries_path", "query-id", 9)):
        uri = str(parameters[name])
        text = _jsonl_fault(storage, uri, ("_id", "text"))
        if text is not None:
            return text
        rows = (storage.read_uri(uri) or b"").splitlines()
        known[column] = {str(json.loads(row)["_id"]) for row in rows}
        if len(known[column]) < least:
            return f"{uri} has {len(known[column])} ids; at least {least} are needed."
    for name in ("train_label_path", "validation_label_path", "test_label_path"):
        uri = str(parameters.get(name, ""))
        text = _labels_fault(storage, uri, known) if uri else None
        if text is not None:
            return text
    return None


def _labels_fault(storage: ObjectStore, uri: str, known: Mapping[str, set[str]]) -> str | None:
    data = storage.read_uri(uri)
    if data is None:
        return f"The object {uri} does not exist."
    lines = [line.split("\t") for line in data.decode(errors="replace").splitlines()]
    header = lines[0] if lines else []
    if not {"query-id", "corpus-id"} <= set(header):
        return f"{uri} needs a header with query-id, corpus-id and score."
    queries: set[str] = set()
    for number, cells in enumerate(lines[1:], start=1):
        row = dict(zip(header, cells, strict=False))
        for column, ids in known.items():
            if row.get(column) not in ids:
                return f"{uri}, line {number + 1}: the {column} {row.get(column)!r} is unknown."
        if not row.get("score", "1").isdigit():
            return f"{uri}, line {number + 1}: the score must be a whole number of at least 0."
        queries.add(row["query-id"])
    return (
        None
        if len(queries) >= 3
        else f"{uri} has labels for {len(queries)} queries; at least 3 are needed."
    )


# --- the templates ---------------------------------------------------------------------------------------------------

_LANGUAGE: Mapping[str, ParameterType] = {
    "project": "STRING",
    "location": "STRING",
    "model_display_name": "STRING",
    "large_model_reference": "STRING",
    "dataset_uri": "STRING",
    "dataset_name": "STRING",
    "train_steps": "NUMBER_INTEGER",
    "learning_rate_multiplier": "NUMBER_DOUBLE",
    "learning_rate": "NUMBER_DOUBLE",
    "tuning_method": "STRING",
    "accelerator_type": "STRING",
    "max_context_length": "STRING",
    "default_context": "STRING",
    **_EVALUATION,
}
_LANGUAGE_KINDS: Mapping[str, ModelKind] = {
    "tune-large-model": "text",
    "tune-large-chat-model": "chat",
}

TEMPLATES: tuple[Template, ...] = (
    Template(
        name="tune-text-embedding-model",
        uris=("llm-text-embedding/tune-text-embedding-model",),
        required=("corpus_path", "queries_path", "train_label_path"),
        parameters={
            "train_label_path": "STRING",
            "corpus_path": "STRING",
            "queries_path": "STRING",
            "test_label_path": "STRING",
            "validation_label_path": "STRING",
            "base_model_version_id": "STRING",
            "task_type": "STRING",
            "batch_size": "NUMBER_INTEGER",
            "train_steps": "NUMBER_INTEGER",
            "learning_rate_multiplier": "NUMBER_DOUBLE",
            "output_dimensionality": "NUMBER_INTEGER",
            "model_display_name": "STRING",
            "machine_type": "STRING",
            "accelerator_type": "STRING",
            "accelerator_count": "NUMBER_INTEGER",
            "encryption_spec_key_name": "STRING",
        },
        uploader="text-embedding-model-uploader",
        base_model="base_model_version_id",
        display_name="tuned-text-embedding-model",
        kind="embedding",
        is_live=True,
        deploys=False,
        fault=_embedding_fault,
    ),
    *(
        Template(
            name=name,
            uris=(f"large-language-model-pipelines/{name}",),
            required=("project", "location", "model_display_name"),
            parameters=_LANGUAGE,
            uploader="upload-llm-model",
            base_model="large_model_reference",
            display_name="tuned-model",
            kind=kind,
            fault=_rows_fault("dataset_uri"),
        )
        for name, kind in _LANGUAGE_KINDS.items()
    ),
    Template(
        name="rlhf-train-template",
        uris=("google-cloud-registry/rlhf-train-template",),
        required=("prompt_dataset", "preference_dataset", "large_model_reference"),
        parameters={
            "prompt_dataset": "STRING",
            "preference_dataset": "STRING",
            "large_model_reference": "STRING",
            "model_display_name": "STRING",
            "prompt_sequence_length": "NUMBER_INTEGER",
            "target_sequence_length": "NUMBER_INTEGER",
            "reward_model_learning_rate_multiplier": "NUMBER_DOUBLE",
            "reinforcement_learning_rate_multiplier": "NUMBER_DOUBLE",
            "reward_model_train_steps": "NUMBER_INTEGER",
            "reinforcement_learning_train_steps": "NUMBER_INTEGER",
            "kl_coeff": "NUMBER_DOUBLE",
            "instruction": "STRING",
            "deploy_model": "BOOLEAN",
            "eval_dataset": "STRING",
            "project": "STRING",
            "accelerator_type": "STRING",
            "location": "STRING",
            "encryption_spec_key_name": "STRING",
            "tensorboard_resource_id": "STRING",
        },
        uploader="upload-llm-model",
        base_model="large_model_reference",
        display_name="rlhf-tuned-model",
        labels={"tune-type": "rlhf"},
        fault=_rlhf_fault,
    ),
    Template(
        name="distillation",
        uris=("ml-pipeline/distillation/distillation", "ml-pipeline/research/distillation"),
        required=("project", "dataset_uri"),
        parameters={
            "project": "STRING",
            "dataset_uri": "STRING",
            "location": "STRING",
            "teacher_model_reference": "STRING",
            "student_model_reference": "STRING",
            "train_steps": "NUMBER_INTEGER",
            "learning_rate_multiplier": "NUMBER_DOUBLE",
            "accelerator_type": "STRING",
            "model_display_name": "STRING",
            "max_context_length": "STRING",
            "temperature": "NUMBER_DOUBLE",
            "version": "STRING",
            **_EVALUATION,
        },
        uploader="upload-model",
        base_model="student_model_reference",
        display_name="distilled-student-model",
        fault=_rows_fault("dataset_uri"),
    ),
)
