"""Embedding models on this machine: loading, asking and saving them; all by way of sentence-transformers.

Belongs here: from a base model to vectors, and from a model in memory to a folder that anybody can load.
Does not belong here: training (`embedding.py`), finding weights (`base_models.py`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tunekit._text import plural
from tunekit.backends.local.base_models import (
    BaseModel,
    beside,
    find_base_model,
    unreachable,
    without_progress_bars,
)
from tunekit.backends.local.trainers import without_machine_paths
from tunekit.errors import SettingInvalid
from tunekit.tuners.embedding import EmbeddingTask

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from tunekit.jobs.backend import Vectors

_BATCH = 32
"""Texts that go through a model at once."""
_KEPT = 2
"""Models that stay loaded."""
_QUERY = ("query", "search_query", "retrieval.query")
_PROMPTS: Mapping[EmbeddingTask, tuple[str, ...]] = MappingProxyType(
    {
        "RETRIEVAL_QUERY": _QUERY,
        "RETRIEVAL_DOCUMENT": ("document", "passage", "corpus", "search_document"),
        "SEMANTIC_SIMILARITY": ("STS", "similarity", "text-matching"),
        "CLASSIFICATION": ("Classification", "classification"),
        "CLUSTERING": ("Clustering", "clustering"),
        "QUESTION_ANSWERING": ("question answering", "question_answering", *_QUERY),
        "FACT_VERIFICATION": ("fact checking", "fact_verification", *_QUERY),
        "CODE_RETRIEVAL_QUERY": ("InstructionRetrieval", "code_query", "nl2code_query", *_QUERY),
    }
)
"""What models call their prompts, in the order in which they are looked for."""


@dataclass(frozen=True, slots=True)
class Embedder:
    """An embedding model in memory."""

    model: SentenceTransformer
    num_dimensions: int
    """Numbers in a vector that is not cut."""
    cut_to: int | None
    """Numbers in a vector unless asked otherwise; `None` does not cut."""

    def vectors(
        self, texts: Sequence[str], task_type: EmbeddingTask, output_dimensionality: int | None
    ) -> Vectors:
        """One vector per text.

        Raises:
            SettingInvalid: The model has fewer dimensions.
        """
        import numpy as np

        cut = output_dimensionality or self.cut_to
        refuse_dimensions(cut, self.num_dimensions)
        if not texts:
            return np.zeros((0, cut or self.num_dimensions), dtype=np.float32)
        found = self.model.encode(
            list(texts),
            prompt=prompt_of(self.model, task_type),
            batch_size=_BATCH,
            normalize_embeddings=self.model.similarity_fn_name == "cosine",
            truncate_dim=cut,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.ascontiguousarray(found, dtype=np.float32)


class Embedders:
    """The embedding models that this process has loaded, the least recently used one dropped first.

    Args:
        home: Root folder of the backend.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._loaded: OrderedDict[str, Embedder] = OrderedDict()

    def get(self, name: str) -> Embedder:
        """The embedding model of that name, which `base_model` would take."""
        if name not in self._loaded:
            self._loaded[name] = load_embedder(find_base_model(name, self._home))
            while len(self._loaded) > _KEPT:
                self._loaded.popitem(last=False)
        self._loaded.move_to_end(name)
        return self._loaded[name]

    def forget(self, name: str) -> None:
        """Drop a model from memory."""
        self._loaded.pop(name, None)


def load_embedder(base: BaseModel) -> Embedder:
    """An embedding model in 32 bits, with every earlier adapter merged into it.

    A model that sentence-transformers does not know gets the mean of its tokens' vectors.

    Raises:
        BaseModelNotFound: It is not there, or cannot be fetched.
    """
    import torch
    from sentence_transformers import SentenceTransformer

    try:
        with without_progress_bars():
            model = SentenceTransformer(
                base.source,
                local_files_only=base.is_here,
                model_kwargs={"use_safetensors": True, "dtype": torch.float32},
                device="cuda" if torch.cuda.is_available() else "cpu",
            )
    except (OSError, ValueError) as error:
        raise unreachable(base, error) from error
    for adapter in base.adapters:
        first: Any = model[0]
        first.model = beside(first.model, adapter).merge_and_unload()
    cut, model.truncate_dim = model.truncate_dim, None
    return Embedder(model.eval(), model.get_embedding_dimension() or 0, cut)


def save_embedder(embedder: Embedder, folder: Path) -> None:
    """Write a model as a folder that `SentenceTransformer(folder)` loads and that gives the same vectors there."""
    model = embedder.model
    model.truncate_dim = embedder.cut_to
    try:
        with without_progress_bars():
            model.save(str(folder), create_model_card=False)
    finally:
        model.truncate_dim = None


def save_weights(model: SentenceTransformer, folder: Path, base_model: str) -> None:
    """Write what of a model is trained: its adapter, or all of it."""
    with without_progress_bars():
        model.save(str(folder), create_model_card=False)
    without_machine_paths(folder, base_model)


def load_weights_into(model: SentenceTransformer, folder: Path) -> None:
    """Put weights that `save_weights` wrote into a model of the same shape."""
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file
    from sentence_transformers import SentenceTransformer

    adapter = folder / "adapter_model.safetensors"
    if adapter.exists():
        first: Any = model[0]
        weights = load_file(adapter)
        bare = {name.removeprefix("base_model.model."): value for name, value in weights.items()}
        set_peft_model_state_dict(first.model, bare)
        return
    with without_progress_bars():
        saved = SentenceTransformer(str(folder), local_files_only=True, device="cpu")
    model.load_state_dict(saved.state_dict())


def prompt_of(model: SentenceTransformer, task_type: EmbeddingTask) -> str | None:
    """What stands before a text of that task; `None` is the model's own default."""
    names = _PROMPTS.get(task_type, ())
    return next((model.prompts[name] for name in names if model.prompts.get(name)), None)


def refuse_dimensions(asked: int | None, there: int) -> None:
    """Raise where more dimensions are asked for than there are.

    Raises:
        SettingInvalid: There are fewer.
    """
    if asked is not None and asked > there:
        raise SettingInvalid(
            f"{asked:,} dimensions are more than the {plural(there, 'dimension')} of the model.",
            hint=f"Write a number from 1 to {there:,}.",
            place="output_dimensionality",
        )
