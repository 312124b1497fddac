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
from tunekit.jobs.tokens import Guess, guessed


def cost(case: Case, tokens: TokenCount, rows: Iterable[Row]) -> Cost:
    """What the training tokens would cost: tokens of the rows times epochs.

    The range is that of the count of tokens, which `tunekit.jobs.tokens` guesses between two bounds.
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
    billed = _billed(rows) if case.tuner.kind == "preference" else tokens
    epochs: int | None = getattr(case.tuner, "epochs", None)
    source = "your price" if own is not None or price is None else _source(price)
    passes = plural(epochs, "epoch") if epochs else "1 epoch or more, as Vertex AI decides"
    about = "" if billed.exact else "about "
    per_pass = usd / 1_000_000
    return Cost(
        low=billed.low * per_pass * (epochs or 1),
        high=billed.high * per_pass * epochs if epochs and billed.high is not None else None,
        currency="USD",
        basis=f"{about}{billed.total:,} tokens, {passes}, {usd:g} per million ({source})",
    )


def _source(price: VertexPrice) -> str:
    if price.official:
        return f"{price.source}, {price.checked}"
    return f"quoted by others on {price.checked}; hold it against {price.source}"


def _billed(rows: Iterable[Row]) -> TokenCount:
    """Tokens of preferences as they are billed, guessed from characters."""
    total = Guess()
    longest = 0
    for row in rows:
        if isinstance(row, Preference):
            prompt = guessed(row.prompt_text())
            size = sum(map(guessed, row.candidates), prompt + prompt)
            total, longest = total + size, max(longest, size.middle)
    return TokenCount(
        total=total.middle,
        low=total.low,
        high=total.high,
        trained=total.middle,
        longest_row=longest,
        exact=False,
    )
