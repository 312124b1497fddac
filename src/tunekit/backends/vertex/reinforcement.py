"""Reinforcement tuning as Vertex AI is told of it.

Source: https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/tuning/reinforcement-tuning.

Belongs here: the request, and the rules of this way of tuning.
Does not belong here: the rewards (`rewards.py`), sending (`transport.py`).
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
from tunekit.backends.vertex.rewards import reward_config
from tunekit.errors import MethodUnsupported

MAX_STEPS = 500
_MULTIPLIERS = (0.25, 4.0)
_MAX_OUTPUT_TOKENS = 32_768
_SAMPLES_DIVISOR, _MAX_SAMPLES = 16, 8_192
_PROMPTS_PER_STEP, _SAMPLES_PER_PROMPT = 32, 16
"""What the server takes where nothing is said."""


def spellings(case: Case) -> Mapping[str, SPELLINGS]:
    """Prompts with references."""
    refuse(case, _misfits(case))
    return {ref.name: "reinforcement" for ref in case.request.datasets}


def body(case: Case) -> Body:
    """A tuning job."""
    tuner, options = case.tuner, case.options
    spec = without_none(
        {
            "trainingDatasetUri": case.uris["train"],
            "validationDatasetUri": case.uris.get("validation"),
            "hyperParameters": without_none(
                {
                    "epochCount": whole(tuner.epochs),
                    "stepCount": whole(tuner.train_steps),
                    "learningRateMultiplier": multiplier(tuner.learning_rate),
                    "samplesPerPrompt": tuner.samples_per_prompt,
                    "batchSize": tuner.prompts_per_step,
                    "maxOutputTokens": tuner.max_output_tokens,
                    "adapterSize": adapter_size(tuner.adapter_size),
                    "checkpointInterval": tuner.checkpoint_interval,
                    "evaluateInterval": options.evaluate_interval,
                    "thinkingLevel": options.thinking_level,
                    "thinkingBudget": options.thinking_budget,
                }
            ),
        }
    )
    return Body(
        "tuningJobs",
        common(case) | {"reinforcementTuningSpec": spec | reward_config(tuner.reward)},
    )


def _misfits(case: Case) -> Iterator[Misfit]:
    if case.family != "gemini":
        raise MethodUnsupported(
            f"Vertex AI tunes {case.base_model!r} with no rewards; it does so for Gemini only.",
            hint="Tune a Gemini model, or use LocalBackend.",
            place=type(case.tuner).__name__,
        )
    yield from checks.names(case)
    yield from checks.place(case)
    yield from checks.multiplier_only(case)
    yield from checks.adapters(case)
    yield from checks.open_models_only(case)
    yield from _own_misfits(case)


def _own_misfits(case: Case) -> Iterator[Misfit]:
    tuner, options = case.tuner, case.options
    rate = multiplier(tuner.learning_rate)
    least, most = _MULTIPLIERS
    if rate is not None and not least <= rate <= most:
        fact = f"The multiplier {rate:g} is outside of {least:g} to {most:g}."
        yield Misfit("learning_rate", fact, f"Give {least:g} to {most:g}.")
    if tuner.train_steps is not None and tuner.train_steps > MAX_STEPS:
        fact = f"train_steps={tuner.train_steps:,}; Vertex AI takes at most {MAX_STEPS}."
        yield Misfit("train_steps", fact, "Give fewer.")
    if tuner.max_output_tokens > _MAX_OUTPUT_TOKENS:
        fact = f"max_output_tokens={tuner.max_output_tokens:,}; the most is {_MAX_OUTPUT_TOKENS:,}."
        yield Misfit("max_output_tokens", fact, "Give less.")
    prompts = tuner.prompts_per_step or _PROMPTS_PER_STEP
    samples = prompts * (tuner.samples_per_prompt or _SAMPLES_PER_PROMPT)
    if samples % _SAMPLES_DIVISOR or samples > _MAX_SAMPLES:
        fact = f"prompts_per_step times samples_per_prompt is {samples:,}."
        hint = f"Make it a multiple of {_SAMPLES_DIVISOR}, at most {_MAX_SAMPLES:,}."
        yield Misfit("samples_per_prompt", fact, hint)
    if options.thinking_budget is not None and not case.base_model.startswith("gemini-2"):
        fact = f"{case.base_model!r} takes no thinking_budget."
        yield Misfit("options.thinking_budget", fact, "Give thinking_level instead.")
