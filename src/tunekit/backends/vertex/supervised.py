"""Supervised tuning as Vertex AI is told of it: Gemini, open models, and the PaLM models of old.

Belongs here: the request, and the rules of this way of tuning.
Does not belong here: the pipeline that tuned PaLM (`palm.py`), sending (`transport.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tunekit.backends.vertex import checks, palm
from tunekit.backends.vertex.case import (
    SPELLINGS,
    Body,
    Case,
    Json,
    Misfit,
    absolute,
    adapter_size,
    common,
    multiplier,
    refuse,
    whole,
    without_none,
)
from tunekit.backends.vertex.evaluations import evaluation_config
from tunekit.errors import MethodUnsupported

_MODES = {"adapter": "TUNING_MODE_PEFT_ADAPTER", "full": "TUNING_MODE_FULL"}


def spellings(case: Case) -> Mapping[str, SPELLINGS]:
    """`gemini` lines for Gemini, `messages` for open models."""
    if case.family == "palm":
        return palm.supervised_spellings(case)
    refuse(case, _misfits(case))
    spelling: SPELLINGS = "messages" if case.family == "open" else "gemini"
    return {ref.name: spelling for ref in case.request.datasets}


def body(case: Case) -> Body:
    """A tuning job; for PaLM a pipeline job."""
    if case.family == "palm":
        return palm.supervised_body(case)
    return Body("tuningJobs", common(case) | _open(case) | {"supervisedTuningSpec": _spec(case)})


def _spec(case: Case) -> Json:
    tuner, options = case.tuner, case.options
    own = case.family == "open"
    return without_none(
        {
            "trainingDatasetUri": case.uris["train"],
            "validationDatasetUri": case.uris.get("validation"),
            "tuningMode": _MODES[tuner.tuning_mode] if own else None,
            "hyperParameters": without_none(
                {
                    "epochCount": whole(tuner.epochs),
                    "learningRateMultiplier": multiplier(tuner.learning_rate),
                    "learningRate": absolute(tuner.learning_rate),
                    "batchSize": whole(tuner.batch_size),
                    "adapterSize": adapter_size(tuner.adapter_size),
                }
            )
            or None,
            "exportLastCheckpointOnly": options.exported_checkpoints == "last" or None,
            "evaluationConfig": evaluation_config(options.evaluation),
        }
    )


def _open(case: Case) -> Json:
    """What open models need beside the rest."""
    if case.family != "open":
        return {}
    return without_none(
        {"outputUri": case.output_uri, "customBaseModel": case.options.custom_base_model}
    )


def _misfits(case: Case) -> Iterator[Misfit]:
    if case.family in ("embedding", "imagen"):
        raise MethodUnsupported(
            f"{case.base_model!r} is no text model, and is not tuned on prompts with answers.",
            hint="Use EmbeddingTuner for embeddings.",
            place=type(case.tuner).__name__,
        )
    yield from checks.names(case)
    yield from checks.place(case)
    yield from checks.server_decides(case)
    yield from checks.epochs_only(case)
    yield from checks.modes(case)
    if case.family == "open":
        yield from checks.absolute_only(case)
        yield from checks.adapters(case)
    else:
        yield from checks.multiplier_only(case)
        yield from checks.adapters(case)
        yield from checks.open_models_only(case)
        if case.tuner.tuning_mode == "full" and case.model is None:
            fact = f"Vertex AI trains an adapter for {case.base_model!r}."
            yield Misfit("tuning_mode", fact, "Leave it out.")
