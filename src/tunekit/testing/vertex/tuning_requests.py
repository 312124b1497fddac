"""What the servers refuse in a new tuning job, beyond the shape of its message.

Belongs here: rules between fields, and about models. Sources of the texts: the issues of googleapis/python-genai (#908)
and GoogleCloudPlatform/generative-ai (#2081), and the pages on tuning of the product's documentation.
Does not belong here: rows (`tuning_rows.py`), the job itself (`tuning_jobs.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tunekit.testing.vertex.asking import Ask
from tunekit.testing.vertex.place import Model, ModelVersion, Place, checked_labels, checked_name
from tunekit.testing.vertex.tuning_rows import (
    RowFault,
    gemini_fault,
    open_fault,
    preference_fault,
    prompt_fault,
    reinforcement_fault,
    rows_at,
)
from tunekit.testing.vertex.wire import Json, Refusal

_SPECS = (
    *("supervisedTuningSpec", "preferenceOptimizationSpec", "reinforcementTuningSpec"),
    *("distillationSpec", "partnerModelTuningSpec", "fullFineTuningSpec"),
    *("veoTuningSpec", "veoLoraTuningSpec"),
)
_TRAINING = ("trainingDatasetUri", "promptDatasetUri")
_DATASET = re.compile(r"projects/[^/]+/locations/[^/]+/datasets/[^/]+")
_JSONL = re.compile(r"gs://[^/]+/.+\.jsonl")


@dataclass(frozen=True, slots=True)
class TuningRequest:
    """A tuning job that the servers take."""

    body: Json
    kind: str
    """The field that says how to tune."""
    spec: Json
    base_model: str
    rows: Sequence[Json]
    validation: Sequence[Json]
    labels: Mapping[str, str]
    parent: tuple[Model, ModelVersion] | None
    """The tuned model that is tuned further."""

    @property
    def is_open(self) -> bool:
        """Whether it is an open model, which is stored at the `outputUri` and not deployed."""
        return _is_open(self.base_model)

    @property
    def hyper_parameters(self) -> Json:
        """Its hyperparameters, or none."""
        found: Json = self.spec.get("hyperParameters", {})
        return found


def checked_request(place: Place, ask: Ask) -> TuningRequest:
    """The request, once nothing is wrong with it.

    Raises:
        Refusal: Something is wrong with it.
    """
    body = ask.body
    kind = _kind(body)
    spec: Json = body[kind]
    parent = _parent(place, body)
    base_model = _base_model(body, spec, parent)
    _refuse_model(place, base_model)
    _refuse_addresses(kind, spec)
    _refuse_settings(body, kind, spec, base_model)
    checked_name(body.get("tunedModelDisplayName", ""), "tuning_job.tuned_model_display_name")
    labels = checked_labels(body.get("labels", {}))
    training = next((key for key in _TRAINING if spec.get(key)), None)
    fault = _row_fault(kind, base_model)
    return TuningRequest(
        body=body,
        kind=kind,
        spec=spec,
        base_model=base_model,
        rows=_rows(place, kind, spec, training, fault),
        validation=_rows(place, kind, spec, "validationDatasetUri", fault),
        labels=labels,
        parent=parent,
    )


def _kind(body: Json) -> str:
    kinds = [kind for kind in _SPECS if kind in body]
    if len(kinds) != 1:
        said = ", ".join(kinds) or "none"
        raise Refusal(
            400,
            f"Exactly one tuning spec must be set; got {said}.",
            fields=[("tuning_job.tuning_spec", "Exactly one must be set.")],
        )
    return kinds[0]


def _parent(place: Place, body: Json) -> tuple[Model, ModelVersion] | None:
    if "preTunedModel" not in body:
        return None
    name = body["preTunedModel"].get("tunedModelName", "")
    model, version = place.find_model(
        name.replace(f"projects/{place.project}/", f"projects/{place.project_number}/", 1)
    )
    wanted = body["preTunedModel"].get("checkpointId")
    known = [checkpoint["checkpointId"] for checkpoint in version.body.get("checkpoints", [])]
    if wanted is not None and wanted not in known:
        raise Refusal(400, f"The checkpoint {wanted!r} of {name!r} does not exist.")
    return model, version


def _base_model(body: Json, spec: Json, parent: tuple[Model, ModelVersion] | None) -> str:
    named = str(body.get("baseModel", ""))
    if named and parent is not None:
        raise Refusal(400, "Only one of base_model and pre_tuned_model can be set.")
    found = parent[1].base_model if parent else named or str(spec.get("studentModel", ""))
    if not found:
        raise Refusal(
            400, "base_model must be set.", fields=[("tuning_job.base_model", "Must be set.")]
        )
    return found.removeprefix("publishers/google/models/")


def _refuse_model(place: Place, base_model: str) -> None:
    retired = any(fnmatchcase(base_model, pattern) for pattern in place.rules.retired_models)
    if retired and not place.rules.allow_retired:
        raise Refusal(400, f"Base model {base_model} is not supported.")


def _refuse_addresses(kind: str, spec: Json) -> None:
    """All of them at once, as the servers do."""
    names = [*_TRAINING, "validationDatasetUri"]
    bad = [name for name in names if spec.get(name) and not _is_address(str(spec[name]))]
    if not any(spec.get(name) for name in _TRAINING):
        bad.insert(0, _TRAINING[0])
    if bad:
        faults = [(f"tuning_job.{_snake(kind)}.{_snake(name)}", _snake(name)) for name in bad]
        texts = [(field, f"{name} should be a GCS object of type JSONL.") for field, name in faults]
        listed = "\t".join(
            f"{n}.Field: {field}; Message: {text}" for n, (field, text) in enumerate(texts, start=1)
        )
        raise Refusal(400, f"List of found errors:\t{listed}", fields=texts)


def _refuse_settings(body: Json, kind: str, spec: Json, base_model: str) -> None:
    parameters: Json = spec.get("hyperParameters", {})
    for left, right in (("learningRate", "learningRateMultiplier"), ("epochCount", "stepCount")):
        if left in parameters and right in parameters:
            raise Refusal(400, f"Only one of {_snake(left)} and {_snake(right)} can be set.")
    if int(parameters.get("epochCount", 1)) < 1:
        raise Refusal(400, "epoch_count must be positive.")
    if _is_open(base_model):
        if not str(body.get("outputUri", "")).startswith("gs://"):
            raise Refusal(
                400,
                "output_uri must be set to a Cloud Storage directory for open models.",
                fields=[("tuning_job.output_uri", "Must be set.")],
            )
        return
    if parameters.get("adapterSize") == "ADAPTER_SIZE_THIRTY_TWO" and not kind.startswith("veo"):
        raise Refusal(400, "The adapter size is not supported for this base model.")
    for name in ("learningRate", "batchSize"):
        if kind == "supervisedTuningSpec" and name in parameters:
            raise Refusal(400, f"{_snake(name)} is only supported for open models.")
    if kind == "reinforcementTuningSpec":
        _refuse_rewards(spec, parameters, base_model)


def _refuse_rewards(spec: Json, parameters: Json, base_model: str) -> None:
    if ("singleRewardConfig" in spec) == ("compositeRewardConfig" in spec):
        raise Refusal(
            400, "Exactly one of single_reward_config and composite_reward_config must be set."
        )
    if "thinkingBudget" in parameters and not fnmatchcase(base_model, "gemini-2.5*"):
        raise Refusal(
            400, "thinking_budget is not supported for this base model; set thinking_level."
        )


def _rows(
    place: Place, kind: str, spec: Json, name: str | None, fault: RowFault | None
) -> Sequence[Json]:
    uri = spec.get(name or "", "")
    if not uri or not uri.startswith("gs://") or fault is None:
        return ()
    field = f"tuning_job.{_snake(kind)}.{_snake(name or '')}"
    return rows_at(place.storage, uri, field, fault)


def _row_fault(kind: str, base_model: str) -> RowFault | None:
    """What rows are held against. `None` where their format is not public."""
    known: Mapping[str, RowFault] = {
        "supervisedTuningSpec": open_fault if _is_open(base_model) else gemini_fault,
        "preferenceOptimizationSpec": preference_fault,
        "reinforcementTuningSpec": reinforcement_fault,
        "distillationSpec": prompt_fault,
    }
    return known.get(kind)


def _is_open(base_model: str) -> bool:
    """Open models have the name of their maker in front: `meta/llama3_1@llama-3.1-8b`."""
    return "/" in base_model


def _is_address(uri: Any) -> bool:
    return bool(_JSONL.fullmatch(uri) or _DATASET.fullmatch(uri))


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), name)
