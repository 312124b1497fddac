"""From the bytes of one line of a table to one object, naming every fault on the way.

Belongs here: tables with a header whose cells are separated by tabs, there and back.
Does not belong here: JSON (`syntax.py`), what the columns mean (`formats/`).
"""

from __future__ import annotations

from tunekit._text import either, plural
from tunekit.data.check import rules
from tunekit.data.check.findings import Problem
from tunekit.data.check.syntax import JsonObject, Parsed
from tunekit.errors import FormatLoss

SUFFIX = ".tsv"
"""How the name of a file with a table ends."""
COLUMNS = ("query-id", "corpus-id", "score")
"""The columns of the one table that is known; the last may be left out."""
_HEADER = "\\t".join(COLUMNS)


def columns_of(raw: bytes) -> tuple[str, ...] | None:
    """The names in a header, or `None` where the line is none."""
    names = tuple(_cells(raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace")))
    known = len(set(names)) == len(names) and set(COLUMNS[:2]) <= set(names)
    return names if known else None


def no_header() -> Problem:
    """The problem that a table begins without its header; nothing after it can be told apart."""
    fact = (
        f"The first line does not name the columns {either(COLUMNS, last='and')}; no more was read."
    )
    return Problem(rules.MISSING_HEADER, fact, byte=0)


def parse_cells(raw: bytes, columns: tuple[str, ...]) -> Parsed:
    """Parse one line of a table, without its line feed, to an object of texts."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        fact = f"Byte {error.start + 1:,} of the line, 0x{raw[error.start]:02x}, is not UTF-8."
        return Parsed(None, (Problem(rules.NOT_UTF8, fact, byte=error.start),))
    if not text.strip():
        return Parsed(None, (Problem(rules.BLANK_LINE, "The line is blank."),))
    if "\x00" in text:
        fact = "The line has a NUL character."
        return Parsed(None, (Problem(rules.NUL_CHARACTER, fact, byte=raw.index(b"\x00")),))
    cells = _cells(text)
    if len(cells) == len(columns) - 1 and columns[-1] == COLUMNS[-1]:
        columns = columns[:-1]
    if len(cells) != len(columns):
        fact = f"The line has {plural(len(cells), 'cell')}; the header has {plural(len(columns), 'column')}."
        return Parsed(None, (Problem(rules.COLUMN_COUNT, fact),))
    score = COLUMNS[-1]
    found: JsonObject = {
        name: cell for name, cell in zip(columns, cells, strict=True) if cell or name != score
    }
    return Parsed(found)


def table_line(line: JsonObject) -> str:
    """An object as a line of the table.

    Raises:
        FormatLoss: A cell would break the line, or there is no column for a field.
    """
    strange = [name for name in line if name not in COLUMNS]
    cells = [str(line[name]) for name in COLUMNS if name in line]
    if strange or any(mark in cell for cell in cells for mark in "\t\r\n"):
        what = f"the field {strange[0]!r}" if strange else "an id with a tab or a line feed"
        raise FormatLoss(
            f"A table of labels cannot hold {what}.",
            hint="Write a file whose name ends in .jsonl.",
        )
    return "\t".join(cells)


def _cells(text: str) -> list[str]:
    return [cell.strip(" ") for cell in text.rstrip("\r\n").split("\t")]
