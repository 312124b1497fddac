"""Hooks into the trainers of transformers and TRL: they report, save, watch and stop.

Belongs here: joining a trainer's life to the job folder.
Does not belong here: a trainer's settings (`trainers.py`), which loss it has (`supervised.py` and its siblings).
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from tunekit.backends.local.run import RunFailed, Stage, Stopped
from tunekit.jobs.record import JobProblem

_ZERO_LOSSES = 5
"""Logged losses that are exactly 0 from the very start, after which nothing is being learnt."""
_TOLD = {
    "loss": "loss",
    "grad_norm": "gradient_norm",
    "learning_rate": "learning_rate",
    "mean_token_accuracy": "token_accuracy",
    "eval_loss": "validation_loss",
    "eval_mean_token_accuracy": "validation_token_accuracy",
}
"""Figures that are passed on, and our word for each."""

Watchdog = Callable[[Mapping[str, float]], str | None]
"""Sees every set of figures, and may say what looks wrong."""


def train(trainer: Any, hooks: JobHooks, stage: Stage) -> None:
    """Train to the end, from the newest checkpoint where there is one.

    Raises:
        Stopped: Somebody asked to stop.
        RunFailed: Going on made no sense.
    """
    checkpoint = stage.checkpoints.last_resumable()
    if checkpoint is not None:
        stage.run.recorder.message(f"going on from {checkpoint.name}")
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    hooks.raise_if_ended_early()


class JobHooks(TrainerCallback):
    """Joins a trainer to a job folder.

    Args:
        stage: The part of the attempt that the trainer does.
        told: Further figures that are passed on, and our word for each.
        watchdog: Sees the figures and may warn; a warning is told once.
        zero_loss: Whether a loss that is 0 from the start means that nothing is learnt; the loss of reinforcement
            learning has its mean at 0.
        keep_old_weights: Whether the weights of old checkpoints stay usable as models.
        early_stopping: Evaluations in a row without a lower loss after which to stop.
        best: Folder for the weights with the lowest validation loss; `None` does not keep them.
        save: Writes these weights. `None` is the model's own `save_pretrained`.
    """

    def __init__(
        self,
        stage: Stage,
        *,
        told: Mapping[str, str] | None = None,
        watchdog: Watchdog | None = None,
        zero_loss: Literal["fails", "is-fine"] = "fails",
        keep_old_weights: bool = True,
        early_stopping: int | None = None,
        best: Path | None = None,
        save: Callable[[Any, Path], None] | None = None,
    ) -> None:
        self._run = stage.run
        self._checkpoints = stage.checkpoints
        self._told = _TOLD | dict(told or {})
        self._watchdog = watchdog
        self._warned: set[str] = set()
        self._zero_loss = zero_loss
        self._keep_old_weights = keep_old_weights
        self._early_stopping = early_stopping
        self._best = best
        self._save_weights = save or _save_pretrained
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
        words = self._told
        told = {words[name]: float(value) for name, value in (logs or {}).items() if name in words}
        if not told:
            return
        self._latest |= told
        finite = {name: value for name, value in told.items() if math.isfinite(value)}
        self._run.recorder.metrics(state.global_step, finite)
        self._warn(told, state)
        self.problem = self.problem or _divergence(told, state)
        if self._zero_loss == "fails":
            self.problem = self.problem or _stillness(told, state)
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
        self._checkpoints.complete(
            state.global_step, self._latest, keep_weights=self._keep_old_weights
        )
        self._run.recorder.checkpoint(state.global_step)

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

    def _warn(self, told: Mapping[str, float], state: TrainerState) -> None:
        warning = self._watchdog(told) if self._watchdog else None
        if warning is not None and warning not in self._warned:
            self._warned.add(warning)
            self._run.recorder.message(f"step {state.global_step}: warning: {warning}")

    def _save_best(self, model: Any, step: int) -> None:
        if self._best is None:
            return
        fresh = self._best.with_name(f".{self._best.name}")
        shutil.rmtree(fresh, ignore_errors=True)
        self._save_weights(model, fresh)
        shutil.rmtree(self._best, ignore_errors=True)
        fresh.rename(self._best)
        self._run.recorder.message(f"step {step}: lowest validation loss so far")


def _save_pretrained(model: Any, folder: Path) -> None:
    model.save_pretrained(str(folder))


def loss_figures(log_history: list[dict[str, Any]]) -> dict[str, float]:
    """The first and last loss of a run, for the record of the model."""
    losses = [entry["loss"] for entry in log_history if "loss" in entry]
    validation = [entry["eval_loss"] for entry in log_history if "eval_loss" in entry]
    figures = {"first_loss": losses[0], "last_loss": losses[-1]} if losses else {}
    return figures | ({"validation_loss": validation[-1]} if validation else {})


def last_figures(log_history: list[dict[str, Any]], words: Mapping[str, str]) -> dict[str, float]:
    """The last value of further figures, by our word for each."""
    found: dict[str, float] = {}
    for entry in log_history:
        found |= {words[name]: float(value) for name, value in entry.items() if name in words}
    return found


def _divergence(told: Mapping[str, float], state: TrainerState) -> JobProblem | None:
    loss = told.get("loss")
    if loss is None or math.isfinite(loss):
        return None
    return JobProblem(
        code="loss-not-finite",
        message=f"The loss was {loss} at step {state.global_step}: the run has diverged.",
        hint="Use a lower learning rate, for example LearningRateMultiplier(0.3).",
    )


def _stillness(told: Mapping[str, float], state: TrainerState) -> JobProblem | None:
    losses = [entry["loss"] for entry in state.log_history if "loss" in entry]
    if "loss" not in told or len(losses) < _ZERO_LOSSES or any(losses):
        return None
    return JobProblem(
        code="loss-zero",
        message=f"The loss was exactly 0 from the start to step {state.global_step}: nothing is learnt.",
        hint="The base model knows these answers by heart, or no token of them counts; look at the rows.",
    )
