"""Where the rows of a job live while it runs: a copy of its own, with the place of every row.

A job must not change when its source file does, and what goes wrong in it must still name the user's own file and line.

Belongs here: writing and reading such a copy.
Does not belong here: files that users read (`Dataset.write`).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunekit.data.check.digests import row_digest
from tunekit.data.check.findings import Place
from tunekit.data.check.images import file_digest
from tunekit.data.dataset import Dataset, Located
from tunekit.data.rows import (
    CaptionedImage,
    Conversation,
    Document,
    ImageRow,
    Preference,
    Prompt,
    PromptCompletion,
    Query,
    ReferenceImage,
    RelevanceLabel,
    Row,
)
from tunekit.errors import DatasetChanged

_KINDS: dict[str, type[Row]] = {
    kind.__name__: kind
    for kind in (
        CaptionedImage,
        Conversation,
        Document,
        Preference,
        Prompt,
        PromptCompletion,
        Query,
        ReferenceImage,
        RelevanceLabel,
    )
}
_IMAGES = "images"
"""Folder for copies of images, beside the copies of rows."""


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
            row, place = _with_own_image(located.row, path.parent), located.place
            seen.update(row_digest(row))
            line = {
                "path": place.path,
                "line": place.line,
                "kind": type(row).__name__,
                "row": _row_to_json(row, path.parent),
            }
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    if seen.hexdigest() != digest:
        raise DatasetChanged(
            "The rows are not the ones that were checked a moment ago.",
            hint="Call again when nothing writes to their files.",
            place=", ".join(rows.names) or None,
        )


def _with_own_image(row: Row, folder: Path) -> Row:
    """The row with a copy of its image, named by what is in it."""
    if not isinstance(row, ImageRow):
        return row
    (folder / _IMAGES).mkdir(exist_ok=True)
    source = Path(row.image)
    if not source.is_file():
        raise DatasetChanged(
            f"The image {row.name!r} is gone since it was checked a moment ago.",
            hint="Call again when it is back.",
        )
    copied = folder / _IMAGES / f"{file_digest(source)}{source.suffix.lower()}"
    shutil.copyfile(source, copied)
    return row.model_copy(update={"image": str(copied)})


def _row_to_json(row: Row, folder: Path) -> dict[str, Any]:
    """The row as plain JSON, its image by a path from the folder, which may be moved."""
    line = row.model_dump(mode="json")
    if isinstance(row, ImageRow):
        line["image"] = Path(row.image).relative_to(folder).as_posix()
    return line


def read_copy(path: Path) -> Iterator[Located[Any]]:
    """The rows of a copy with the places they had in the user's own files."""
    with path.open(encoding="utf-8") as file:
        for text in file:
            line = json.loads(text)
            row = _KINDS[line["kind"]].model_validate(line["row"])
            if isinstance(row, ImageRow):
                row = row.within(path.parent)
            yield Located(row, Place(line["path"], line["line"]))
