"""Which pairs of texts are learnt together: none whose document is relevant to the query of another.

Where a batch is ranked, each document counts as irrelevant to all queries but its own. The sampler of
sentence-transformers keeps equal texts apart; it does not know labels, by which a document may be relevant to several
queries.

Belongs here: the batches. Imported in the worker only.
Does not belong here: rows (`embedding_rows.py`), losses and the trainer (`embedding_trainer.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from sentence_transformers.base.sampler import DefaultBatchSampler

Relevant: TypeAlias = Mapping[str, Collection[str]]
"""Texts of the documents that are relevant to a query, by its text."""

_LOOKED_AT = 32
"""Rows that are looked at for each place in a batch; a batch for which none of them will do stays smaller."""


@dataclass(slots=True)
class _Batch:
    """Rows that may be learnt together."""

    rows: list[int] = field(default_factory=list[int])
    documents: set[str] = field(default_factory=set[str])
    relevant: set[str] = field(default_factory=set[str])
    """To any query of the batch."""

    def takes(self, documents: Collection[str], relevant: Collection[str]) -> bool:
        """Whether neither side has a document that is relevant to a query of the other."""
        return self.relevant.isdisjoint(documents) and self.documents.isdisjoint(relevant)

    def add(self, row: int, documents: Collection[str], relevant: Collection[str]) -> None:
        self.rows.append(row)
        self.documents.update(documents)
        self.relevant.update(relevant)


class LabelledBatchSampler(DefaultBatchSampler):
    """Draws batches in which a document is relevant to its own query only.

    Every row is in one batch of a pass. Rows that do not go together wait for a later batch, so that there may be more
    and smaller batches than the rows would fill.

    Args:
        dataset: Rows of a query, its relevant document and any number of irrelevant ones, in that order.
        relevant: What is relevant to each query.
        batch_size: Rows in a batch, at most.
        generator: Decides the order, together with the seed and the epoch.
        seed: Decides the order.
    """

    def __init__(
        self,
        dataset: Any,
        relevant: Relevant,
        *,
        batch_size: int,
        generator: torch.Generator | None,
        seed: int,
    ) -> None:
        super().__init__(
            dataset, batch_size=batch_size, drop_last=False, generator=generator, seed=seed
        )
        queries, *documents = (dataset[name][:] for name in dataset.column_names)
        self._documents = list(zip(*documents, strict=True))
        self._relevant = [relevant[query] for query in queries]

    def __iter__(self) -> Iterator[list[int]]:
        """Indices of rows, batch by batch."""
        if self.generator is not None:
            self.generator.manual_seed(self.seed + self.epoch)
        waiting = deque(torch.randperm(len(self._documents), generator=self.generator).tolist())
        while waiting:
            yield self._next_batch(waiting)

    def _next_batch(self, waiting: deque[int]) -> list[int]:
        batch, passed_over = _Batch(), list[int]()
        for _ in range(min(len(waiting), self.batch_size * _LOOKED_AT)):
            row = waiting.popleft()
            texts = self._documents[row], self._relevant[row]
            if batch.takes(*texts):
                batch.add(row, *texts)
            else:
                passed_over.append(row)
            if len(batch.rows) == self.batch_size:
                break
        waiting.extendleft(reversed(passed_over))
        return batch.rows
