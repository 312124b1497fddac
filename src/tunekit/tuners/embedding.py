"""`EmbeddingTuner`: texts that belong together get vectors that lie together.

Belongs here: the settings of embedding tuning, their ranges and defaults.
Does not belong here: its data (`retrieval.py`), running it (`backends/*/embedding.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from tunekit.data.check.findings import Finding
from tunekit.data.check.report import Report
from tunekit.data.dataset import Dataset
from tunekit.data.rows import Document, Query, RelevanceLabel, Row
from tunekit.tuners.base import Circumstances, Setting, refuse_other_names
from tunekit.tuners.retrieval import RetrievalData, findings_between
from tunekit.tuners.text import StepwiseTuner

if TYPE_CHECKING:
    from tunekit.jobs.embedding_models import EmbeddingModel  # noqa: F401  # the model that it gives

EmbeddingTask = Literal[
    "DEFAULT",
    "RETRIEVAL_QUERY",
    "RETRIEVAL_DOCUMENT",
    "SEMANTIC_SIMILARITY",
    "CLASSIFICATION",
    "CLUSTERING",
    "QUESTION_ANSWERING",
    "FACT_VERIFICATION",
    "CODE_RETRIEVAL_QUERY",
]
"""What a text is embedded for, in the words of Vertex AI
(https://cloud.google.com/vertex-ai/generative-ai/docs/embeddings/task-types)."""


class EmbeddingTuner(StepwiseTuner["RetrievalData", "EmbeddingModel"]):
    """Teaches an embedding model which documents belong to which queries, so that search finds them.

    Rows:
        `RetrievalData`: `Document` and `Query` rows, and `RelevanceLabel` rows that join them.

    When to use:
        Search or retrieval misses what people mean, because they write in words that the base model does not know.

    When not:
        A few queries only: below some hundred labels, look first at what the documents leave out.

    Cost:
        A query and a document per label go through a model that is small as a rule. An adapter trains about 3 % of the
        weights of a small one; `tuning_mode="full"` trains all of them.

    See instead:
        `SupervisedTuner` where a text has one of a few labels.

    Example:
        >>> import tunekit as tk
        >>> tuner = tk.EmbeddingTuner(base_model="tunekit/minilm", output_dimensionality=96)
        >>> tuner.task_type
        'DEFAULT'
    """

    kind: ClassVar[str] = "embedding"
    model_kind: ClassVar[str] = "embedding"
    takes: ClassVar[Mapping[str, tuple[type[Row], ...]]] = MappingProxyType(
        {
            "train": (RelevanceLabel,),
            "validation": (RelevanceLabel,),
            "test": (RelevanceLabel,),
            "corpus": (Document,),
            "queries": (Query,),
        }
    )

    task_type: EmbeddingTask = "DEFAULT"
    """What queries are embedded for. Where the base model has a prompt for it, queries are trained and searched with
    that prompt, and documents with the one for documents. `DEFAULT` is what the base model does with queries."""
    tuning_mode: Literal["adapter", "full"] = "adapter"
    """`adapter` trains a low-rank adapter beside the frozen weights, `full` trains all weights; a full run takes no
    `adapter_size`."""
    output_dimensionality: int | None = Field(default=None, ge=1)
    """Numbers in a vector, at most those of the base model. With fewer, the model learns to put what matters first, so
    that vectors can be cut to that length (https://arxiv.org/abs/2205.13147); whole ones count for more in what it
    learns, so that they stay as good. That takes more steps. `None` keeps those of the base model."""
    objective: Literal["auto", "ranking", "scores"] = "auto"
    """`ranking` draws a query to its relevant document and away from the others of the batch, of which no label calls
    one relevant to it (https://arxiv.org/abs/1705.00652); `scores` orders pairs by their scores, irrelevant ones among
    them (https://kexue.fm/archives/8847). `auto` takes `scores` where relevant documents have different scores."""
    hard_negatives: int = Field(default=0, ge=0, le=32)
    """Irrelevant documents per label that the base model finds close to the query, to be told apart. Documents that it
    finds nearly as close as the relevant one are left out, since they may be relevant and unlabelled
    (https://arxiv.org/abs/2407.15831). 0 takes other documents at random."""

    @model_validator(mode="after")
    def _adapter_size_needs_an_adapter(self) -> Self:
        if self.tuning_mode == "full" and self.adapter_size is not None:
            raise ValueError("adapter_size needs tuning_mode='adapter'; a full run has no adapter.")
        return self

    @property
    def trains_adapter(self) -> bool:
        return self.tuning_mode == "adapter"

    @property
    def query_task(self) -> EmbeddingTask:
        """What queries are embedded for, said plainly."""
        return "RETRIEVAL_QUERY" if self.task_type == "DEFAULT" else self.task_type

    def datasets(self, data: RetrievalData) -> Mapping[str, Dataset[Any]]:
        data.labels("train")
        return data.parts()

    def data_of(self, parts: Mapping[str, Dataset[Any]]) -> RetrievalData:
        refuse_other_names(self, parts, needed=("train", "corpus", "queries"))
        return RetrievalData(
            corpus=parts["corpus"].as_rows(Document),
            queries=parts["queries"].as_rows(Query),
            train_labels=parts["train"],
            validation_labels=parts.get("validation"),
            test_labels=parts.get("test"),
        )

    def data_findings(self, parts: Mapping[str, Dataset[Any]], report: Report) -> Iterable[Finding]:
        return findings_between(parts)

    def decided(self, circumstances: Circumstances) -> tuple[Self, tuple[Setting, ...]]:
        tuner, settings = super().decided(circumstances)
        told = [
            Setting(
                name=name,
                value=getattr(self, name),
                source="you" if name in self.model_fields_set else "default",
                why="Given." if name in self.model_fields_set else why,
            )
            for name, why in (
                ("task_type", "What the base model does with queries."),
                ("objective", "Different scores are learnt as such, equal ones by ranking."),
                ("hard_negatives", "The other documents of a batch are told apart."),
            )
        ]
        return tuner, (*settings, *told)
