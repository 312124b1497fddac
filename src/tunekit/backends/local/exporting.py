"""Writes a tuned model as a folder of its own, and holds what was written against the model that was tuned.

Belongs here: merging, writing, and the comparison.
Does not belong here: finding and loading models (`base_models.py`, `inference.py`).
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from tunekit.backends.local.base_models import (
    BaseModel,
    computes_in_bfloat16,
    find_base_model,
    load_encoder,
    load_weights,
)
from tunekit.backends.local.files import flush_to_disk, write_atomically
from tunekit.backends.local.folder import JobFolder
from tunekit.backends.local.inference import Loaded, Models, asking, load_model
from tunekit.data.store import read_copy
from tunekit.errors import ExportDrifted, FileKept
from tunekit.jobs.exporting import Exported, ExportFormat
from tunekit.jobs.record import ModelRecord

_NUM_PROMPTS = 8
_DRIFT, _DRIFT_IN_16_BITS = 0.01, 0.5
"""Drift that is borne, in nats. Merging an adapter rounds each weight once more, which shows in 16 bits only."""
_CONSIDERED = 10.0
"""Tokens that are less likely than the likeliest by more than this many nats are never drawn, and do not count."""
_FALLBACK = ("The quick brown fox jumps over the lazy dog.", "1 2 3")
"""What to compare on where the rows of the job are gone."""


def export_model(
    models: Models,
    record: ModelRecord,
    folder: Path,
    format: ExportFormat,
    *,
    max_drift: float | None,
    home: Path,
) -> Exported:
    """Write a model with its adapters merged and its tokenizer beside it.

    Args:
        models: The models that are loaded already.
        record: Which model.
        folder: Where to; made at once when all is well.
        format: How.
        max_drift: Largest drift that is borne. `None` takes 0.01, and 0.5 where a GPU computes in 16 bits.
        home: Root folder of the backend.

    Raises:
        FileKept: The folder is there already.
        ExportDrifted: What was written answers differently; nothing is left behind.
    """
    if folder.exists():
        raise FileKept(f"{str(folder)!r} is there already.", hint="Choose another name.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    try:
        _write(record, fresh, home)
        prompts = _prompts(record, home)
        drift = _drift(models.loaded(record.id), load_model(BaseModel(str(fresh))), prompts)
        usual = _DRIFT_IN_16_BITS if computes_in_bfloat16() else _DRIFT
        borne = usual if max_drift is None else max_drift
        if not drift <= borne:
            raise _drifted(record, drift, borne)
        flush_to_disk(fresh)
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    return Exported(
        folder=folder, format=format, num_bytes=size, drift=drift, num_prompts=len(prompts)
    )


def _write(record: ModelRecord, folder: Path, home: Path) -> None:
    base = find_base_model(record.id, home)
    load_weights(base).save_pretrained(str(folder))
    load_encoder(base).tokenizer.save_pretrained(str(folder))
    card = record.model_dump(mode="json", include={"id", "base_model", "method", "display_name"})
    write_atomically(folder / "tunekit.json", card)


def _prompts(record: ModelRecord, home: Path) -> list[str]:
    """Prompts that the model was tuned on."""
    data = JobFolder(home / "jobs" / record.job_id.removeprefix("local:")).data("train")
    if not data.exists():
        return list(_FALLBACK)
    return [item.row.prompt_text() for item in islice(read_copy(data), _NUM_PROMPTS)]


def _drift(tuned: Loaded, written: Loaded, prompts: Sequence[str]) -> float:
    """The largest difference in the log-probability of any next token behind a prompt."""
    import torch

    largest = 0.0
    with asking(tuned), asking(written):
        for prompt in prompts:
            first, second = (
                torch.log_softmax(
                    model.model(
                        torch.tensor([tuned.encoder.prompt_ids(prompt)], device=model.model.device)
                    ).logits.float(),
                    dim=-1,
                )
                for model in (tuned, written)
            )
            likely = first > first.max(dim=-1, keepdim=True).values - _CONSIDERED
            largest = max(largest, (first - second).abs()[likely].max().item())
    return largest


def _drifted(record: ModelRecord, drift: float, borne: float) -> ExportDrifted:
    return ExportDrifted(
        f"The exported model is not the tuned one: a next token differs by {drift:.3g} nats, {borne:g} are borne.",
        hint="Nothing was kept. Pass a higher max_drift only where evaluate() shows the same quality.",
        place=record.id,
    )
