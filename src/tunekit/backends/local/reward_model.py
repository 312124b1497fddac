"""Reward models on this machine: made from a base model with a fresh head, trained on pairs, asked for scores.

Belongs here: weights, training and scoring of a reward model.
Does not belong here: what is done with the scores (`rlhf.py`, `policy.py`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tunekit._value import Received
from tunekit.backends.local.base_models import (
    BaseModel,
    beside,
    find_base_model,
    load_encoder,
    load_weights,
    model_folder,
)
from tunekit.backends.local.encoding import Encoded, Encoder
from tunekit.backends.local.files import flush_to_disk, read_value, write_atomically
from tunekit.backends.local.inference import pad_id, padded
from tunekit.backends.local.run import Stage
from tunekit.backends.local.tables import table_of
from tunekit.backends.local.trainers import Pace, batches, lora, without_machine_paths
from tunekit.jobs.backend import PromptLike

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_BATCH = 16
"""Answers that are scored at once."""
_CENTRED = 0.01
"""Weight of the pull of scores towards 0 (https://arxiv.org/abs/2312.09244); differences alone leave it open."""
_TOLD = {"accuracy": "pair_accuracy", "margin": "pair_margin"}


class RewardRecord(Received):
    """What is known about a finished reward model; written last into its folder."""

    metrics: Mapping[str, float]
    """Such as `reward_model_accuracy` on held-out pairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardSettings:
    """How a reward model is trained."""

    base_model: str
    """The name that the user gave."""
    pace: Pace
    batch_size: int
    adapter_size: int


@dataclass(frozen=True, slots=True)
class Scorer:
    """A reward model in memory, ready to be asked."""

    model: Any
    encoder: Encoder

    def scores(self, prompts: Sequence[PromptLike], responses: Sequence[str]) -> list[float]:
        """One score per answer, in order."""
        pairs = zip(prompts, responses, strict=True)
        return self.scores_of([self.encoder.encode_answer(*pair) for pair in pairs])

    def scores_of(self, answers: Sequence[Encoded]) -> list[float]:
        """One score per answer that is tokens already."""
        import torch

        scores: list[float] = []
        with torch.inference_mode():
            for start in range(0, len(answers), _BATCH):
                rows = [answer.input_ids for answer in answers[start : start + _BATCH]]
                ids, mask = padded(rows, pad_id(self.encoder), self.model.device, side="right")
                logits = self.model(input_ids=ids, attention_mask=mask).logits[:, 0]
                scores.extend(logits.float().tolist())
        return scores


class Scorers:
    """The reward models that this process has loaded.

    Args:
        home: Root folder of the backend.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._loaded: dict[str, Scorer] = {}

    def get(self, model_id: str, base_model: str) -> Scorer:
        """The reward model of that id; only the last one stays loaded."""
        if model_id not in self._loaded:
            base, folder = (
                find_base_model(base_model, self._home),
                model_folder(model_id, self._home),
            )
            self._loaded = {model_id: load_scorer(base, folder)}
        return self._loaded[model_id]


def load_scorer(base: BaseModel, folder: Path) -> Scorer:
    """The reward model in a folder, with the base model that it was trained on."""
    import torch

    encoder = load_encoder(base)
    model: Any = beside(_with_fresh_head(base, encoder), folder)
    if torch.cuda.is_available():
        model = model.to("cuda")
    return Scorer(model.eval(), encoder)


def finished_reward_model(folder: Path) -> RewardRecord | None:
    """What is known about the reward model in a folder, or `None` while there is none."""
    return read_value(folder / "reward_model.json", RewardRecord)


def train_reward_model(
    stage: Stage,
    base: BaseModel,
    pairs: Sequence[tuple[Encoded, Encoded]],
    settings: RewardSettings,
    into: Path,
) -> None:
    """Train a reward model and leave its adapter and head in a folder.

    Args:
        stage: The part of the run that this is.
        base: What to start from.
        pairs: The preferred and the other answer of each pair.
        settings: How to train.
        into: The folder.
    """
    from transformers import set_seed
    from trl.trainer.reward_config import RewardConfig
    from trl.trainer.reward_trainer import RewardTrainer

    from tunekit.backends.local.hooks import JobHooks, train

    encoder = load_encoder(base)
    set_seed(settings.pace.seed)
    model = _with_fresh_head(base, encoder)
    longest = max(len(encoded.input_ids) for pair in pairs for encoded in pair)
    hooks = JobHooks(stage, told=_TOLD, keep_old_weights=False)
    trainer = RewardTrainer(
        model=model,
        args=RewardConfig(
            **settings.pace.arguments(RewardConfig, stage),
            **batches(settings.batch_size, 2 * longest),
            max_length=None,
            center_rewards_coefficient=_CENTRED,
        ),
        train_dataset=table_of(_columns(pairs)),
        processing_class=encoder.tokenizer,
        peft_config=lora(settings.adapter_size, task_type="SEQ_CLS", whole=("score",)),
        callbacks=[hooks],
    )
    train(trainer, hooks, stage)
    shutil.rmtree(into, ignore_errors=True)
    trained: Any = trainer.model
    trained.save_pretrained(str(into))
    without_machine_paths(into, settings.base_model)


def keep_reward_model(fresh: Path, place: Path, metrics: Mapping[str, float]) -> None:
    """Put a finished reward model in its place, at once and with its record."""
    record = RewardRecord(metrics=metrics)
    write_atomically(fresh / "reward_model.json", record.model_dump(mode="json"))
    flush_to_disk(fresh)
    shutil.rmtree(place, ignore_errors=True)
    fresh.rename(place)


def _columns(pairs: Iterable[tuple[Encoded, Encoded]]) -> Iterator[dict[str, list[int]]]:
    for chosen, rejected in pairs:
        yield {"chosen_ids": chosen.input_ids, "rejected_ids": rejected.input_ids}


def _with_fresh_head(base: BaseModel, encoder: Encoder) -> PreTrainedModel:
    """The base model, earlier adapters merged, with a head that gives one number at the last token."""
    from transformers import AutoModelForSequenceClassification

    language_model = load_weights(base)
    config = language_model.config
    config.num_labels = 1
    config.pad_token_id = pad_id(encoder)
    model: Any = AutoModelForSequenceClassification.from_config(config).to(language_model.dtype)
    model.base_model.load_state_dict(language_model.base_model.state_dict())
    return cast("PreTrainedModel", model)
