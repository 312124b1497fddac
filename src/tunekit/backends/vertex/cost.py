"""What a run would cost: a range from dated prices, or an honest "nobody says".

Belongs here: the arithmetic.
Does not belong here: prices (`catalog/vertex.toml`).
"""

from __future__ import annotations

from collections.abc import Iterable

from tunekit._text import plural
from tunekit.backends.vertex.case import Case
from tunekit.catalog.vertex import VertexPrice, vertex_price
from tunekit.data.rows import Preference, Row
from tunekit.jobs.backend import Cost, TokenCount

_LOW, _HIGH = 0.7, 1.5
"""How far a count of tokens that was guessed from bytes may be off, for English text."""
_BYTES_PER_TOKEN = 4


def cost(case: Case, tokens: TokenCount, rows: Iterable[Row]) -> Cost:
    """What the training tokens would cost: tokens of the rows times epochs.

    Preference tuning is billed for twice the prompt and both answers. Serving, storage and a teacher's answers are not
    in it. Source: https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/tuning/preference-tuning.
    """
    price = vertex_price(case.tuner.base_model, case.tuner.kind)
    own = case.options.price_per_million_tokens
    if own is None and price is None:
        return Cost(
            low=None,
            high=None,
            currency="USD",
            basis=f"no public price for {case.tuner.kind} tuning of {case.base_model!r}; pass "
            "options=VertexOptions(price_per_million_tokens=...)",
        )
    usd = own if own is not None else price.usd_per_million_tokens if price else 0.0
    billed = _billed(rows) if case.tuner.kind == "preference" else tokens.total
    epochs: int | None = getattr(case.tuner, "epochs", None)
    source = "your price" if own is not None or price is None else _source(price)
    passes = plural(epochs, "epoch") if epochs else "1 epoch or more, as Vertex AI decides"
    about = "" if tokens.exact else "about "
    low, high = (1.0, 1.0) if tokens.exact else (_LOW, _HIGH)
    once = billed * usd / 1_000_000
    return Cost(
        low=once * (epochs or 1) * low,
        high=once * epochs * high if epochs else None,
        currency="USD",
        basis=f"{about}{billed:,} tokens, {passes}, {usd:g} per million ({source})",
    )


def _source(price: VertexPrice) -> str:
    if price.official:
        return f"{price.source}, {price.checked}"
    return f"quoted by others on {price.checked}; hold it against {price.source}"


def _billed(rows: Iterable[Row]) -> int:
    """Tokens of preferences as they are billed, guessed from bytes."""
    total = 0
    for row in rows:
        if isinstance(row, Preference):
            total += 2 * _tokens(row.prompt_text()) + sum(_tokens(text) for text in row.candidates)
    return total


def _tokens(text: str) -> int:
    return -(-len(text.encode()) // _BYTES_PER_TOKEN)
