"""Small pieces that several pictures are made of.

Belongs here: tables without frames, and words for numbers.
Does not belong here: a whole picture.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from tunekit.data.check.findings import Severity

COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def facts(pairs: Iterable[tuple[str, object]]) -> Table:
    """Names on the left, values on the right; what is `None` is left out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        if value is not None:
            table.add_row(name, Text(str(value)))
    return table


def title(text: str) -> Text:
    """A line above a block."""
    return Text(text, style="bold")


def percent(share: float, *, places: int = 1) -> str:
    """`85.0 %`."""
    return f"{100 * share:.{places}f} %"
