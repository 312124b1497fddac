"""What every trainer of transformers and TRL is given, and what is kept of its model.

Belongs here: settings that all trainers share, the adapter, and saving a finished text model.
Does not belong here: hooks into a running trainer (`hooks.py`), which loss it has (`supervised.py` and its siblings).
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunekit.backends.local.base_models import computes_in_bfloat16
from tunekit.backends.local.files import write_atomically
from tunekit.backends.local.run import Run, Stage
from tunekit.tuners.learning_rate import AnyLearningRate, LearningRate

if TYPE_CHECKING:
    from peft import LoraConfig

    from tunekit.backends.local.encoding import Encoder
    from tunekit.tuners.text import StepwiseTuner, TextTuner

_RECOMPUTING = ("activation_checkpointing", "gradient_checkpointing")
_WARMUP_SHARE = 0.03
"""Share of the steps in which the learning rate rises from zero."""
_LOGS = 100
"""About so many figures are logged in a run, and never more than ten steps apart."""
_TOKENS_AT_ONCE = 16_384
"""Tokens that go through the model at once; a batch with more is gone through in several passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long and how fast a trainer trains."""

    train_steps: int
    learning_rate: AnyLearningRate | None
    seed: int
    checkpoint_interval: int | None
    evaluation_interval: int | None = None

    def arguments(self, config: type, stage: Stage) -> dict[str, Any]:
        """The settings that all trainers have, for a class of settings of transformers or TRL."""
        import torch

        rate = self.learning_rate
        looking = self.evaluation_interval
        return {
            "output_dir": str(stage.checkpoints.path),
            "max_steps": self.train_steps,
            "learning_rate": rate.absolute if isinstance(rate, LearningRate) else 0.0,
            "lr_scheduler_type": "linear",
            "warmup_steps": round(_WARMUP_SHARE * self.train_steps),
            "seed": self.seed,
            "logging_steps": max(1, min(10, self.train_steps // _LOGS)),
            "logging_nan_inf_filter": False,
            "save_strategy": "steps",
            "save_steps": self.checkpoint_interval or self.train_steps,
            "eval_strategy": "no" if looking is None else "steps",
            "eval_steps": looking,
            "bf16": computes_in_bfloat16(),
            "use_cpu": not torch.cuda.is_available(),
            "report_to": "none",
            "disable_tqdm": True,
            **recomputing(config, wanted=torch.cuda.is_available()),
        }


def lora(rank: int, *, task_type: str = "CAUSAL_LM", whole: tuple[str, ...] = ()) -> LoraConfig:
    """An adapter beside every linear layer.

    Args:
        rank: Its rank; the scale is always 2.
        task_type: What the model is for, in PEFT's words.
        whole: Modules that are trained and saved as they are, such as a fresh head.
    """
    from peft import LoraConfig

    return LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type=task_type,
        modules_to_save=list(whole) or None,
    )


def pace_of(tuner: StepwiseTuner[Any, Any]) -> Pace:
    """The pace that a decided tuner asks for."""
    return Pace(
        train_steps=tuner.train_steps or 1,
        learning_rate=tuner.learning_rate,
        seed=tuner.seed,
        checkpoint_interval=tuner.checkpoint_interval,
        evaluation_interval=tuner.evaluation_interval,
    )


def batches(batch_size: int, longest: int) -> dict[str, Any]:
    """Settings by which a batch goes through the model in the largest equal parts that fit.

    Args:
        batch_size: Rows in a batch.
        longest: Tokens of the longest row.
    """
    fitting = max(1, _TOKENS_AT_ONCE // max(longest, 1))
    parts = range(1, min(batch_size, fitting) + 1)
    at_once = max(part for part in parts if batch_size % part == 0)
    return {
        "per_device_train_batch_size": at_once,
        "per_device_eval_batch_size": at_once,
        "gradient_accumulation_steps": batch_size // at_once,
    }


def best_folder(run: Run) -> Path | None:
    """Where the weights with the lowest validation loss are kept, where the tuner asks for them."""
    best: bool = run.request.tuner.checkpoint_selection == "best"
    return run.folder.path / "best" if best else None


def save_model(
    model: Any, encoder: Encoder, tuner: TextTuner[Any], best: Path | None, into: Path
) -> None:
    """Leave the chosen weights in a folder, with the tokenizer where it is a whole model."""
    if best is not None and best.exists():
        shutil.copytree(best, into)
    else:
        model.save_pretrained(str(into))
    if not tuner.trains_adapter:
        encoder.tokenizer.save_pretrained(str(into))
    without_machine_paths(into, tuner.base_model)


def without_machine_paths(folder: Path, base_model: str) -> None:
    """Name the base model in an adapter the way the user named it, rather than by a path of this machine."""
    path = folder / "adapter_config.json"
    if path.exists():
        config = json.loads(path.read_text(encoding="utf-8"))
        write_atomically(path, config | {"base_model_name_or_path": base_model})


def recomputing(config: type, *, wanted: bool) -> dict[str, Any]:
    """The setting that trades time for memory by computing activations twice.

    transformers renamed it within its version 5, and each name is an error or a warning where the other is known:
    https://github.com/huggingface/transformers/blob/main/MIGRATION_GUIDE_V5.md
    """
    names = {field.name for field in fields(config)}
    return {next(name for name in _RECOMPUTING if name in names): wanted}
