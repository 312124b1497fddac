"""Preference tuning as Vertex AI is told of it.

Source: https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/tuning/preference-tuning.

Belongs here: the request, and the rules of this way of tuning.
Does not belong here: sending (`transport.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tunekit.backends.vertex import checks
from tunekit.backends.vertex.case import (
    SPELLINGS,
    Body,
    Case,
    Misfit,
    adapter_size,
    common,
    multiplier,
    refuse,
    whole,
    without_none,
)
from tunekit.errors import MethodUnsupported


def spellings(case: Case) -> Mapping[str, SPELLINGS]:
    """Two completions with the scores 1 and 0."""
    refuse(case, _misfits(case))
    return {ref.name: "gemini_preference" for ref in case.request.datasets}


def body(case: Case) -> Body:
    """A tuning job."""
    tuner = case.tuner
    spec = without_none(
        {
            "trainingDatasetUri": case.uris["train"],
            "validationDatasetUri": case.uris.get("validation"),
            "hyperParameters": without_none(
                {
                    "epochCount": whole(tuner.epochs),
                    "beta": tuner.beta,
                    "learningRateMultiplier": multiplier(tuner.learning_rate),
                    "adapterSize": adapter_size(tuner.adapter_size),
                }
            ),
            "exportLastCheckpointOnly": case.options.exported_checkpoints == "last" or None,
        }
    )
    return Body("tuningJobs", common(case) | {"preferenceOptimizationSpec": spec})


def _misfits(case: Case) -> Iterator[Misfit]:
    if case.family != "gemini":
        raise MethodUnsupported(
            f"Vertex AI tunes {case.base_model!r} on no preferences; it does so for Gemini only.",
            hint="Tune a Gemini model, or use LocalBackend.",
            place=type(case.tuner).__name__,
        )
    yield from checks.names(case)
    yield from checks.place(case)
    yield from checks.server_decides(case)
    yield from checks.epochs_only(case)
    yield from checks.multiplier_only(case)
    yield from checks.adapters(case)
    yield from checks.open_models_only(case)
    if case.options.evaluation is not None:
        fact = "The API has no evaluation for preference tuning."
        yield Misfit("options.evaluation", fact, "Leave it out.")
