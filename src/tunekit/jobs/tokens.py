"""How many tokens rows have, where no tokenizer is at hand.

Belongs here: the estimate.
Does not belong here: counting with a model's own tokenizer (`backends/`).
"""

from __future__ import annotations

from collections.abc import Iterable

from tunekit.data.rows import Row
from tunekit.jobs.backend import TokenCount

_BYTES_PER_TOKEN = 4
"""A rule of thumb for English text and the tokenizers of large models."""


def estimated_tokens(rows: Iterable[Row]) -> TokenCount:
    """The tokens of rows, guessed from their bytes."""
    total = trained = longest = 0
    for row in rows:
        answer = _estimated(row.completion_text() or "")
        size = _estimated(row.prompt_text()) + answer
        total, trained, longest = total + size, trained + answer, max(longest, size)
    return TokenCount(total=total, trained=trained, longest_row=longest, exact=False)


def _estimated(text: str) -> int:
    return -(-len(text.encode()) // _BYTES_PER_TOKEN)
