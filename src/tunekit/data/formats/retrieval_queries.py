"""`retrieval_queries`: what is looked for: `{"_id", "text"}`.

The queries of Vertex AI's tuning of text embeddings, and of BEIR, whose `metadata` is carried along.
Source: https://cloud.google.com/vertex-ai/generative-ai/docs/models/tune-embeddings, https://github.com/beir-cellar/beir.
"""

from __future__ import annotations

from pydantic import ConfigDict, Field, JsonValue

from tunekit.data.check.syntax import JsonObject
from tunekit.data.formats.base import Format
from tunekit.data.formats.retrieval_corpus import carried_along
from tunekit.data.formats.wire import Text, WireRow
from tunekit.data.rows import Query


class QueryLine(WireRow):
    """A line that holds a query."""

    model_config = ConfigDict(populate_by_name=False)

    id: Text = Field(alias="_id")
    text: Text
    metadata: JsonValue = None


class RetrievalQueriesFormat(Format[QueryLine, Query]):
    """The format of queries. A line may be one of `retrieval_corpus` as well: the kind of row decides."""

    name = "retrieval_queries"
    row_type = Query

    def claims(self, line: JsonObject) -> bool:
        return "_id" in line and "text" in line and "title" not in line

    def resembles(self, line: JsonObject) -> bool:
        return "_id" in line or "text" in line

    def wire_for(self, line: JsonObject) -> type[QueryLine]:
        return QueryLine

    def row_of(self, wire: QueryLine) -> Query:
        return Query(id=wire.id, text=wire.text, extra=carried_along(wire))

    def line_of(self, row: Query) -> JsonObject:
        return {"_id": row.id, "text": row.text}
