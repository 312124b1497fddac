"""The picture of an evaluation: tuned beside base, figures and rows.

Belongs here: drawing an `Evaluation`.
Does not belong here: computing one (`evaluation/`).
"""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tunekit._text import plural
from tunekit.display.parts import percent
from tunekit.evaluation.comparison import Answered, Evaluation, FigureName, Loss

_EXAMPLES = 5
_ANSWER_CHARACTERS = 60


def evaluation_picture(evaluation: Evaluation) -> RenderableType:
    """Metrics with their intervals, losses, and the rows that tell most."""
    return Group(
        _figures(evaluation),
        Text(_verdict(evaluation), style="bold"),
        Text(),
        rows_picture(evaluation, base="base", tuned="tuned"),
    )


def rows_picture(evaluation: Evaluation, *, base: str, tuned: str) -> Table:
    """The rows on which the two models differ most; where nothing was expected, as with rewards, no column says so.

    Args:
        evaluation: The two models on the same rows.
        base: What to call the one that is the base.
        tuned: What to call the other.
    """
    examples = evaluation.examples[:_EXAMPLES]
    columns: list[tuple[str, Callable[[Answered], str]]] = [
        ("row", lambda answer: answer.place),
        ("expected", lambda answer: answer.expected),
        (base, lambda answer: answer.base),
        (tuned, lambda answer: answer.tuned),
    ]
    told = [(name, text) for name, text in columns if any(map(text, examples))]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name, _ in told:
        table.add_column(name, overflow="fold")
    for answer in examples:
        table.add_row(*(Text(_short(text(answer))) for _, text in told))
    return table


def _figures(evaluation: Evaluation) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in (plural(evaluation.rows, "row"), "base", "tuned", "tuned − base, 95 %"):
        table.add_column(name)
    for name, compared in evaluation.metrics.items():
        table.add_row(name, str(compared.base), str(compared.tuned), str(compared.difference))
    if evaluation.tuned_loss and evaluation.base_loss:
        table.add_row("loss per token", *_both(evaluation, _nats))
        table.add_row("perplexity", *_both(evaluation, _perplexity))
    if evaluation.chance is not None:
        table.add_row("always the commonest", f"{evaluation.chance:.3f}", "", "")
    return table


def _both(evaluation: Evaluation, told: Callable[[Loss], str]) -> tuple[str, str]:
    base, tuned = evaluation.base_loss, evaluation.tuned_loss
    return (told(base) if base else "", told(tuned) if tuned else "")


def _nats(loss: Loss) -> str:
    return f"{loss.nats_per_token:.3f}"


def _perplexity(loss: Loss) -> str:
    return f"{loss.perplexity:,.2f}"


def _verdict(evaluation: Evaluation) -> str:
    base, tuned = (
        _amount(evaluation.metric, of.value) for of in (evaluation.base, evaluation.tuned)
    )
    change = f"{evaluation.metric} {base} → {tuned}"
    if evaluation.better:
        return f"{change}: better."
    if evaluation.difference.high < 0:
        return f"{change}: worse."
    return f"{change}: no difference that these rows could show."


def _amount(metric: FigureName, value: float) -> str:
    """A share in percent; a reward may be any number."""
    return f"{value:.3g}" if metric == "reward" else percent(value)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _ANSWER_CHARACTERS else f"{line[: _ANSWER_CHARACTERS - 1]}…"
