"""What an embedding model learns from: pairs of texts, with documents that do not belong.

Belongs here: from labels to the rows of a trainer, and finding documents that are hard to tell apart.
Does not belong here: losses and trainers (`embedding.py`, `embedding_trainer.py`).
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tunekit.backends.local.embedders import Embedder
from tunekit.data.rows import RelevanceLabel
from tunekit.tuners.embedding import EmbeddingTask

_IRRELEVANT = 2
"""Documents without a label that are added per relevant one where scores are learnt and none are mined."""
_TOO_CLOSE = 0.95
"""Share of the similarity of the relevant document above which another one may be relevant and unlabelled:
https://arxiv.org/abs/2407.15831."""
_QUERIES_AT_ONCE = 256

Columns: TypeAlias = dict[str, list[str] | list[float]]
"""A table for a trainer of sentence-transformers; the order of the columns is their meaning."""
Negatives: TypeAlias = Mapping[str, Sequence[str]]
"""For a query, ids of documents that are hard to tell from the relevant ones, the hardest first."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What ids stand for."""

    queries: Mapping[str, str]
    documents: Mapping[str, str]


class Labels:
    """The labels of one dataset.

    Args:
        labels: All of them.
        seed: Decides which documents are added at random.
    """

    def __init__(self, labels: Sequence[RelevanceLabel], seed: int) -> None:
        self.relevant = [label for label in labels if label.score > 0]
        self.irrelevant: dict[str, list[str]] = defaultdict(list)
        self._highest = max((label.score for label in labels), default=1) or 1
        self._known: dict[str, set[str]] = defaultdict(set)
        self._seed = seed
        for label in labels:
            self._known[label.query_id].add(label.document_id)
            if label.score == 0:
                self.irrelevant[label.query_id].append(label.document_id)

    @property
    def is_graded(self) -> bool:
        """Whether relevant documents have different scores."""
        return len({label.score for label in self.relevant}) > 1

    def relevant_texts(self, texts: Texts) -> dict[str, set[str]]:
        """Texts of the documents that are relevant to each query, by its text."""
        found: dict[str, set[str]] = defaultdict(set)
        for label in self.relevant:
            found[texts.queries[label.query_id]].add(texts.documents[label.document_id])
        return dict(found)

    def ranked_rows(self, texts: Texts, negatives: Negatives, count: int) -> Columns:
        """A query, its relevant document, and so many that are not."""
        columns: Columns = {"anchor": [], "positive": []}
        columns |= {f"negative_{number}": [] for number in range(1, count + 1)}
        draw = random.Random(self._seed)  # noqa: S311  # not a secret
        everything = list(texts.documents)
        for label in self.relevant:
            others = self._others(label.query_id, negatives, count, everything, draw)
            ids = (label.document_id, *others)
            row = (texts.queries[label.query_id], *(texts.documents[id_] for id_ in ids))
            for column, text in zip(columns.values(), row, strict=True):
                column.append(text)  # type: ignore[arg-type]
        return columns

    def scored_rows(self, texts: Texts, negatives: Negatives, count: int) -> Columns:
        """A query, a document and a score from 0 to 1, irrelevant documents among them."""
        anchors, documents, scores = list[str](), list[str](), list[float]()
        draw = random.Random(self._seed)  # noqa: S311  # not a secret
        everything = list(texts.documents)
        for label in self.relevant:
            others = self._others(
                label.query_id, negatives, max(count, _IRRELEVANT), everything, draw
            )
            scored = [(label.document_id, label.score / self._highest)]
            for id_, score in (*scored, *((other, 0.0) for other in others)):
                anchors.append(texts.queries[label.query_id])
                documents.append(texts.documents[id_])
                scores.append(score)
        return {"sentence1": anchors, "sentence2": documents, "score": scores}

    def mined(
        self, embedder: Embedder, texts: Texts, count: int, *, query_task: EmbeddingTask
    ) -> dict[str, list[str]]:
        """For each query documents that a model finds close to it, though no label calls them relevant."""
        import numpy as np

        ids = list(texts.documents)
        place = {id_: index for index, id_ in enumerate(ids)}
        asked = list(dict.fromkeys(label.query_id for label in self.relevant))
        documents = embedder.vectors(list(texts.documents.values()), "RETRIEVAL_DOCUMENT", None)
        found: dict[str, list[str]] = {}
        for start in range(0, len(asked), _QUERIES_AT_ONCE):
            part = asked[start : start + _QUERIES_AT_ONCE]
            queries = embedder.vectors([texts.queries[id_] for id_ in part], query_task, None)
            for query_id, similarities in zip(part, queries @ documents.T, strict=True):
                known = self._known[query_id]
                closest = max(float(similarities[place[id_]]) for id_ in known)
                order = np.argsort(-similarities, kind="stable")
                hard = (
                    ids[index]
                    for index in order
                    if ids[index] not in known and similarities[index] <= _TOO_CLOSE * closest
                )
                found[query_id] = [id_ for id_, _ in zip(hard, range(count), strict=False)]
        return found

    def _others(
        self,
        query_id: str,
        negatives: Negatives,
        count: int,
        everything: Sequence[str],
        draw: random.Random,
    ) -> list[str]:
        """So many documents that are not relevant: labelled so, mined, and the rest drawn."""
        judged = [*self.irrelevant[query_id], *negatives.get(query_id, ())] if count else []
        chosen = list(dict.fromkeys(judged))[:count]
        return chosen + list(self._drawn(query_id, count - len(chosen), everything, draw))

    def _drawn(
        self, query_id: str, count: int, everything: Sequence[str], draw: random.Random
    ) -> Iterator[str]:
        """Documents without a label for the query; one with a label where there is nothing else."""
        known = self._known[query_id]
        for _ in range(count):
            tries = (draw.choice(everything) for _ in range(100))
            yield next((id_ for id_ in tries if id_ not in known), everything[-1])
