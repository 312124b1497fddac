"""Settings of tuners that cannot be on Vertex AI, and what can be written instead.

Belongs here: the rules that several ways of tuning share.
Does not belong here: rules of one way of tuning (its own file), rules about rows (`rows.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tunekit._text import either
from tunekit.backends.vertex.case import MAX_DISPLAY_NAME, Case, Misfit
from tunekit.tuners.learning_rate import LearningRate, LearningRateMultiplier

_SERVER_DECIDES: Mapping[str, str] = {
    "evaluation_interval": "Vertex AI evaluates once per epoch.",
    "early_stopping": "Vertex AI trains to the end; take an earlier checkpoint of job.checkpoints().",
    "checkpoint_interval": "Vertex AI keeps about one checkpoint per epoch.",
}
_LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_RESERVED = ("tunekit-", "vertex-ai-pipelines-run-billing-id", "goog")


def names(case: Case) -> Iterator[Misfit]:
    """Names and labels that Vertex AI does not take. Source: the REST reference of `TuningJob`."""
    request = case.request
    if len(request.display_name) > MAX_DISPLAY_NAME:
        fact = f"display_name has {len(request.display_name)} characters; Vertex AI takes {MAX_DISPLAY_NAME}."
        yield Misfit("display_name", fact, "Shorten it.")
    for name, value in request.labels.items():
        letters = f"{name}{value}".lower() == f"{name}{value}" and not f"{name}{value}".isascii()
        if not letters and not (_LABEL.fullmatch(name) and _LABEL_VALUE.fullmatch(value)):
            hint = "Use lower-case letters, digits, _ and -, at most 63, and begin the name with a letter."
            yield Misfit(
                "labels", f"The label {name!r}: {value!r} is none that Google takes.", hint
            )
        if name.startswith(_RESERVED):
            yield Misfit("labels", f"The label {name!r} is reserved.", "Choose another name.")


def place(case: Case) -> Iterator[Misfit]:
    """A key of one's own that cannot be used there."""
    key, model = case.options.encryption_key, case.model
    if key is not None and model is not None and model.cmek == "no":
        fact = f"{model.id} takes no encryption key of your own ({model.source})."
        yield Misfit("options.encryption_key", fact, "Leave it out, or tune another model.")
    if key is not None and f"/locations/{case.location}/" not in key:
        fact = f"The encryption key lies in another region than the job, {case.location!r}."
        yield Misfit("options.encryption_key", fact, "Use a key of that region.")
    if model is not None and model.regions and case.location not in model.regions:
        fact = f"{case.base_model!r} is not tuned in {case.location!r}, said {model.source} on {model.checked}."
        hint = f"Take {either(model.regions)}, or options=VertexOptions(unlisted='send')."
        yield Misfit("location", fact, hint, listed=True)


def server_decides(case: Case, *, but: tuple[str, ...] = ()) -> Iterator[Misfit]:
    """Settings that Vertex AI decides itself."""
    for name, why in _SERVER_DECIDES.items():
        if name not in but and getattr(case.tuner, name, None) is not None:
            yield Misfit(name, f"{name} cannot be set: {why}", "Leave it out.")
    if getattr(case.tuner, "checkpoint_selection", "last") == "best":
        fact = "Vertex AI serves the last checkpoint."
        yield Misfit(
            "checkpoint_selection", fact, "Leave it out, and choose among job.checkpoints()."
        )


def epochs_only(case: Case) -> Iterator[Misfit]:
    """Steps, where the API counts in epochs."""
    steps = getattr(case.tuner, "train_steps", None)
    if steps is not None:
        fact = f"train_steps={steps:,} cannot be sent: for {case.base_model!r} Vertex AI counts in epochs."
        yield Misfit("train_steps", fact, "Give epochs instead, or neither.")


def multiplier_only(case: Case) -> Iterator[Misfit]:
    """Settings that only open models take."""
    if isinstance(case.tuner.learning_rate, LearningRate):
        fact = f"Vertex AI takes no absolute learning rate for {case.base_model!r}."
        yield Misfit("learning_rate", fact, "Give a LearningRateMultiplier; 1 is the usual rate.")
    if getattr(case.tuner, "batch_size", None) is not None:
        fact = f"Vertex AI chooses the batch size for {case.base_model!r}."
        yield Misfit("batch_size", fact, "Leave it out.")


def absolute_only(case: Case) -> Iterator[Misfit]:
    """A multiplier, where the API takes a rate."""
    if isinstance(case.tuner.learning_rate, LearningRateMultiplier):
        fact = f"Vertex AI takes no multiplier for {case.base_model!r}."
        yield Misfit("learning_rate", fact, "Give a LearningRate, such as LearningRate(1e-4).")


def adapters(case: Case) -> Iterator[Misfit]:
    """A rank that the base model does not take, or that the API cannot spell."""
    size = case.tuner.adapter_size
    known = case.model.adapter_sizes if case.model else ()
    if size is not None and size not in (known or (1, 2, 4, 8, 16, 32)):
        sizes = either([str(one) for one in known or (1, 2, 4, 8, 16, 32)]).replace("'", "")
        fact = f"adapter_size={size} is none that {case.base_model!r} takes on Vertex AI."
        spelt = size in (1, 2, 4, 8, 16, 32)
        yield Misfit("adapter_size", fact, f"Give {sizes}, or leave it out.", listed=spelt)


def modes(case: Case) -> Iterator[Misfit]:
    """A tuning mode that the base model is not documented for."""
    known = case.model.tuning_modes if case.model else ()
    mode = case.tuner.tuning_mode
    if known and mode not in known:
        fact = f"{case.base_model!r} is not tuned with tuning_mode={mode!r} on Vertex AI."
        yield Misfit("tuning_mode", fact, f"Write {either(known)}.", listed=True)


def open_models_only(case: Case) -> Iterator[Misfit]:
    """Options that only open models take."""
    for name in ("output_uri", "custom_base_model"):
        if getattr(case.options, name) is not None:
            fact = f"{name} is for open models; {case.base_model!r} is none."
            yield Misfit(f"options.{name}", fact, "Leave it out.")
