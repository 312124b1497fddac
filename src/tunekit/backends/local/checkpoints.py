"""The checkpoints of a run on disk: complete, or not there.

A trainer writes a checkpoint file by file. The mark comes last, and a folder without one does not count.

Belongs here: marks, which checkpoint to go on from, and thinning out old ones.
Does not belong here: when a trainer saves (`hooks.py`).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tunekit._value import Received
from tunekit.backends.local.files import flush_to_disk, read_value, write_atomically

RESUMABLE_KEPT = 2
"""Checkpoints that keep what a resume needs; of older ones only the weights stay, where they are small."""
_MARK = "checkpoint.json"
_FOR_RESUMING = (
    "optimizer.pt",
    "optimizer.safetensors",
    "scheduler.pt",
    "rng_state*.pth",
    "training_args.bin",
)


class Mark(Received):
    """Written last into a checkpoint; a checkpoint without it is not complete."""

    step: int
    resumable: bool
    """Whether it also holds the state of the optimiser."""
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """A folder of checkpoints, one folder each."""

    path: Path

    def marks(self) -> tuple[tuple[Path, Mark], ...]:
        """The complete checkpoints, in order of their steps."""
        marked = ((path.parent, read_value(path, Mark)) for path in self.path.glob(f"*/{_MARK}"))
        found = [(path, mark) for path, mark in marked if mark is not None]
        return tuple(sorted(found, key=lambda item: item[1].step))

    def last_resumable(self) -> Path | None:
        """The newest checkpoint that is complete and can be gone on from."""
        return next((path for path, mark in reversed(self.marks()) if mark.resumable), None)

    def complete(self, step: int, metrics: Mapping[str, float], *, keep_weights: bool) -> None:
        """Mark the checkpoint of a step as complete, and thin out older ones.

        Args:
            step: The step it was saved at.
            metrics: Figures known by then.
            keep_weights: Whether the weights of old checkpoints stay usable as models.
        """
        checkpoint = self.path / f"checkpoint-{step}"
        flush_to_disk(checkpoint)
        _write(checkpoint, Mark(step=step, resumable=True, metrics=metrics))
        for path, mark in self.marks()[:-RESUMABLE_KEPT]:
            _thin_out(path, mark, keep_weights=keep_weights)


def _write(checkpoint: Path, mark: Mark) -> None:
    write_atomically(checkpoint / _MARK, mark.model_dump(mode="json"))


def _thin_out(checkpoint: Path, mark: Mark, *, keep_weights: bool) -> None:
    """Remove from an old checkpoint what only a resume needs, or all of it."""
    if not keep_weights:
        (checkpoint / _MARK).unlink()
        shutil.rmtree(checkpoint)
        return
    if not mark.resumable:
        return
    _write(checkpoint, mark.model_copy(update={"resumable": False}))
    for pattern in _FOR_RESUMING:
        for path in checkpoint.glob(pattern):
            path.unlink()
