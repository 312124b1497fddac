"""The picture of a distillation: teacher, untuned student and tuned student beside each other.

Belongs here: drawing a `DistillationComparison`.
Does not belong here: measuring (`jobs/distilled.py`), the rows of one evaluation (`evaluations.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tunekit._text import plural, size
from tunekit.display.evaluations import rows_picture
from tunekit.display.parts import percent
from tunekit.evaluation.distillation import Contestant, DistillationComparison

_UNKNOWN = "unknown"


def distillation_picture(comparison: DistillationComparison) -> RenderableType:
    """Quality, size, pace and memory of the three, what distillation has brought, and the rows that tell most."""
    return Group(
        _figures(comparison),
        Text(_verdict(comparison), style="bold"),
        Text(),
        rows_picture(comparison.beside_teacher, base="teacher", tuned="student"),
    )


def _figures(comparison: DistillationComparison) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in (
        plural(comparison.rows, "row"),
        f"{comparison.beside_teacher.metric}, 95 %",
        "weights",
        "on disk",
        "in memory",
        "an answer",
        "model",
    ):
        table.add_column(name, overflow="fold")
    sides = {
        "teacher": comparison.teacher,
        "untuned": comparison.untuned,
        "tuned": comparison.tuned,
    }
    for word, side in sides.items():
        table.add_row(word, str(side.quality), *_footprint(side), Text(side.name))
    return table


def _footprint(side: Contestant) -> Iterator[str]:
    footprint, seconds = side.footprint, side.seconds_per_answer
    weights = footprint.num_parameters
    yield f"{weights:,}" if weights is not None else _UNKNOWN
    for num_bytes in (footprint.num_bytes, footprint.num_bytes_in_memory):
        yield size(num_bytes) if num_bytes is not None else _UNKNOWN
    yield f"{seconds:.3f} s" if seconds is not None else _UNKNOWN


def _verdict(comparison: DistillationComparison) -> str:
    """`The student keeps 98.0 % of the teacher's accuracy, 4.0 times smaller, 2.1 times faster.`."""
    kept = comparison.quality_kept
    said = f"{percent(kept)} of" if kept is not None else "none of"
    brought = {
        "smaller": comparison.times_smaller,
        "lighter in memory": comparison.times_lighter,
        "faster": comparison.times_faster,
    }
    told = [f"{times:.1f} times {word}" for word, times in brought.items() if times is not None]
    told.insert(0, f"The student keeps {said} the teacher's {comparison.beside_teacher.metric}")
    return f"{', '.join(told)}."
