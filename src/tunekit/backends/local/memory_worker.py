"""The child that measures what memory a model takes: `python -m tunekit.backends.local.memory_worker TASK RESULT`.

What a process takes is mostly its libraries. So it answers with a tiny model first, which loads them and lets them set
up what they keep; what it takes beyond that at its highest is what the model that is asked about needs.

Belongs here: measuring.
Does not belong here: what is done with the figure (`measuring.py`).
"""

from __future__ import annotations

import gc
import re
import sys
from pathlib import Path

import torch

from tunekit.backends.local.files import write_atomically
from tunekit.backends.local.inference import Models
from tunekit.backends.local.measuring import Memory, MemoryTask

_TINY = "tunekit/pico"


def main() -> None:
    """Measure what one file asks for, and write the figure to another: `null` where this system has none."""
    task = MemoryTask.model_validate_json(Path(sys.argv[1]).read_bytes())
    try:
        memory = Memory(num_bytes=_measured(task))
    except FileNotFoundError:  # Linux alone has the files that tell
        memory = Memory(num_bytes=None)
    write_atomically(Path(sys.argv[2]), memory.model_dump())


def _measured(task: MemoryTask) -> int:
    _answer(task.model_copy(update={"model": _TINY, "prompts": ("Hello.",)}))
    gc.collect()
    _forget_highest()
    before = _highest()
    _answer(task)
    return _highest() - before


def _answer(task: MemoryTask) -> None:
    models = Models(task.home)
    for prompt in task.prompts:
        models.answers(task.model, "", [prompt], task.sampling, tuned=True)


def _forget_highest() -> None:
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    else:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _highest() -> int:
    """The most memory since it was forgotten, in bytes: allocated on the GPU, or resident (proc_pid_status(5))."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (kilobytes,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kilobytes) * 1024


if __name__ == "__main__":
    main()
