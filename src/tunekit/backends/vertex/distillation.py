"""Distillation as Vertex AI is told of it: today's shape, the older one, and the pipeline of the PaLM models.

Source: https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/tuning/open-model-tuning.

Belongs here: the request, and the rules of this way of tuning.
Does not belong here: the pipeline that distilled PaLM (`palm.py`), sending (`transport.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tunekit.backends.vertex import checks, palm, supervised
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

_MODES = {"adapter": "TUNING_MODE_PEFT_ADAPTER", "full": "TUNING_MODE_FULL"}


def spellings(case: Case) -> Mapping[str, SPELLINGS]:
    """Prompts for the teacher to answer; rows with answers are learnt as they are."""
    if case.family == "palm":
        return palm.distillation_spellings(case)
    refuse(case, _misfits(case))
    if _is_labelled(case):
        spelling: SPELLINGS = "messages" if case.family == "open" else "gemini"
    else:
        spelling = "prompt_messages"
    return {ref.name: spelling for ref in case.request.datasets}


def body(case: Case) -> Body:
    """A tuning job. Rows that have answers already need no teacher, and are supervised tuning."""
    if case.family == "palm":
        return palm.distillation_body(case)
    if _is_labelled(case):
        return supervised.body(case)
    older = case.options.distillation_shape == "older"
    fields = common(case) | ({} if case.family != "open" else {"outputUri": case.output_uri})
    if older:
        fields.pop("baseModel", None)
    return Body(
        "tuningJobs", fields | {"distillationSpec": _older(case) if older else _current(case)}
    )


def _current(case: Case) -> Json:
    return without_none(
        _teacher(case)
        | {
            "promptDatasetUri": case.uris["train"],
            "validationDatasetUri": case.uris.get("validation"),
            "tuningMode": _MODES[case.tuner.tuning_mode],
            "hyperParameters": _hyper_parameters(case, older=False) or None,
        }
    )


def _older(case: Case) -> Json:
    return without_none(
        _teacher(case)
        | {
            "studentModel": case.base_model,
            "trainingDatasetUri": case.uris["train"],
            "validationDatasetUri": case.uris.get("validation"),
            "pipelineRootDirectory": case.output_uri,
            "hyperParameters": _hyper_parameters(case, older=True) or None,
        }
    )


def _hyper_parameters(case: Case, *, older: bool) -> Json:
    tuner = case.tuner
    return without_none(
        {
            "epochCount": whole(tuner.epochs),
            "learningRateMultiplier": multiplier(tuner.learning_rate),
            "adapterSize": adapter_size(tuner.adapter_size),
            "learningRate": None if older else absolute(tuner.learning_rate),
            "batchSize": None if older else whole(tuner.batch_size),
        }
    )


def _teacher(case: Case) -> Json:
    teacher = case.tuner.teacher
    name = "tunedTeacherModelSource" if teacher.startswith("projects/") else "baseTeacherModel"
    return {name: teacher}


def _is_labelled(case: Case) -> bool:
    return all(ref.row_kind != "Prompt" for ref in case.request.datasets)


def _misfits(case: Case) -> Iterator[Misfit]:
    tuner, options = case.tuner, case.options
    yield from checks.names(case)
    yield from checks.place(case)
    yield from checks.server_decides(case)
    yield from checks.epochs_only(case)
    yield from checks.modes(case)
    yield from checks.adapters(case)
    if case.family != "open" or options.distillation_shape == "older":
        yield from checks.multiplier_only(case)
    yield from _own_misfits(case)
    if not isinstance(tuner.teacher, str) and not _is_labelled(case):
        fact = "The teacher can only be asked in this process."
        yield Misfit("teacher", fact, "Let client.tune ask it, or name a model of Vertex AI.")


def _own_misfits(case: Case) -> Iterator[Misfit]:
    tuner = case.tuner
    if tuner.objective == "logits":
        fact = "Vertex AI shows a teacher's answers and no likelihoods."
        yield Misfit("objective", fact, "Write objective='answers', or use LocalBackend.")
    if tuner.rationale == "learn" and not _is_labelled(case):
        fact = "A teacher of Vertex AI gives no reasons."
        yield Misfit("rationale", fact, "Write rationale='none', or use LocalBackend.")
    for name, usual in (("teacher_temperature", 0.0), ("teacher_instruction", None)):
        if getattr(tuner, name) != usual and not _is_labelled(case):
            fact = f"{name} cannot be sent: Vertex AI asks the teacher itself."
            yield Misfit(name, fact, "Leave it out, or let a function be the teacher.")
    for name in ("max_input_tokens", "max_output_tokens"):
        if getattr(tuner, name) is not None:
            yield Misfit(name, f"{name} cannot be sent to Vertex AI.", "Leave it out.")
    if tuner.overlong == "truncate":
        fact = "Rows that are too long are dropped by Vertex AI, and not cut."
        yield Misfit("overlong", fact, "Write overlong='refuse', and shorten them yourself.")
