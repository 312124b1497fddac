"""How large and how quick a model of this machine is.

Belongs here: files and weights of a model, and the time of single answers.
Does not belong here: loading and asking it (`inference.py`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from tunekit.backends.local.base_models import BaseModel, find_base_model, num_parameters
from tunekit.backends.local.inference import Models
from tunekit.evaluation.distillation import Footprint, Tried
from tunekit.jobs.backend import Sampling


def tried_model(
    models: Models,
    name: str,
    prompts: Sequence[str],
    sampling: Sampling,
    *,
    num_timed: int,
    home: Path,
) -> Tried:
    """The answers of a model, its size, and the time of its first answers asked one at a time.

    Args:
        models: The models that are loaded already.
        name: A tuned model, or anything that can be tuned.
        prompts: What to ask.
        sampling: How to draw the answers.
        num_timed: Prompts that are asked again one at a time, once the model is warm.
        home: Root folder of the backend.
    """
    answers = models.answers(name, "", prompts, sampling, tuned=True)
    seconds: list[float] = []
    for prompt in prompts[:num_timed]:
        began = time.perf_counter()
        models.answers(name, "", [prompt], sampling, tuned=True)
        seconds.append(time.perf_counter() - began)
    return Tried(
        name=name,
        answers=tuple(answer.text for answer in answers),
        seconds=tuple(seconds),
        footprint=footprint_of(find_base_model(name, home)),
    )


def footprint_of(base: BaseModel) -> Footprint:
    """Weights and bytes of a model with its adapters; unknown where it lies in the cache of the hub."""
    if not base.is_here:
        return Footprint()
    parts = [BaseModel(str(folder)) for folder in (base.source, *base.adapters)]
    files = [path for part in parts for path in Path(part.source).glob("*.safetensors")]
    return Footprint(
        num_parameters=sum(num_parameters(part) or 0 for part in parts),
        num_bytes=sum(path.stat().st_size for path in files),
    )
