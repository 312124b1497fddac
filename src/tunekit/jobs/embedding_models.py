"""Tuned embedding models: the handle to embed, search, evaluate and export.

Belongs here: what a user does with an embedding model, whatever the backend.
Does not belong here: running a model (`backends/`), the figures (`evaluation/retrieval.py`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tunekit._value import Value
from tunekit.data.check import rules
from tunekit.data.dataset import Dataset, Located
from tunekit.data.rows import Document, Query
from tunekit.errors import MethodUnsupported, SettingInvalid
from tunekit.evaluation.retrieval import (
    RANKED,
    Found,
    RetrievalEvaluation,
    compare_retrieval,
    judged_by,
    ranking,
)
from tunekit.jobs.backend import Embeds
from tunekit.jobs.exporting import Exported, Exports
from tunekit.jobs.models import TunedModel
from tunekit.jobs.retries import persistently
from tunekit.tuners.embedding import EmbeddingTask, EmbeddingTuner
from tunekit.tuners.retrieval import LabelsName, RetrievalData

if TYPE_CHECKING:
    from tunekit.jobs.backend import Vectors

_AT_ONCE = 256
"""Queries whose similarities to all documents are held in memory at once."""


class Match(Value):
    """A document that was found."""

    document: Document
    similarity: float
    """How close it is to the query; 1 is the same direction where the model compares by cosine."""


class EmbeddingModel(TunedModel):
    """A tuned model that turns texts into vectors."""

    def embed(
        self,
        texts: Iterable[str],
        *,
        task_type: EmbeddingTask = "DEFAULT",
        output_dimensionality: int | None = None,
    ) -> Vectors:
        """Turn texts into vectors: a `float32` array of the shape `(num_texts, num_dimensions)`.

        Vectors of a model that compares by cosine, as nearly all do, have the length 1, also when they are cut.

        Args:
            texts: What to embed. A text that is longer than the model takes is cut at its end.
            task_type: What the texts are embedded for: `RETRIEVAL_QUERY` and `RETRIEVAL_DOCUMENT` take the prompts of
                the base model for queries and documents where it has some, `DEFAULT` the one that it uses by itself.
            output_dimensionality: Numbers in a vector, at least 1. `None` takes what the model was tuned for.

        Raises:
            MethodUnsupported: The backend cannot ask its models.
            ModelNotFound: The weights are gone.
            SettingInvalid: The texts are a single one, or the model has fewer dimensions.
        """
        if isinstance(texts, str):
            raise SettingInvalid(
                "embed() takes several texts, and was given one.",
                hint="Write model.embed([text])[0].",
                place="texts",
            )
        return self._vectors(list(texts), task_type, output_dimensionality, tuned=True)

    def search(
        self,
        query: str,
        top_k: int = 10,
        *,
        corpus: Dataset[Document] | None = None,
    ) -> list[Match]:
        """The documents that are closest to a query, the closest first.

        Args:
            query: What to look for.
            top_k: How many documents to give, at least 1.
            corpus: Documents to search; they are embedded anew in each call. `None` takes those that the model was
                tuned on, which are embedded once.

        Raises:
            SettingInvalid: `top_k` is below 1, or there is no document.
            ModelNotFound: The weights or the documents are gone.
            MethodUnsupported: The backend cannot ask its models.
        """
        if top_k < 1:
            raise SettingInvalid(
                f"top_k is {top_k!r}.", hint="Write how many documents to give.", place="top_k"
            )
        documents, vectors = self._index if corpus is None else self._indexed(corpus)
        if not documents:
            raise SettingInvalid("There is no document to search.", hint="Pass a corpus with some.")
        asked = self._vectors([query], self._tuner.query_task, None, tuned=True)
        by_id = {document.id: document for document in documents}
        ids = [document.id for document in documents]
        ((found, similarities),) = _nearest(asked, vectors, ids, top_k)
        return [Match(document=by_id[id_], similarity=similarities[id_]) for id_ in found]

    def evaluate(
        self,
        data: RetrievalData,
        *,
        labels: LabelsName | None = None,
        output_dimensionality: int | None = None,
        max_queries: int | None = None,
    ) -> RetrievalEvaluation:
        """Hold the tuned and the base model against labels: nDCG@10, MRR and recall, each with a 95 % interval.

        Both models rank all documents of the data for every query that has a label. The figures are those of trec_eval.
        Labels that name a document or query which is not there, as in a part of a public collection, are left out, and
        so is a query without a relevant document then. The figures are those of trec_eval on the labels that remain.

        Args:
            data: Documents, queries and labels; labels to train on are not needed.
            labels: Which labels. `None` takes those for the test, else those for validation.
            output_dimensionality: Numbers in a vector of the tuned model. `None` takes what it was tuned for. The base
                model always has all of its own.
            max_queries: Take only the first so many. `None` takes all.

        Raises:
            DatasetInvalid: The data have other errors; it carries the report with all of them.
            SettingInvalid: There are no such labels, or none names a query and a document that are there.
            MethodUnsupported: The backend cannot ask its models.
        """
        chosen = labels or ("validation" if data.test_labels is None else "test")
        data.labels(chosen)
        data.check().without(rules.DANGLING_LABEL.id).raise_if_errors()
        corpus = list(data.corpus)
        judged = judged_by(
            data.labels(chosen),
            queries={query.id for query in data.queries},
            documents={document.id for document in corpus},
        )
        scores = judged.scores
        queries = list(islice(_labelled(data.queries, scores), max_queries))
        if not queries:
            raise SettingInvalid(
                f"No query has {chosen} labels whose documents are there.",
                hint="Label at least one.",
                place="RetrievalData",
            )
        ranked = {
            tuned: self._ranked(queries, corpus, output_dimensionality, tuned=tuned)
            for tuned in (True, False)
        }
        found = [
            Found(
                query_id=query.row.id,
                place=str(query.place),
                text=query.row.text,
                scores=scores[query.row.id],
                tuned=tuple(of_tuned),
                base=tuple(of_base),
            )
            for query, of_tuned, of_base in zip(queries, ranked[True], ranked[False], strict=True)
        ]
        return compare_retrieval(found, documents=len(corpus), judged=judged)

    def export(
        self, folder: str | os.PathLike[str], *, format: Literal["safetensors"] = "safetensors"
    ) -> Exported:
        """Write the model to a folder that `SentenceTransformer(folder)` loads, without tunekit and its base model.

        What was written is loaded and asked, and held against the tuned model.

        Args:
            folder: Where to; it must not be there yet.
            format: `safetensors` is the only one.

        Raises:
            FileKept: The folder is there already.
            ExportDrifted: What was written gives other vectors; nothing is left behind.
            MethodUnsupported: The backend cannot export, or not in that format.
        """
        backend = self._backend
        if not isinstance(backend, Exports):
            raise MethodUnsupported(
                f"The backend {backend.name!r} cannot export its models.",
                hint="Tune on another backend.",
            )
        return backend.export_model(self.id, Path(folder).absolute(), format, max_drift=None)

    def _ranked(
        self,
        queries: Sequence[Located[Query]],
        corpus: Sequence[Document],
        output_dimensionality: int | None,
        *,
        tuned: bool,
    ) -> Iterator[list[str]]:
        """For each query the ids of the closest documents."""
        cut = output_dimensionality if tuned else None
        texts = [document.content for document in corpus]
        documents = self._vectors(texts, "RETRIEVAL_DOCUMENT", cut, tuned=tuned)
        asked = [query.row.text for query in queries]
        vectors = self._vectors(asked, self._tuner.query_task, cut, tuned=tuned)
        ids = [document.id for document in corpus]
        return (found for found, _ in _nearest(vectors, documents, ids, RANKED))

    @cached_property
    def _index(self) -> tuple[list[Document], Vectors]:
        """The documents that the model was tuned on, with their vectors."""
        backend = self._embedder()
        return self._indexed(persistently(lambda: list(backend.corpus(self.id)), self._clock))

    def _indexed(self, corpus: Iterable[Document]) -> tuple[list[Document], Vectors]:
        documents = list(corpus)
        texts = [document.content for document in documents]
        return documents, self._vectors(texts, "RETRIEVAL_DOCUMENT", None, tuned=True)

    @cached_property
    def _tuner(self) -> EmbeddingTuner:
        job_id = self._record.job_id
        tuner: EmbeddingTuner = persistently(
            lambda: self._backend.fetch(job_id), self._clock
        ).request.tuner
        return tuner

    def _vectors(
        self,
        texts: Sequence[str],
        task_type: EmbeddingTask,
        output_dimensionality: int | None,
        *,
        tuned: bool,
    ) -> Vectors:
        backend = self._embedder()
        return persistently(
            lambda: backend.embed(
                self.id,
                texts,
                task_type=task_type,
                output_dimensionality=output_dimensionality,
                tuned=tuned,
            ),
            self._clock,
        )

    def _embedder(self) -> Embeds:
        backend = self._backend
        if isinstance(backend, Embeds):
            return backend
        raise MethodUnsupported(
            f"The backend {backend.name!r} cannot ask its embedding models.",
            hint="Use the model where it was deployed, or tune on another backend.",
        )


def _nearest(
    queries: Vectors, documents: Vectors, ids: Sequence[str], count: int
) -> Iterator[tuple[list[str], dict[str, float]]]:
    """For each query the closest documents in order, and their similarities by id."""
    import numpy as np  # noqa: PLC0415  # comes with whatever made the vectors

    kept = min(count, len(ids))
    for start in range(0, len(queries), _AT_ONCE):
        for similarities in queries[start : start + _AT_ONCE] @ documents.T:
            least = np.partition(similarities, -kept)[-kept]  # ties with the last one are kept
            candidates: list[int] = np.flatnonzero(similarities >= least).tolist()
            found = {ids[index]: float(similarities[index]) for index in candidates}
            yield ranking(found)[:kept], found


def _labelled(
    queries: Dataset[Query], scores: Mapping[str, Mapping[str, int]]
) -> Iterator[Located[Query]]:
    return (item for item in queries.located() if item.row.id in scores)
