"""How this machine runs preference tuning: TRL's `DPOTrainer` on tokens that tunekit has made.

Belongs here: from the settings of a `PreferenceTuner` to a trainer.
Does not belong here: tokens (`encoding.py`, `inspection.py`), hooks and checkpoints (`hooks.py`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunekit.backends.local.base_models import find_base_model, load_encoder, load_weights
from tunekit.backends.local.encoding import Encoded
from tunekit.backends.local.inspection import RowsSeen, inspect_text_rows, refuse_unusable
from tunekit.backends.local.run import Result, Run, Stage
from tunekit.backends.local.tables import table_of
from tunekit.backends.local.trainers import batches, best_folder, lora, pace_of, save_model
from tunekit.jobs.backend import Inspection, Rows
from tunekit.jobs.record import JobRequest
from tunekit.tuners.preference import PreferenceTuner

if TYPE_CHECKING:
    from datasets import Dataset as Table
    from transformers import PreTrainedModel
    from trl.trainer.dpo_trainer import DPOTrainer

    from tunekit.backends.local.hooks import JobHooks

_TOLD = {
    "rewards/accuracies": "pair_accuracy",
    "rewards/margins": "pair_margin",
    "eval_rewards/accuracies": "validation_pair_accuracy",
}


class PreferenceRecipe:
    """Preference tuning on this machine."""

    def inspect(self, request: JobRequest, rows: Rows, home: Path) -> Inspection:
        """Count tokens, and find rows that the base model cannot learn from."""
        return inspect_text_rows(request, rows, home)

    def train(self, run: Run, into: Path) -> Result:
        """Train, and leave an adapter in `into`."""
        from transformers import set_seed

        from tunekit.backends.local.hooks import last_figures, loss_figures, train

        stage = run.enter()
        tuner: PreferenceTuner = run.request.tuner
        base = find_base_model(tuner.base_model, run.home)
        encoder = load_encoder(base)
        seen = {ref.name: RowsSeen(encoder, tuner.base_model) for ref in run.request.datasets}
        tables = {name: table_of(_pairs(rows, run, name)) for name, rows in seen.items()}
        refuse_unusable(seen)
        set_seed(tuner.seed)
        model = load_weights(base)
        run.recorder.message(f"base model loaded: {model.num_parameters():,} weights")
        trainer, hooks = _trainer(stage, model, tables, seen["train"])
        started = time.monotonic()
        train(trainer, hooks, stage)
        save_model(trainer.model, encoder, tuner, best_folder(run), into)
        drawn = hooks.steps_done * (tuner.batch_size or 1) * seen["train"].mean
        speed = {"seconds_per_token": (time.monotonic() - started) / max(drawn, 1)}
        history = trainer.state.log_history
        return Result(loss_figures(history) | last_figures(history, _TOLD) | speed)


RECIPE = PreferenceRecipe()
"""What the registry of this backend finds."""


def _pairs(seen: RowsSeen, run: Run, name: str) -> Iterator[Mapping[str, list[int]]]:
    """The pairs as the trainer's collator takes them."""
    for _, (chosen, rejected) in seen.read(run.rows(name)):
        prompt, chosen_ids = _parted(chosen)
        _, rejected_ids = _parted(rejected)
        yield {"prompt_ids": prompt, "chosen_ids": chosen_ids, "rejected_ids": rejected_ids}


def _parted(encoded: Encoded) -> tuple[list[int], list[int]]:
    """The tokens of the prompt, and those of the answer."""
    start = len(encoded.input_ids) - encoded.num_learnt
    return encoded.input_ids[:start], encoded.input_ids[start:]


def _trainer(
    stage: Stage, model: PreTrainedModel, tables: Mapping[str, Table], seen: RowsSeen
) -> tuple[DPOTrainer, JobHooks]:
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    from tunekit.backends.local.hooks import JobHooks

    class OnTokens(DPOTrainer):
        """Takes tokens as they are: the trainer has no setting that keeps it from making its own, and cuts none."""

        def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
            return dataset

    tuner: PreferenceTuner = stage.run.request.tuner
    hooks = JobHooks(
        stage, told=_TOLD, early_stopping=tuner.early_stopping, best=best_folder(stage.run)
    )
    settings = {
        **pace_of(tuner).arguments(DPOConfig, stage),
        **batches(tuner.batch_size or 1, 2 * seen.longest),
    }
    trainer = OnTokens(
        model=model,
        args=DPOConfig(beta=tuner.beta, max_length=None, **settings),
        train_dataset=tables["train"],
        eval_dataset=tables.get("validation"),
        processing_class=seen.encoder.tokenizer,
        peft_config=lora(tuner.adapter_size or 1),
        callbacks=[hooks],
    )
    return trainer, hooks
