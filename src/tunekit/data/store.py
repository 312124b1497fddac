"""Where the rows of a job live while it runs: a copy of its own, with the place of every row.

A job must not change when its source file does, and what goes wrong in it must still name the user's own file and line.

Belongs here: writing and reading such a copy.
Does not belong here: files that users read (`Dataset.write`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunekit.data.check.findings import Place
from tunekit.data.check.scan import row_digest
from tunekit.data.dataset import Dataset, Located
from tunekit.data.rows import (
    Conversation,
    Document,
    Preference,
    Prompt,
    PromptCompletion,
    Query,
    RelevanceLabel,
    Row,
)
from tunekit.errors import DatasetChanged

_KINDS: dict[str, type[Row]] = {
    kind.__name__: kind
    for kind in (
        Conversation,
        Document,
        Preference,
        Prompt,
        PromptCompletion,
        Query,
        RelevanceLabel,
    )
}


def write_copy(rows: Dataset[Any], path: Path, *, digest: str) -> None:
    """Copy the rows.

    Args:
        rows: What to copy.
        path: Where to; replaced when it is there.
        digest: What the rows must still be, as `Dataset.digest` gives it.

    Raises:
        DatasetChanged: The rows are other ones by now.
    """
    seen = hashlib.sha256()
    with path.open("w", encoding="utf-8") as file:
        for located in rows.located():
            row, place = located.row, located.place
            seen.update(row_digest(row))
            line = {
                "path": place.path,
                "line": place.line,
                "kind": type(row).__name__,
                "row": row.model_dump(mode="json"),
            }
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    if seen.hexdigest() != digest:
        raise DatasetChanged(
            "The rows are not the ones that were checked a moment ago.",
            hint="Call again when nothing writes to their files.",
            place=", ".join(rows.names) or None,
        )


def read_copy(path: Path) -> Iterator[Located[Any]]:
    """The rows of a copy with the places they had in the user's own files."""
    with path.open(encoding="utf-8") as file:
        for text in file:
            line = json.loads(text)
            row = _KINDS[line["kind"]].model_validate(line["row"])
            yield Located(row, Place(line["path"], line["line"]))
