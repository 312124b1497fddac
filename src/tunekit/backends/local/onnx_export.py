"""Writes a tuned model for phones and other small devices: ONNX with its key-value cache, for ONNX Runtime GenAI.

Both the tool that writes and the runtime that answers work in child processes of their own: ONNX Runtime reports usage
to its maker unless it is told not to before it is loaded, and the process of the caller may have loaded it already
(https://github.com/microsoft/onnxruntime/blob/main/docs/Privacy.md).

Belongs here: starting these processes, and what they say when they fail.
Does not belong here: the child that answers (`onnx_worker.py`), comparing the answers (`drift.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory
from typing import Literal

from tunekit.backends.local.base_models import BaseModel
from tunekit.backends.local.drift import Reading, Reference
from tunekit.backends.local.extras import EXPORT
from tunekit.backends.local.process import run_child
from tunekit.backends.local.safetensors_export import SafetensorsWriter
from tunekit.errors import ExportFailed, MethodUnsupported

Precision = Literal["fp32", "int8", "int4"]
"""Bits of a weight, as the tool that writes calls them."""

_OPTIONS: Mapping[Precision, tuple[str, ...]] = {
    "fp32": (),
    "int8": (),
    # 4 bits for all of it would be a quarter smaller, and drift twice as far
    "int4": ("algo_config=k_quant", "matmul_mixed_precision=last_matmul:int8,mixed_layers:int8"),
}
_BUILDER = "onnxruntime_genai.models.builder"
_WORKER = "tunekit.backends.local.onnx_worker"


class OnnxWriter:
    """ONNX for ONNX Runtime GenAI.

    Args:
        precision: What the large matrices are rounded to.

    Raises:
        MissingExtra: The extra `export` is not installed.
    """

    weights = "*.onnx*"

    def __init__(self, precision: Precision) -> None:
        EXPORT.require()
        self._precision: Precision = precision

    def write(self, base: BaseModel, folder: Path) -> None:
        """Write a model, its tokenizer, its chat template and what the runtime has to know of it."""
        with TemporaryDirectory(dir=folder.parent) as scratch:
            merged = Path(scratch, "merged")
            SafetensorsWriter().write(base, merged)
            arguments = [
                *("--input", str(merged)),
                *("--output", str(folder)),
                *("--precision", self._precision),
                *("--execution_provider", "cpu"),
                *("--cache_dir", str(Path(scratch, "cache"))),
                *("--extra_options", "hf_token=false", *_OPTIONS[self._precision]),
            ]
            done = run_child(Path(scratch), _BUILDER, *arguments)
        if done.returncode != 0:
            raise _refused(done, base)

    def readings(self, folder: Path, references: Sequence[Reference]) -> Iterator[Reading]:
        """Run what was written in its own runtime, and ask it what the tuned model was asked."""
        import numpy as np
        import torch

        with TemporaryDirectory(dir=folder.parent) as scratch:
            asked, answered = Path(scratch, "asked.json"), Path(scratch, "answered.npz")
            asked.write_text(json.dumps([_question(reference) for reference in references]))
            done = run_child(Path(scratch), _WORKER, str(folder), str(asked), str(answered))
            if done.returncode != 0:
                raise _failed(f"ONNX Runtime cannot run what was written: {_last_line(done)}")
            with np.load(answered) as arrays:
                for number in range(len(references)):
                    yield Reading(
                        prompt_ids=arrays[f"prompt_{number}"].tolist(),
                        answer_ids=arrays[f"answer_{number}"].tolist(),
                        logits=torch.from_numpy(arrays[f"logits_{number}"]),
                    )


def _question(reference: Reference) -> dict[str, object]:
    return {
        "text": reference.prompt,
        "turns": reference.turns,
        "answer_ids": reference.tuned.answer_ids,
    }


def _refused(done: CompletedProcess[str], base: BaseModel) -> Exception:
    """The error for a model that the tool did not write."""
    told = _last_line(done)
    if not told.startswith("NotImplementedError"):
        return _failed(f"ONNX Runtime GenAI cannot write the model: {told}")
    return MethodUnsupported(
        f"ONNX Runtime GenAI does not know the architecture of {base.source!r}.",
        hint="Use format='safetensors', or tune a base model of a family such as Llama, Qwen, Mistral or SmolLM.",
        place="format",
    )


def _failed(fact: str) -> ExportFailed:
    return ExportFailed(
        fact,
        hint="Nothing was kept. Try format='safetensors', or another version of onnxruntime-genai.",
    )


def _last_line(done: CompletedProcess[str]) -> str:
    lines = done.stderr.strip().splitlines()
    return lines[-1] if lines else f"it ended with exit code {done.returncode}"
