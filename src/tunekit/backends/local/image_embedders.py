"""Embedding models that see pictures and read texts, such as CLIP: how alike two of them are.

Belongs here: loading one by its folder or hub id, and vectors of length 1.
Does not belong here: what the likeness is taken for (`evaluation/images.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tunekit.errors import BaseModelNotFound

if TYPE_CHECKING:
    from PIL.Image import Image

Vectors = list[list[float]]


class ImageEmbedder:
    """One model in memory.

    Args:
        name: A folder, or an id on the hub.
    """

    def __init__(self, name: str) -> None:
        from transformers import AutoModel, AutoProcessor

        from tunekit.backends.local.base_models import without_progress_bars

        try:
            with without_progress_bars():
                self._model: Any = AutoModel.from_pretrained(name, use_safetensors=True).eval()
                self._processor: Any = AutoProcessor.from_pretrained(name)
        except (OSError, ValueError) as error:
            raise BaseModelNotFound(
                f"The embedding model {name!r} cannot be loaded: {str(error).splitlines()[0]}",
                hint="Name a folder or hub id of a model such as CLIP or SigLIP, or leave it out.",
                place="embedder",
            ) from error
        if not hasattr(self._model, "get_image_features"):
            raise BaseModelNotFound(
                f"The embedding model {name!r} sees no pictures.",
                hint="Name a model such as CLIP or SigLIP, or leave it out.",
                place="embedder",
            )

    def of_pictures(self, pictures: Sequence[Image]) -> Vectors:
        """A vector for each picture."""
        import torch

        with torch.inference_mode():
            seen = self._processor(images=list(pictures), return_tensors="pt")
            return _of_length_1(self._model.get_image_features(**seen))

    def of_texts(self, texts: Sequence[str]) -> Vectors:
        """A vector for each text."""
        import torch

        with torch.inference_mode():
            read = self._processor(
                text=list(texts), return_tensors="pt", padding=True, truncation=True
            )
            return _of_length_1(self._model.get_text_features(**read))


class ImageEmbedders:
    """The embedding model that was asked last, in memory."""

    def __init__(self) -> None:
        self._name = ""
        self._loaded: ImageEmbedder | None = None

    def get(self, name: str) -> ImageEmbedder:
        """The model of that name.

        Raises:
            BaseModelNotFound: There is none.
        """
        if self._loaded is None or self._name != name:
            self._name, self._loaded = name, ImageEmbedder(name)
        return self._loaded


def _of_length_1(features: Any) -> Vectors:
    from torch.nn import functional

    pooled = getattr(features, "pooler_output", features)
    vectors: Vectors = functional.normalize(pooled.float(), dim=-1).tolist()
    return vectors
