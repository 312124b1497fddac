"""One small case per way of tuning: a tuner that is quick, data for it, and other data of the same kind."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tunekit as tk
from sample_rows import preference_lines, preferences, retrieval, routing
from tiny_pipelines import captioned, subject
from tunekit.tuners.registry import tuner_class


@dataclass(frozen=True)
class Case:
    """A way of tuning, small."""

    kind: str
    settings: dict[str, Any]
    data: Any
    other: Any

    def tuner(self, base_model: str) -> Any:
        """The tuner for a base model."""
        return _CLASSES[self.kind](base_model=base_model, **self.settings)

    @property
    def base_kind(self) -> str:
        """The kind of base model that it needs: `text`, `embedding` or `image`."""
        kind = tuner_class(self.kind).model_kind
        return kind if kind in _OF_KIND else "text"

    def __str__(self) -> str:
        return self.kind


_CLASSES = {
    "distillation": tk.Distiller,
    "embedding": tk.EmbeddingTuner,
    "imagen_style": tk.ImagenStyleTuner,
    "imagen_subject": tk.ImagenSubjectTuner,
    "preference": tk.PreferenceTuner,
    "reinforcement": tk.ReinforcementTuner,
    "rlhf": tk.RLHFTuner,
    "supervised": tk.SupervisedTuner,
}
_RATE = tk.LearningRate(1e-2)
_IMAGES = Path(tempfile.mkdtemp(prefix="tunekit-images-"))
atexit.register(shutil.rmtree, _IMAGES, ignore_errors=True)
_IMAGE_SETTINGS: dict[str, Any] = {
    "train_steps": 4,
    "batch_size": 2,
    "adapter_size": 4,
    "resolution": 16,
    "learning_rate": _RATE,
}


def prompts(count: int = 12, *, seed: int = 9) -> tk.Dataset[tk.Prompt]:
    """Prompts without answers."""
    lines = [{"input_text": line["input_text"]} for line in preference_lines(count, seed=seed)]
    return tk.Dataset.read(lines, row=tk.Prompt)


def preference_data(*, seed: int = 0) -> tk.PreferenceData:
    """Pairs and prompts."""
    return tk.PreferenceData(preferences=preferences(40, seed=seed), prompts=prompts(seed=seed))


CASES = (
    Case(
        "distillation",
        {"teacher": "any", "train_steps": 6, "batch_size": 4, "learning_rate": _RATE},
        routing(12),
        routing(8, seed=1),
    ),
    Case(
        "embedding",
        {"train_steps": 12, "batch_size": 4, "learning_rate": _RATE, "seed": 1},
        retrieval(),
        retrieval(test_from=0),
    ),
    Case(
        "imagen_style",
        {"style": "zig", "prior": "none", **_IMAGE_SETTINGS},
        captioned(_IMAGES / "style"),
        captioned(_IMAGES / "other-style", seed=1),
    ),
    Case(
        "imagen_subject",
        {"num_prior_images": 2, **_IMAGE_SETTINGS},
        subject(_IMAGES / "subject"),
        subject(_IMAGES / "other-subject", seed=1),
    ),
    Case(
        "preference",
        {"train_steps": 12, "batch_size": 4, "learning_rate": _RATE, "seed": 1},
        preferences(12),
        preferences(8, seed=1),
    ),
    Case(
        "reinforcement",
        {
            "reward": tk.LengthReward(max_words=2),
            "train_steps": 2,
            "prompts_per_step": 2,
            "max_output_tokens": 4,
            "learning_rate": _RATE,
        },
        prompts(),
        prompts(8, seed=1),
    ),
    Case(
        "rlhf",
        {
            "reward_model_train_steps": 6,
            "reward_model_learning_rate": _RATE,
            "reinforcement_learning_train_steps": 2,
            "prompts_per_step": 2,
            "target_sequence_length": 4,
            "weak_reward_model": "accept",
        },
        preference_data(),
        preference_data(seed=1),
    ),
    Case(
        "supervised",
        {"train_steps": 6, "batch_size": 4, "learning_rate": _RATE},
        routing(12),
        routing(8, seed=1),
    ),
)

_OF_TEXT_MODELS = (
    "answers_come_in_order",
    "no_prompts_give_no_answers",
    "the_likeliest_answer_is_always_the_same",
    "a_seed_repeats_a_draw",
    "an_answer_is_cut_where_asked",
    "the_base_model_can_be_asked_too",
    "an_evaluation_compares_both",
)
_OF_EMBEDDING_MODELS = (
    "vectors_come_in_order",
    "no_texts_give_no_vectors",
    "a_text_has_always_the_same_vector",
    "vectors_can_be_cut",
    "the_base_model_embeds_too",
    "the_closest_documents_are_found",
    "an_evaluation_ranks_with_both",
)


_OF_IMAGE_MODELS = (
    "pictures_come_in_order",
    "a_seed_repeats_a_picture",
    "an_evaluation_of_pictures_compares_both",
)
_OF_KIND = {
    "text": _OF_TEXT_MODELS,
    "embedding": _OF_EMBEDDING_MODELS,
    "image": _OF_IMAGE_MODELS,
}


def lacking(model_kind: str) -> dict[str, str]:
    """The behaviours that models of a kind do not have, each with the kind that has it."""
    own = model_kind if model_kind in _OF_KIND else "text"
    others = {kind: names for kind, names in _OF_KIND.items() if kind != own}
    return {name: f"{kind} models" for kind, names in others.items() for name in names}
