"""Writes a tuned model as a folder that transformers loads: merged weights, tokenizer and settings.

Belongs here: merging and writing, and asking what was written.
Does not belong here: comparing it with the tuned model (`drift.py`), other formats.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tunekit.backends.local.base_models import (
    BaseModel,
    load_encoder,
    load_weights,
    without_progress_bars,
)
from tunekit.backends.local.drift import Reading, Reference, reading_of
from tunekit.backends.local.inference import asking, load_model


class SafetensorsWriter:
    """Merged safetensors."""

    weights = "*.safetensors"

    def write(self, base: BaseModel, folder: Path) -> None:
        """Write a model with every adapter merged into it, its tokenizer beside it."""
        model, encoder = load_weights(base), load_encoder(base)
        if encoder.stop_ids:
            # all that tunekit stops at, so that whoever loads the folder stops there as well
            model.generation_config.eos_token_id = sorted(encoder.stop_ids)
        with without_progress_bars():
            model.save_pretrained(str(folder))
        encoder.tokenizer.save_pretrained(str(folder))

    def readings(self, folder: Path, references: Sequence[Reference]) -> Iterator[Reading]:
        """Load what was written, and ask it what the tuned model was asked."""
        written = load_model(BaseModel(str(folder)))
        with asking(written):
            for reference in references:
                yield reading_of(written, reference)
