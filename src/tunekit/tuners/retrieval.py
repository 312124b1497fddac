"""`RetrievalData`: documents, queries, and labels that say which document is relevant to which query.

Belongs here: putting the parts together, reading a folder of them, and checking them against each other.
Does not belong here: the faults themselves (`data/check/retrieval.py`), tuning (`embedding.py`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from tunekit import catalog
from tunekit._text import either
from tunekit.data.check.findings import Finding
from tunekit.data.check.report import Report, merged
from tunekit.data.check.retrieval import RetrievalLimits, retrieval_findings
from tunekit.data.dataset import Dataset
from tunekit.data.rows import Document, Query, RelevanceLabel, RowT
from tunekit.errors import SettingInvalid, SourceNotFound

LabelsName = Literal["train", "validation", "test"]
"""Which labels."""

AnyPath: TypeAlias = str | os.PathLike[str]

LABELS: tuple[LabelsName, ...] = ("train", "validation", "test")
_FILES: Mapping[LabelsName, tuple[str, ...]] = {
    "train": ("train",),
    "validation": ("dev", "validation", "valid", "val"),
    "test": ("test",),
}
"""What files of labels are called in folders of other people."""


class RetrievalData:
    """Documents, queries, and which document is relevant to which query.

    Args:
        corpus: Documents: a JSON Lines file of `{"_id", "title", "text"}`, or a dataset.
        queries: Queries: a JSON Lines file of `{"_id", "text"}`, or a dataset.
        train_labels: Labels to learn from: a `.tsv` file with the header `query-id corpus-id score`, or a dataset.
            `None` is for data that is only evaluated on.
        validation_labels: Labels to evaluate on during training.
        test_labels: Labels to evaluate the result on.

    Raises:
        SourceNotFound: A file is not there.
    """

    def __init__(
        self,
        *,
        corpus: AnyPath | Dataset[Document],
        queries: AnyPath | Dataset[Query],
        train_labels: AnyPath | Dataset[RelevanceLabel] | None = None,
        validation_labels: AnyPath | Dataset[RelevanceLabel] | None = None,
        test_labels: AnyPath | Dataset[RelevanceLabel] | None = None,
    ) -> None:
        self.corpus = _dataset(corpus, Document)
        self.queries = _dataset(queries, Query)
        self.train_labels = _labels(train_labels)
        self.validation_labels = _labels(validation_labels)
        self.test_labels = _labels(test_labels)

    @classmethod
    def read(cls, folder: AnyPath) -> RetrievalData:
        """A folder as BEIR lays it out: `corpus.jsonl`, `queries.jsonl`, and `train`, `dev` or `test.tsv` in `qrels`.

        Args:
            folder: The folder. Labels to train on need not be there where it is only evaluated on.

        Raises:
            SourceNotFound: There is no such folder, or it has no corpus, no queries or no labels.
        """
        place = Path(folder)
        found = {
            name: next((file for file in _candidates(place, name) if file.is_file()), None)
            for name in LABELS
        }
        if place.is_dir() and not any(found.values()):
            raise SourceNotFound(
                f"There are no labels in {str(place / 'qrels')!r}.",
                hint=f"Put one of {either([f'{name}.tsv' for name in ('train', 'dev', 'test')])} there.",
            )
        return cls(
            corpus=place / "corpus.jsonl",
            queries=place / "queries.jsonl",
            train_labels=found["train"],
            validation_labels=found["validation"],
            test_labels=found["test"],
        )

    def labels(self, name: LabelsName) -> Dataset[RelevanceLabel]:
        """The labels of that name.

        Raises:
            SettingInvalid: There are none.
        """
        found = {part: labels for part, labels in self._labels() if labels is not None}
        if name not in found:
            raise SettingInvalid(
                f"The data has no {name} labels; it has {either(found, last='and') or 'none'}.",
                hint=f"Pass them: tk.RetrievalData(..., {name}_labels=...).",
                place="RetrievalData",
            )
        return found[name]

    def parts(self) -> dict[str, Dataset[Any]]:
        """The datasets by name; labels that are not there are left out."""
        found: dict[str, Dataset[Any]] = {
            name: part for name, part in self._labels() if part is not None
        }
        return found | {"corpus": self.corpus, "queries": self.queries}

    def check(self) -> Report:
        """Find every fault of the files and between them. Bad data is reported, never raised."""
        parts = self.parts()
        report = merged({name: part.check(name=name) for name, part in parts.items()})
        return report.with_findings(findings_between(parts))

    def __repr__(self) -> str:
        labels = [name for name, part in self._labels() if part is not None]
        told = f"with {either(labels, last='and')} labels" if labels else "without labels"
        return f"<RetrievalData of {self.corpus!r} and {self.queries!r}, {told}>"

    def _labels(self) -> Iterator[tuple[LabelsName, Dataset[RelevanceLabel] | None]]:
        yield "train", self.train_labels
        yield "validation", self.validation_labels
        yield "test", self.test_labels


def findings_between(parts: Mapping[str, Dataset[Any]]) -> Iterator[Finding]:
    """The faults between the parts of a retrieval dataset, held against the limits of Vertex AI."""
    limits = RetrievalLimits.model_validate(catalog.limits("retrieval"))
    return retrieval_findings(parts, limits, labels=LABELS)


def _dataset(source: AnyPath | Dataset[RowT], row: type[RowT]) -> Dataset[RowT]:
    return source if isinstance(source, Dataset) else Dataset.read(source, row=row)


def _labels(source: AnyPath | Dataset[RelevanceLabel] | None) -> Dataset[RelevanceLabel] | None:
    return None if source is None else _dataset(source, RelevanceLabel)


def _candidates(folder: Path, name: LabelsName) -> list[Path]:
    return [folder / "qrels" / f"{word}.tsv" for word in _FILES[name]]
