"""The trainer of embedding models: that of sentence-transformers, with checkpoints of ours.

Belongs here: losses, the trainer, and the evaluation on the way. Imported in the worker only.
Does not belong here: rows (`embedding_rows.py`), hooks (`hooks.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from sentence_transformers.base.evaluation import BaseEvaluator
from sentence_transformers.sentence_transformer import losses

from tunekit.backends.local.embedders import Embedder, load_weights_into, save_weights
from tunekit.backends.local.embedding_batches import LabelledBatchSampler, Relevant
from tunekit.backends.local.embedding_rows import Texts
from tunekit.data.rows import RelevanceLabel
from tunekit.evaluation.retrieval import ndcg, ranking
from tunekit.tuners.embedding import EmbeddingTask

if TYPE_CHECKING:
    import torch

_TOKENS_AT_ONCE = 16_384
"""Tokens of a batch that go through the model at once; more are gone through in parts, with the same result."""
_COMPARED = 2_000
"""Documents that are ranked while training, at the most: the labelled ones, and the first others."""
_SMALLEST = 32
"""Dimensions below which no shorter vector is trained unless it is asked for."""


class EmbeddingTrainer(SentenceTransformerTrainer):
    """Saves and loads checkpoints without the base model, and writes no card, which would quote rows."""

    base_model: str
    """What an adapter names as its base."""
    relevant: Relevant | None = None
    """What is relevant to each query, where batches are ranked; `None` draws rows as they come."""

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Gather nothing for a card."""

    def get_batch_sampler(  # noqa: PLR0917  # as the trainer calls it
        self,
        dataset: Any,
        batch_size: int,
        drop_last: bool,  # noqa: FBT001
        valid_label_columns: list[str] | None = None,
        generator: torch.Generator | None = None,
        seed: int = 0,
    ) -> Any:
        """Batches in which a document is relevant to its own query only."""
        if self.relevant is None:
            return super().get_batch_sampler(
                dataset, batch_size, drop_last, valid_label_columns, generator, seed
            )
        return LabelledBatchSampler(
            dataset, self.relevant, batch_size=batch_size, generator=generator, seed=seed
        )

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        save_weights(self.model, Path(output_dir or str(self.args.output_dir)), self.base_model)

    def _load_from_checkpoint(self, checkpoint_path: str, model: Any = None) -> None:
        load_weights_into(self.model, Path(checkpoint_path))


class ValidationEvaluator(BaseEvaluator):
    """nDCG@10 on validation labels, among the labelled documents and some others.

    Args:
        labels: The labels.
        texts: What their ids stand for.
        query_task: What queries are embedded for.
        cut_to: Numbers in a vector.
    """

    def __init__(
        self,
        labels: Sequence[RelevanceLabel],
        texts: Texts,
        query_task: EmbeddingTask,
        cut_to: int | None,
    ) -> None:
        self.greater_is_better = True
        self.primary_metric = None
        self._query_task: EmbeddingTask = query_task
        self._cut_to = cut_to
        self._scores: dict[str, dict[str, int]] = {}
        for label in labels:
            self._scores.setdefault(label.query_id, {})[label.document_id] = label.score
        labelled = {label.document_id for label in labels}
        kept = list(dict.fromkeys([*sorted(labelled), *texts.documents]))[:_COMPARED]
        self._documents = {id_: texts.documents[id_] for id_ in kept}
        self._queries = {id_: texts.queries[id_] for id_ in self._scores}

    def __call__(
        self,
        model: Any,
        output_path: str | None = None,
        epoch: float = -1,
        steps: int = -1,
    ) -> dict[str, float]:
        """The figure by its name."""
        embedder = Embedder(model, model.get_embedding_dimension(), self._cut_to)
        texts = list(self._documents.values())
        documents = embedder.vectors(texts, "RETRIEVAL_DOCUMENT", None)
        queries = embedder.vectors(list(self._queries.values()), self._query_task, None)
        figures = [
            ndcg(
                ranking(dict(zip(self._documents, row.tolist(), strict=True))),
                self._scores[query_id],
                k=10,
            )
            for query_id, row in zip(self._queries, queries @ documents.T, strict=True)
        ]
        return {"ndcg_at_10": sum(figures) / len(figures)}


def loss_for(
    model: SentenceTransformer, *, graded: bool, longest: int, batch: int, cut_to: int | None
) -> torch.nn.Module:
    """What is minimised.

    Args:
        model: What is trained.
        graded: Whether pairs have scores.
        longest: Tokens of the longest text.
        batch: Texts in a batch.
        cut_to: The shortest vectors that have to do; `None` trains whole ones only.
    """
    inner: torch.nn.Module
    if graded:
        inner = losses.CoSENTLoss(model)
    elif batch * longest > _TOKENS_AT_ONCE:
        at_once = max(1, _TOKENS_AT_ONCE // longest)
        inner = losses.CachedMultipleNegativesRankingLoss(model, mini_batch_size=at_once)
    else:
        inner = losses.MultipleNegativesRankingLoss(model)
    if cut_to is None:
        return inner
    lengths = dimensions(model.get_embedding_dimension() or 0, cut_to)
    return losses.MatryoshkaLoss(model, inner, lengths, shares(lengths))


def dimensions(whole: int, cut_to: int) -> list[int]:
    """The lengths of vectors that are trained together: all, halves of it, and the one that is asked for."""
    found = {whole, cut_to}
    half = whole // 2
    while half > cut_to and half >= _SMALLEST:
        found.add(half)
        half //= 2
    return sorted(found, reverse=True)


def shares(lengths: Sequence[int]) -> list[float]:
    """How much vectors of each length count in the loss, in proportion to it; all together count as one.

    The first numbers of a vector are learnt with every length, the last ones with the whole vector only. With equal
    shares the last ones lag behind, and whole vectors find less than short ones.
    """
    return [length / sum(lengths) for length in lengths]
