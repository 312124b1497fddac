"""`retrieval_corpus`: documents to be found: `{"_id", "title", "text"}`, the title optional.

The corpus of Vertex AI's tuning of text embeddings, and of BEIR, whose `metadata` is carried along.
Source: https://cloud.google.com/vertex-ai/generative-ai/docs/models/tune-embeddings, https://github.com/beir-cellar/beir.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ConfigDict, Field, JsonValue

from tunekit.data.check import rules
from tunekit.data.check.findings import Problem, Severity
from tunekit.data.check.syntax import JsonObject
from tunekit.data.formats.base import Format
from tunekit.data.formats.wire import Text, WireRow
from tunekit.data.rows import Document


class CorpusLine(WireRow):
    """A line that holds a document."""

    model_config = ConfigDict(populate_by_name=False)

    id: Text = Field(alias="_id")
    title: str = ""
    text: str
    metadata: JsonValue = None


class RetrievalCorpusFormat(Format[CorpusLine, Document]):
    """The format of documents."""

    name = "retrieval_corpus"
    row_type = Document

    def claims(self, line: JsonObject) -> bool:
        return "_id" in line and "text" in line

    def resembles(self, line: JsonObject) -> bool:
        return "_id" in line or "text" in line

    def wire_for(self, line: JsonObject) -> type[CorpusLine]:
        return CorpusLine

    def row_of(self, wire: CorpusLine) -> Document:
        return Document(id=wire.id, title=wire.title, text=wire.text, extra=carried_along(wire))

    def problems_in(self, row: Document) -> Iterator[Problem]:
        if not row.content:
            fact = "The document has neither a title nor a text, so nothing can find it."
            yield Problem(rules.EMPTY_TEXT, fact, field="text", severity=Severity.WARNING)

    def line_of(self, row: Document) -> JsonObject:
        return {"_id": row.id, "title": row.title, "text": row.text}


def carried_along(wire: WireRow) -> JsonObject:
    """The fields that are no part of a row, `metadata` of BEIR among them."""
    metadata = getattr(wire, "metadata", None)
    known: JsonObject = {} if metadata is None else {"metadata": metadata}
    return known | wire.unknown_fields
