"""How this machine runs supervised tuning: TRL's `SFTTrainer` on tokens that tunekit has made.

Belongs here: from the settings of a `SupervisedTuner` to a trainer.
Does not belong here: tokens (`encoding.py`, `inspection.py`), hooks and checkpoints (`training.py`).
"""

from __future__ import annotations

import shutil
import time
from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunekit._text import first_few, plural
from tunekit.backends.local.base_models import (
    computes_in_bfloat16,
    find_base_model,
    load_encoder,
    load_weights,
)
from tunekit.backends.local.encoding import Encoded, Encoder
from tunekit.backends.local.inspection import RowsSeen, inspect_text_rows
from tunekit.backends.local.run import Result, Run, RunFailed
from tunekit.jobs.backend import Inspection, Rows
from tunekit.jobs.record import JobProblem, JobRequest
from tunekit.tuners.learning_rate import LearningRate
from tunekit.tuners.supervised import SupervisedTuner

if TYPE_CHECKING:
    from datasets import Dataset as Table
    from peft import LoraConfig
    from transformers import PreTrainedModel
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    from tunekit.backends.local.training import JobHooks

_TOKENS_AT_ONCE = 16_384
"""Tokens that go through the model at once; a batch with more is gone through in several passes."""
_WARMUP_SHARE = 0.03
"""Share of the steps in which the learning rate rises from zero."""
_LOGS = 100
"""About so many figures are logged in a run, and never more than ten steps apart."""


class SupervisedRecipe:
    """Supervised tuning on this machine."""

    def inspect(self, request: JobRequest, rows: Rows, home: Path) -> Inspection:
        """Count tokens, and find rows that the base model cannot learn from."""
        return inspect_text_rows(request, rows, home)

    def train(self, run: Run, into: Path) -> Result:
        """Train, and leave an adapter or a whole model in `into`."""
        from transformers import set_seed

        from tunekit.backends.local.training import last_resumable, loss_figures

        tuner: SupervisedTuner = run.request.tuner
        base = find_base_model(tuner.base_model, run.home)
        encoder = load_encoder(base)
        seen = {ref.name: RowsSeen(encoder, tuner.base_model) for ref in run.request.datasets}
        tables = {name: _table(rows.encoded(run.rows(name))) for name, rows in seen.items()}
        _refuse_unusable(seen)
        set_seed(
            tuner.seed
        )  # the trainer draws the adapter's first weights, in some versions before it sets its seed
        model = load_weights(base)
        run.recorder.message(f"base model loaded: {model.num_parameters():,} weights")
        trainer, hooks = _trainer(run, model, tables, seen["train"])
        checkpoint = last_resumable(run.folder)
        if checkpoint is not None:
            run.recorder.message(f"going on from {checkpoint.name}")
        started = time.monotonic()
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        hooks.raise_if_ended_early()
        _save(trainer.model, encoder, tuner, _best_folder(run, tuner), into)
        drawn = hooks.steps_done * (tuner.batch_size or 1) * seen["train"].mean
        speed = {"seconds_per_token": (time.monotonic() - started) / max(drawn, 1)}
        return Result(loss_figures(trainer.state.log_history) | speed)


RECIPE = SupervisedRecipe()
"""What the registry of this backend finds."""


def _table(rows: Iterable[Encoded]) -> Table:
    """The rows as the trainer takes them: four bytes a token, nothing on disk."""
    import numpy as np
    import pyarrow as pa
    from datasets import Dataset as Table

    tokens, labels, ends = array("i"), array("i"), array("q", [0])
    for row in rows:
        tokens.extend(row.input_ids)
        labels.extend(row.labels)
        ends.append(len(tokens))
    offsets = pa.array(np.frombuffer(ends, dtype=np.int64))
    columns = {
        name: pa.LargeListArray.from_arrays(
            offsets, pa.array(np.frombuffer(values, dtype=np.int32))
        )
        for name, values in (("input_ids", tokens), ("labels", labels))
    }
    return Table(pa.table(columns))


def _refuse_unusable(seen: Mapping[str, RowsSeen]) -> None:
    """Rows are looked at before a job starts, unless the base model had to be fetched first."""
    findings = [finding for rows in seen.values() for finding in rows.findings]
    if not findings:
        return
    places = first_few([finding.place for finding in findings])
    raise RunFailed(
        JobProblem(
            code="rows-unusable",
            message=f"{plural(len(findings), 'row')} cannot be learnt from: {places}. {findings[0].message}",
            hint=findings[0].fix,
        )
    )


def _trainer(
    run: Run, model: PreTrainedModel, tables: Mapping[str, Table], seen: RowsSeen
) -> tuple[SFTTrainer, JobHooks]:
    from trl.trainer.sft_trainer import SFTTrainer

    from tunekit.backends.local.training import JobHooks

    tuner: SupervisedTuner = run.request.tuner
    hooks = JobHooks(
        run,
        keep_old_weights=tuner.tuning_mode == "adapter",
        early_stopping=tuner.early_stopping,
        best=_best_folder(run, tuner),
    )
    trainer = SFTTrainer(
        model=model,
        args=_config(run, tuner, seen.longest),
        train_dataset=tables["train"],
        eval_dataset=tables.get("validation"),
        processing_class=seen.encoder.tokenizer,
        peft_config=_adapter(tuner) if tuner.tuning_mode == "adapter" else None,
        callbacks=[hooks],
    )
    return trainer, hooks


def _config(run: Run, tuner: SupervisedTuner, longest: int) -> SFTConfig:
    import torch
    from trl.trainer.sft_config import SFTConfig

    from tunekit.backends.local.training import recomputing

    steps, batch = tuner.train_steps or 1, tuner.batch_size or 1
    at_once = _rows_at_once(batch, longest)
    return SFTConfig(
        output_dir=str(run.folder.checkpoints),
        max_steps=steps,
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=batch // at_once,
        per_device_eval_batch_size=at_once,
        learning_rate=tuner.learning_rate.absolute
        if isinstance(tuner.learning_rate, LearningRate)
        else 0.0,
        lr_scheduler_type="linear",
        warmup_steps=round(_WARMUP_SHARE * steps),
        seed=tuner.seed,
        logging_steps=max(1, min(10, steps // _LOGS)),
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=tuner.checkpoint_interval or steps,
        eval_strategy="no" if tuner.evaluation_interval is None else "steps",
        eval_steps=tuner.evaluation_interval,
        bf16=computes_in_bfloat16(),
        use_cpu=not torch.cuda.is_available(),
        max_length=None,
        dataset_kwargs={"skip_prepare_dataset": True},
        report_to="none",
        disable_tqdm=True,
        **recomputing(SFTConfig, wanted=torch.cuda.is_available()),
    )


def _rows_at_once(batch: int, longest: int) -> int:
    """The largest part of a batch that divides it and fits through the model at once."""
    fitting = max(1, _TOKENS_AT_ONCE // max(longest, 1))
    return max(part for part in range(1, min(batch, fitting) + 1) if batch % part == 0)


def _adapter(tuner: SupervisedTuner) -> LoraConfig:
    from peft import LoraConfig

    rank = tuner.adapter_size or 1
    return LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def _best_folder(run: Run, tuner: SupervisedTuner) -> Path | None:
    return run.folder.path / "best" if tuner.checkpoint_selection == "best" else None


def _save(
    model: Any, encoder: Encoder, tuner: SupervisedTuner, best: Path | None, into: Path
) -> None:
    """Leave the chosen weights in a folder, with the tokenizer where it is a whole model."""
    from tunekit.backends.local.training import without_machine_paths

    if best is not None and best.exists():
        shutil.copytree(best, into)
    else:
        model.save_pretrained(str(into))
    if tuner.tuning_mode == "full":
        encoder.tokenizer.save_pretrained(str(into))
    without_machine_paths(into, tuner.base_model)
