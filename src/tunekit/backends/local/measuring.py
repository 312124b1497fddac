"""How large and how quick a model of this machine is, and what memory it takes.

Belongs here: files and weights of a model, the time of single answers, and the child that measures memory.
Does not belong here: loading and asking it (`inference.py`), what that child does (`memory_worker.py`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tunekit._value import Received, Value
from tunekit.backends.local.base_models import BaseModel, find_base_model, num_parameters
from tunekit.backends.local.files import read_value
from tunekit.backends.local.inference import Models
from tunekit.backends.local.process import run_child
from tunekit.evaluation.distillation import Footprint, Tried
from tunekit.jobs.backend import Sampling

_WORKER = "tunekit.backends.local.memory_worker"


class MemoryTask(Value):
    """What the child is to measure."""

    model: str
    """A tuned model, or anything that can be tuned."""
    home: Path
    """Root folder of the backend."""
    prompts: tuple[str, ...]
    """What to ask, one at a time."""
    sampling: Sampling


class Memory(Received):
    """What the child has measured."""

    num_bytes: int | None


def tried_model(
    models: Models,
    name: str,
    prompts: Sequence[str],
    sampling: Sampling,
    *,
    num_measured: int,
    home: Path,
) -> Tried:
    """The answers of a model, its size, and the time and memory of its first answers asked one at a time.

    Args:
        models: The models that are loaded already.
        name: A tuned model, or anything that can be tuned.
        prompts: What to ask.
        sampling: How to draw the answers.
        num_measured: Prompts that are asked again one at a time, once the model is warm, and once more by a process of
            its own for the memory.
        home: Root folder of the backend.
    """
    answers = models.answers(name, "", prompts, sampling, tuned=True)
    seconds: list[float] = []
    for prompt in prompts[:num_measured]:
        began = time.perf_counter()
        models.answers(name, "", [prompt], sampling, tuned=True)
        seconds.append(time.perf_counter() - began)
    return Tried(
        name=name,
        answers=tuple(answer.text for answer in answers),
        seconds=tuple(seconds),
        footprint=footprint_of(find_base_model(name, home)).model_copy(
            update={
                "num_bytes_in_memory": memory_of(name, prompts[:num_measured], sampling, home=home)
            }
        ),
    )


def memory_of(name: str, prompts: Sequence[str], sampling: Sampling, *, home: Path) -> int | None:
    """The most memory that a model takes to answer, in bytes; `None` where it could not be measured."""
    if not prompts:
        return None
    task = MemoryTask(model=name, home=home, prompts=tuple(prompts), sampling=sampling)
    with TemporaryDirectory() as folder:
        asked, told = Path(folder, "task.json"), Path(folder, "memory.json")
        asked.write_text(task.model_dump_json(), encoding="utf-8")
        run_child(Path(folder), _WORKER, str(asked), str(told))
        memory = read_value(told, Memory)
    return memory.num_bytes if memory else None


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
