"""Builds the sentences of messages: closest name, short lists, plurals, excerpts.

Belongs here: pure functions on strings that several rooms need to speak to people.
Does not belong here: any knowledge of rows, jobs or backends.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence

EXCERPT_LENGTH = 40
"""Characters of a user's text that may appear in a finding."""


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known name that `word` most likely misspells, or `None`."""
    folded = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.7)
    return folded[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`" Did you mean 'x'?"` where a known name is close, else the empty string."""
    match = closest(word, known)
    return f" Did you mean {match!r}?" if match else ""


def either(names: Collection[str], *, last: str = "or") -> str:
    """`'a', 'b' or 'c'`, for telling which values are taken."""
    quoted = [repr(name) for name in names]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"


def plural(count: int, noun: str, plural_noun: str | None = None) -> str:
    """`1 row`, `25 rows`, `1,000 rows`."""
    word = noun if count == 1 else plural_noun or f"{noun}s"
    return f"{count:,} {word}"


def first_few(items: Sequence[object], *, limit: int = 5) -> str:
    """`1, 2, 3 and 4 more`, so that a message stays one line."""
    shown = ", ".join(str(item) for item in items[:limit])
    hidden = len(items) - limit
    return f"{shown} and {hidden:,} more" if hidden > 0 else shown


def excerpt(value: object, *, limit: int = EXCERPT_LENGTH) -> str:
    """The start of a value as Python writes it, never longer than `limit` characters."""
    text = repr(value[: limit + 1]) if isinstance(value, str | bytes) else repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def size(num_bytes: int) -> str:
    """`64 kB`, `1.7 MB`, `2.4 GB`: so many bytes the way one says it, in powers of ten."""
    if num_bytes < 1_000_000:
        return f"{num_bytes / 1_000:,.0f} kB"
    if num_bytes < 1_000_000_000:
        return f"{num_bytes / 1_000_000:.1f} MB"
    return f"{num_bytes / 1_000_000_000:.1f} GB"


def duration(seconds: float) -> str:
    """`45 s`, `3 min`, `2.5 h`: a length of time the way one says it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
