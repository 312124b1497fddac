"""The picture of a retrieval evaluation: tuned beside base, and the queries that got better and worse.

Belongs here: drawing a `RetrievalEvaluation`.
Does not belong here: computing one (`evaluation/retrieval.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tunekit._text import plural
from tunekit.display.parts import percent
from tunekit.evaluation.retrieval import RANKED, QueryOutcome, RetrievalEvaluation

_QUERIES = 5
_QUERY_CHARACTERS = 50


def retrieval_picture(evaluation: RetrievalEvaluation) -> RenderableType:
    """Figures with their intervals, and the queries that changed most in either direction."""
    return Group(
        _figures(evaluation),
        *_left_out(evaluation),
        Text(_verdict(evaluation), style="bold"),
        Text(),
        _queries(evaluation.improved, "better"),
        Text(),
        _queries(evaluation.worsened, "worse"),
    )


def _figures(evaluation: RetrievalEvaluation) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    queries = plural(evaluation.queries, "query", "queries")
    heading = f"{queries}, {plural(evaluation.documents, 'document')}"
    for name in (heading, "base", "tuned", "tuned − base, 95 %"):
        table.add_column(name)
    for name, compared in evaluation.metrics.items():
        table.add_row(name, str(compared.base), str(compared.tuned), str(compared.difference))
    return table


def _left_out(evaluation: RetrievalEvaluation) -> list[Text]:
    """A line where not every label could be used."""
    if not evaluation.labels_left_out:
        return []
    labels = plural(evaluation.labels_left_out, "label")
    queries = plural(evaluation.queries_left_out, "query", "queries")
    told = f"Left out: {labels} about documents or queries that are not there"
    return [
        Text(f"{told}, and {queries} with them." if evaluation.queries_left_out else f"{told}.")
    ]


def _verdict(evaluation: RetrievalEvaluation) -> str:
    base, tuned = percent(evaluation.base.value), percent(evaluation.tuned.value)
    change = f"{evaluation.metric} {base} → {tuned}"
    if evaluation.better:
        return f"{change}: better."
    if evaluation.difference.high < 0:
        return f"{change}: worse."
    return f"{change}: no difference that these queries could show."


def _queries(outcomes: Sequence[QueryOutcome], word: str) -> RenderableType:
    heading = Text(f"{plural(len(outcomes), 'query', 'queries')} got {word}.")
    if not outcomes:
        return heading
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("query", "", "nDCG@10", "first relevant document"):
        table.add_column(name, overflow="fold")
    for outcome in outcomes[:_QUERIES]:
        table.add_row(
            outcome.place,
            Text(_short(outcome.text)),
            f"{outcome.base:.3f} → {outcome.tuned:.3f}",
            f"{_rank(outcome.base_rank)} → {_rank(outcome.tuned_rank)}",
        )
    return Group(heading, table)


def _rank(rank: int | None) -> str:
    return f"beyond {RANKED}" if rank is None else f"{rank}."


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _QUERY_CHARACTERS else f"{line[: _QUERY_CHARACTERS - 1]}…"
