"""What every trainer of transformers and TRL is given: hooks that report, save, watch and stop.

Belongs here: joining a trainer's life to the job folder; checkpoints that are complete or not there.
Does not belong here: which trainer and which loss (`supervised.py` and its siblings).
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from tunekit.backends.local.folder import JobFolder, Mark, write_atomically
from tunekit.backends.local.run import Run, RunFailed, Stopped
from tunekit.jobs.record import JobProblem

RESUMABLE_KEPT = 2
"""Checkpoints that keep what a resume needs; of older ones only the weights stay, where they are small."""
_ZERO_LOSSES = 5
"""Logged losses that are exactly 0 from the very start, after which nothing is being learnt."""
_RECOMPUTING = ("activation_checkpointing", "gradient_checkpointing")
_TOLD = {
    "loss": "loss",
    "grad_norm": "gradient_norm",
    "learning_rate": "learning_rate",
    "mean_token_accuracy": "token_accuracy",
    "eval_loss": "validation_loss",
    "eval_mean_token_accuracy": "validation_token_accuracy",
}
"""Figures that are passed on, and our word for each."""


class JobHooks(TrainerCallback):
    """Joins a trainer to a job folder.

    Args:
        run: The attempt.
        keep_old_weights: Whether the weights of old checkpoints stay usable as models.
        early_stopping: Evaluations in a row without a lower loss after which to stop.
        best: Folder for the weights with the lowest validation loss; `None` does not keep them.
    """

    def __init__(
        self,
        run: Run,
        *,
        keep_old_weights: bool,
        early_stopping: int | None = None,
        best: Path | None = None,
    ) -> None:
        self._run = run
        self._keep_old_weights = keep_old_weights
        self._early_stopping = early_stopping
        self._best = best
        self._latest: dict[str, float] = {}
        self.problem: JobProblem | None = None
        self.was_stopped = False
        self.steps_done = 0

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Report the step, and stop where somebody asked to."""
        self.steps_done += 1
        self._run.recorder.progress(state.global_step, state.max_steps)
        if self._run.folder.is_asked_to_stop():
            self.was_stopped = True
            control.should_training_stop = True
            control.should_save = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Pass figures on, and stop a run that cannot come to anything."""
        told = {_TOLD[name]: float(value) for name, value in (logs or {}).items() if name in _TOLD}
        if not told:
            return
        self._latest |= told
        finite = {name: value for name, value in told.items() if math.isfinite(value)}
        self._run.recorder.metrics(state.global_step, finite)
        self.problem = self.problem or _loss_problem(told, state)
        if self.problem is not None:
            control.should_training_stop = True

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Keep the best weights, and stop when there is no improvement any more."""
        losses = [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]
        since_best = len(losses) - 1 - losses.index(min(losses))
        if since_best == 0 and self._best is not None:
            self._save_best(kwargs["model"], state.global_step)
        if self._early_stopping is not None and since_best >= self._early_stopping:
            told = f"stopped early: {since_best} evaluations without a lower validation loss"
            self._run.recorder.message(told)
            control.should_training_stop = True

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Mark the checkpoint as complete, and thin out older ones."""
        checkpoint = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
        flush_to_disk(checkpoint)
        write_mark(checkpoint, Mark(step=state.global_step, resumable=True, metrics=self._latest))
        self._run.recorder.checkpoint(state.global_step)
        for path, mark in self._run.folder.marks()[:-RESUMABLE_KEPT]:
            thin_out(path, mark, keep_weights=self._keep_old_weights)

    def raise_if_ended_early(self) -> None:
        """Raise where the run was stopped, by somebody or for a reason.

        Raises:
            Stopped: Somebody asked for it.
            RunFailed: Going on made no sense.
        """
        if self.problem is not None:
            raise RunFailed(self.problem)
        if self.was_stopped:
            raise Stopped

    def _save_best(self, model: Any, step: int) -> None:
        if self._best is None:
            return
        fresh = self._best.with_name(f".{self._best.name}")
        shutil.rmtree(fresh, ignore_errors=True)
        model.save_pretrained(str(fresh))
        shutil.rmtree(self._best, ignore_errors=True)
        fresh.rename(self._best)
        self._run.recorder.message(f"step {step}: lowest validation loss so far")


def last_resumable(folder: JobFolder) -> Path | None:
    """The newest checkpoint that is complete and can be gone on from."""
    return next((path for path, mark in reversed(folder.marks()) if mark.resumable), None)


def write_mark(checkpoint: Path, mark: Mark) -> None:
    """Say that a checkpoint is complete, and what is in it."""
    write_atomically(checkpoint / "checkpoint.json", mark.model_dump(mode="json"))


def flush_to_disk(folder: Path) -> None:
    """Make sure that every file of a folder would survive a power cut."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


def thin_out(checkpoint: Path, mark: Mark, *, keep_weights: bool) -> None:
    """Remove from an old checkpoint what only a resume needs, or all of it."""
    if not keep_weights:
        (checkpoint / "checkpoint.json").unlink()
        shutil.rmtree(checkpoint)
        return
    if not mark.resumable:
        return
    write_mark(checkpoint, mark.model_copy(update={"resumable": False}))
    for pattern in ("optimizer.pt", "scheduler.pt", "rng_state*.pth", "training_args.bin"):
        for path in checkpoint.glob(pattern):
            path.unlink()


def recomputing(config: type, *, wanted: bool) -> dict[str, Any]:
    """The setting that trades time for memory by computing activations twice.

    transformers renamed it within its version 5, and each name is an error or a warning where the other is known:
    https://github.com/huggingface/transformers/blob/main/MIGRATION_GUIDE_V5.md
    """
    names = {field.name for field in fields(config)}
    return {next(name for name in _RECOMPUTING if name in names): wanted}


def loss_figures(log_history: list[dict[str, Any]]) -> dict[str, float]:
    """The first and last loss of a run, for the record of the model."""
    losses = [entry["loss"] for entry in log_history if "loss" in entry]
    validation = [entry["eval_loss"] for entry in log_history if "eval_loss" in entry]
    figures = {"first_loss": losses[0], "last_loss": losses[-1]} if losses else {}
    return figures | ({"validation_loss": validation[-1]} if validation else {})


def without_machine_paths(folder: Path, base_model: str) -> None:
    """Name the base model in an adapter the way the user named it, rather than by a path of this machine."""
    path = folder / "adapter_config.json"
    if path.exists():
        config = json.loads(path.read_text(encoding="utf-8"))
        write_atomically(path, config | {"base_model_name_or_path": base_model})


def _loss_problem(told: Mapping[str, float], state: TrainerState) -> JobProblem | None:
    loss = told.get("loss")
    if loss is None:
        return None
    if not math.isfinite(loss):
        return JobProblem(
            code="loss-not-finite",
            message=f"The loss was {loss} at step {state.global_step}: the run has diverged.",
            hint="Use a lower learning rate, for example LearningRateMultiplier(0.3).",
        )
    losses = [entry["loss"] for entry in state.log_history if "loss" in entry]
    if len(losses) >= _ZERO_LOSSES and not any(losses):
        return JobProblem(
            code="loss-zero",
            message=f"The loss was exactly 0 from the start to step {state.global_step}: nothing is learnt.",
            hint="The base model knows these answers by heart, or no token of them counts; look at the rows.",
        )
    return None
