"""How this machine runs supervised tuning: TRL's `SFTTrainer` on tokens that tunekit has made.

Belongs here: from the settings of a tuner and rows with answers to a trained model.
Does not belong here: tokens (`encoding.py`, `inspection.py`), hooks and checkpoints (`hooks.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunekit.backends.local.base_models import find_base_model, load_encoder, load_weights
from tunekit.backends.local.inspection import RowsSeen, inspect_text_rows, refuse_unusable
from tunekit.backends.local.run import Result, Run, Stage
from tunekit.backends.local.tables import table_of
from tunekit.backends.local.trainers import batches, best_folder, lora, pace_of, save_model
from tunekit.data.dataset import Located
from tunekit.jobs.backend import Inspection, Rows
from tunekit.jobs.record import JobRequest

if TYPE_CHECKING:
    from datasets import Dataset as Table
    from transformers import PreTrainedModel
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    from tunekit.backends.local.hooks import JobHooks
    from tunekit.tuners.text import TextTuner

Examples = Mapping[str, Iterable[Located[Any]]]
"""Rows with answers: `train`, and `validation` where there is one."""


class SupervisedRecipe:
    """Supervised tuning on this machine."""

    def inspect(self, request: JobRequest, rows: Rows, home: Path) -> Inspection:
        """Count tokens, and find rows that the base model cannot learn from."""
        return inspect_text_rows(request, rows, home)

    def train(self, run: Run, into: Path) -> Result:
        """Train, and leave an adapter or a whole model in `into`."""
        names = [ref.name for ref in run.request.datasets]
        return learn_answers(run.enter(), {name: run.rows(name) for name in names}, into)


RECIPE = SupervisedRecipe()
"""What the registry of this backend finds."""


def learn_answers(
    stage: Stage,
    examples: Examples,
    into: Path,
    *,
    trainer: Callable[..., SFTTrainer] | None = None,
) -> Result:
    """Let the base model of a run learn the answers of rows.

    Args:
        stage: The part of the run.
        examples: The rows.
        into: Folder for the adapter or the whole model.
        trainer: A trainer with another loss. `None` takes `SFTTrainer`.
    """
    from transformers import set_seed

    from tunekit.backends.local.hooks import loss_figures, train

    run = stage.run
    tuner: TextTuner[Any] = run.request.tuner
    base = find_base_model(tuner.base_model, run.home)
    encoder = load_encoder(base)
    seen = {name: RowsSeen(encoder, tuner.base_model) for name in examples}
    tables = {
        name: table_of(
            {"input_ids": row.input_ids, "labels": row.labels}
            for row in rows.encoded(examples[name])
        )
        for name, rows in seen.items()
    }
    refuse_unusable(seen)
    set_seed(
        tuner.seed
    )  # the trainer draws the adapter's first weights, in some versions before it sets its seed
    model = load_weights(base)
    run.recorder.message(f"base model loaded: {model.num_parameters():,} weights")
    made, hooks = _trainer(trainer, stage, model, tables, seen["train"])
    started = time.monotonic()
    train(made, hooks, stage)
    save_model(made.model, encoder, tuner, best_folder(run), into)
    drawn = hooks.steps_done * (tuner.batch_size or 1) * seen["train"].mean
    speed = {"seconds_per_token": (time.monotonic() - started) / max(drawn, 1)}
    return Result(loss_figures(made.state.log_history) | speed)


def _trainer(
    kind: Callable[..., SFTTrainer] | None,
    stage: Stage,
    model: PreTrainedModel,
    tables: Mapping[str, Table],
    seen: RowsSeen,
) -> tuple[SFTTrainer, JobHooks]:
    from trl.trainer.sft_trainer import SFTTrainer

    from tunekit.backends.local.hooks import JobHooks

    tuner: TextTuner[Any] = stage.run.request.tuner
    hooks = JobHooks(
        stage,
        keep_old_weights=tuner.trains_adapter,
        early_stopping=tuner.early_stopping,
        best=best_folder(stage.run),
    )
    trainer = (kind or SFTTrainer)(
        model=model,
        args=_config(stage, seen.longest),
        train_dataset=tables["train"],
        eval_dataset=tables.get("validation"),
        processing_class=seen.encoder.tokenizer,
        peft_config=lora(tuner.adapter_size or 1) if tuner.trains_adapter else None,
        callbacks=[hooks],
    )
    return trainer, hooks


def _config(stage: Stage, longest: int) -> SFTConfig:
    from trl.trainer.sft_config import SFTConfig

    return SFTConfig(
        **pace_of(stage.run.request.tuner).arguments(SFTConfig, stage),
        **batches(stage.run.request.tuner.batch_size or 1, longest),
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
    )
