"""`retrieval_labels`: how relevant a document is: `{"query-id", "corpus-id", "score"}`, a `.tsv` file with that header.

The labels of Vertex AI's tuning of text embeddings, and the `qrels` of BEIR. A score that is left out is 1.
Source: https://cloud.google.com/vertex-ai/generative-ai/docs/models/tune-embeddings, https://github.com/beir-cellar/beir.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from tunekit.data.check import rules
from tunekit.data.check.syntax import JsonObject
from tunekit.data.formats.base import Format
from tunekit.data.formats.wire import Text, WireRow
from tunekit.data.rows import RelevanceLabel


def _score(value: object) -> int:
    """A score as a file writes it: digits in a table, a number in JSON."""
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and text.isascii() and text.isdigit():
        return int(text)
    if isinstance(text, int) and not isinstance(text, bool) and text >= 0:
        return text
    raise PydanticCustomError(
        rules.LABEL_SCORE.id, "The score is not a whole number that is 0 or more."
    )


class LabelLine(WireRow):
    """A line that holds a label."""

    model_config = ConfigDict(populate_by_name=False)

    query_id: Text = Field(alias="query-id")
    document_id: Text = Field(alias="corpus-id")
    score: Annotated[int, BeforeValidator(_score)] = 1


class RetrievalLabelsFormat(Format[LabelLine, RelevanceLabel]):
    """The format of labels."""

    name = "retrieval_labels"
    row_type = RelevanceLabel

    def claims(self, line: JsonObject) -> bool:
        return "query-id" in line or "corpus-id" in line

    def resembles(self, line: JsonObject) -> bool:
        return self.claims(line)

    def wire_for(self, line: JsonObject) -> type[LabelLine]:
        return LabelLine

    def row_of(self, wire: LabelLine) -> RelevanceLabel:
        return RelevanceLabel(
            query_id=wire.query_id,
            document_id=wire.document_id,
            score=wire.score,
            extra=wire.unknown_fields,
        )

    def line_of(self, row: RelevanceLabel) -> JsonObject:
        return {"query-id": row.query_id, "corpus-id": row.document_id, "score": row.score}
