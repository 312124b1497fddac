"""Holds labels, queries and documents against each other.

Belongs here: faults that no single file shows, each with the line and the field where it is.
Does not belong here: faults of one line (`formats/`, `tabular.py`), which limits a provider has (`catalog/`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tunekit._text import plural
from tunekit._value import Value
from tunekit.data.check import rules
from tunekit.data.check.findings import Finding, Place, Problem, Rule
from tunekit.data.rows import Document, Query, RelevanceLabel, RowT

_LISTED = 100
"""Documents or queries without a label that are named one by one; of the others the number is told."""
_TRAIN = "train"


class RetrievalLimits(Value):
    """How many of each a provider takes."""

    queries: tuple[int, int]
    documents: tuple[int, int]
    labelled_queries_per_file: int
    """At least so many different queries in each file of labels."""
    labelled_queries: int
    """At least so many different queries in all of them."""
    labels: int
    """Fewer labels than this in all of them."""
    whose: str
    source: str
    """Public page that says so."""


@dataclass(slots=True)
class _Seen:
    """The ids of one dataset, each with the place of its row."""

    noun: str
    places: dict[str, Place] = field(default_factory=dict[str, Place])
    labelled: set[str] = field(default_factory=set[str])

    def gather(self, rows: Iterable[tuple[str, Place]]) -> Iterator[Finding]:
        """Take the ids; a finding for each that is there already."""
        for id_, place in rows:
            first = self.places.setdefault(id_, place)
            if first is not place:
                fact = f"The {self.noun} at {first} has the same id."
                yield Finding.of(Problem(rules.DUPLICATE_ID, fact, "_id", value=id_), place)

    def unlabelled(self, rule: Rule) -> Iterator[Finding]:
        """A finding for each that no label mentions, and one for those beyond the first hundred."""
        left = [place for id_, place in self.places.items() if id_ not in self.labelled]
        for place in left[:_LISTED]:
            yield Finding.of(Problem(rule, f"No label mentions the {self.noun}.", "_id"), place)
        if len(left) > _LISTED:
            more = f"Nor does one mention {len(left) - _LISTED:,} more; {plural(len(left), self.noun)} in all."
            yield Finding.of(Problem(rule, more), None)


@dataclass(slots=True)
class _Labels:
    """What the labels of one dataset say."""

    name: str
    scores: dict[tuple[str, str], tuple[int, Place]] = field(
        default_factory=dict[tuple[str, str], tuple[int, Place]]
    )
    first: dict[str, Place] = field(default_factory=dict[str, Place])
    """The first label of each query."""
    relevant: set[str] = field(default_factory=set[str])
    """Queries for which a document is relevant."""
    rows: int = 0


def retrieval_findings(
    parts: Mapping[str, Any], limits: RetrievalLimits, *, labels: Iterable[str]
) -> Iterator[Finding]:
    """Every fault between the parts of a retrieval dataset; lines that are no rows are passed over.

    Args:
        parts: Datasets by name, among them `corpus` and `queries`.
        limits: How many of each are taken.
        labels: Names of the parts that are labels.
    """
    documents, queries = _Seen("document"), _Seen("query")
    corpus, asked = _rows(parts["corpus"], Document), _rows(parts["queries"], Query)
    yield from documents.gather((row.id, place) for row, place in corpus)
    yield from queries.gather((row.id, place) for row, place in asked)
    read = [_Labels(name) for name in labels if name in parts]
    for part in read:
        yield from _label_findings(
            part, _rows(parts[part.name], RelevanceLabel), queries, documents
        )
    yield from _leaks(read)
    yield from _beyond(limits, queries, documents, read)
    yield from documents.unlabelled(rules.UNLABELLED_DOCUMENT)
    yield from queries.unlabelled(rules.UNLABELLED_QUERY)


def _rows(dataset: Any, kind: type[RowT]) -> Iterator[tuple[RowT, Place]]:
    """The rows of that kind; others are told elsewhere."""
    for item in dataset.readable():
        if isinstance(item.row, kind):
            yield item.row, item.place


def _label_findings(
    part: _Labels,
    rows: Iterable[tuple[RelevanceLabel, Place]],
    queries: _Seen,
    documents: _Seen,
) -> Iterator[Finding]:
    for label, place in rows:
        part.rows += 1
        part.first.setdefault(label.query_id, place)
        if label.score > 0:
            part.relevant.add(label.query_id)
        yield from _dangling(label, place, queries, documents)
        before = part.scores.setdefault((label.query_id, label.document_id), (label.score, place))
        if before[0] != label.score:
            fact = (
                f"At {before[1]} the same document has the score {before[0]:,} for the same query."
            )
            yield Finding.of(Problem(rules.CONFLICTING_LABEL, fact, "score"), place)
    for id_, place in part.first.items():
        if id_ not in part.relevant:
            fact = "No document is relevant to the query: all its scores are 0."
            yield Finding.of(Problem(rules.NO_RELEVANT_DOCUMENT, fact, "score"), place)


def _dangling(
    label: RelevanceLabel, place: Place, queries: _Seen, documents: _Seen
) -> Iterator[Finding]:
    sides = (("query-id", label.query_id, queries), ("corpus-id", label.document_id, documents))
    for column, id_, seen in sides:
        seen.labelled.add(id_)
        if id_ not in seen.places:
            fact = f"There is no {seen.noun} of that id."
            yield Finding.of(Problem(rules.DANGLING_LABEL, fact, column, value=id_), place)


def _leaks(read: list[_Labels]) -> Iterator[Finding]:
    train = next((part for part in read if part.name == _TRAIN), None)
    if train is None:
        return
    for part in read:
        for id_, place in part.first.items() if part is not train else ():
            if id_ in train.first:
                fact = f"The same query is trained on at {train.first[id_]}."
                yield Finding.of(Problem(rules.LEAKED_QUERY, fact, "query-id"), place)


def _beyond(
    limits: RetrievalLimits, queries: _Seen, documents: _Seen, read: list[_Labels]
) -> Iterator[Finding]:
    for seen, (least, most) in ((queries, limits.queries), (documents, limits.documents)):
        count = len(seen.places)
        if not least <= count <= most:
            plurals = {"query": "queries"}.get(seen.noun)
            told = plural(count, seen.noun, plurals)
            yield _limit(limits, f"There are {told}; {limits.whose} takes {least:,} to {most:,}.")
    for part in read:
        if len(part.first) < limits.labelled_queries_per_file:
            told = plural(len(part.first), "query", "queries")
            least = limits.labelled_queries_per_file
            fact = f"The {part.name} labels are about {told}; {limits.whose} wants {least} or more."
            yield _limit(limits, fact)
    labelled = Counter(id_ for part in read for id_ in part.first)
    if read and len(labelled) < limits.labelled_queries:
        told = plural(len(labelled), "query", "queries")
        fact = f"All labels together are about {told}; {limits.whose} wants {limits.labelled_queries} or more."
        yield _limit(limits, fact)
    rows = sum(part.rows for part in read)
    if rows >= limits.labels:
        fact = (
            f"There are {plural(rows, 'label')}; {limits.whose} takes fewer than {limits.labels:,}."
        )
        yield _limit(limits, fact)


def _limit(limits: RetrievalLimits, fact: str) -> Finding:
    fix = f"Nothing to do on this machine; {limits.whose} would refuse them ({limits.source})."
    return Finding.of(Problem(rules.RETRIEVAL_LIMIT, fact, fix=fix), None)
