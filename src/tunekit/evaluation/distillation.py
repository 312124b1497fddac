"""Teacher, untuned student and tuned student on the same rows: how good, how large and how quick each is.

Belongs here: the values that hold the comparison, and the ratios that people ask for.
Does not belong here: getting the answers and measuring models (`jobs/distilled.py`, `backends/`).
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from tunekit._plugins import html_view, text_view
from tunekit._value import Value
from tunekit.evaluation.comparison import Answered, Evaluation, compare
from tunekit.evaluation.intervals import Score


class Footprint(Value):
    """How large a model is."""

    num_parameters: int | None = None
    """Its weights, an adapter among them; `None` where nobody can tell, as for a function."""
    num_bytes: int | None = None
    """Size of the weights on disk."""
    num_bytes_in_memory: int | None = None
    """The most memory that it took to load it and to answer prompts one at a time, measured in a process of its own:
    resident memory beyond that of the same process before, in which the libraries had answered with another model
    already; where a GPU answers, memory of the GPU. `None` where that was not measured."""


class Contestant(Value):
    """One of the models that are compared."""

    name: str
    """Id of the model, or name of the function."""
    quality: Score
    """In the metric that fits the rows best."""
    footprint: Footprint
    seconds_per_answer: float | None
    """Median over prompts that were asked one at a time; `None` where that was not measured."""


class DistillationComparison(Value):
    """What distillation has brought: the tuned student beside its teacher and beside itself before."""

    teacher: Contestant
    untuned: Contestant
    """The student before tuning."""
    tuned: Contestant
    """The student after tuning."""
    beside_untuned: Evaluation
    """The tuned student as `tuned`, the untuned one as `base`."""
    beside_teacher: Evaluation
    """The tuned student as `tuned`, the teacher as `base`."""

    @property
    def rows(self) -> int:
        """Rows that were compared on."""
        return self.beside_teacher.rows

    @property
    def quality_kept(self) -> float | None:
        """Quality of the tuned student as a share of the teacher's; `None` where the teacher has none."""
        return _ratio(self.tuned.quality.value, self.teacher.quality.value)

    @property
    def times_smaller(self) -> float | None:
        """Weights of the teacher for each weight of the student."""
        return _ratio(self.teacher.footprint.num_parameters, self.tuned.footprint.num_parameters)

    @property
    def times_lighter(self) -> float | None:
        """Memory of the teacher for each byte that the student takes while it answers."""
        sides = (self.teacher.footprint, self.tuned.footprint)
        return _ratio(*(side.num_bytes_in_memory for side in sides))

    @property
    def times_faster(self) -> float | None:
        """Answers of the student in the time of one of the teacher."""
        return _ratio(self.teacher.seconds_per_answer, self.tuned.seconds_per_answer)

    def __str__(self) -> str:
        return text_view(self)

    def _repr_html_(self) -> str:
        return html_view(self)


class Tried(Value):
    """What one model made of the rows."""

    name: str
    answers: tuple[str, ...]
    seconds: tuple[float, ...] = ()
    """Time of single answers, as many as were measured."""
    footprint: Footprint = Footprint()


def compare_distilled(
    places: Sequence[str], expected: Sequence[str], *, teacher: Tried, untuned: Tried, tuned: Tried
) -> DistillationComparison:
    """The three models beside each other.

    Args:
        places: File and line of each row; at least one.
        expected: The right answer of each row.
        teacher: What the teacher made of the rows.
        untuned: What the student made of them before tuning.
        tuned: What it made of them after tuning.
    """

    def against(other: Tried) -> Evaluation:
        rows = zip(places, expected, tuned.answers, other.answers, strict=True)
        return compare(
            [
                Answered(place=place, expected=wanted, tuned=one, base=two)
                for place, wanted, one, two in rows
            ]
        )

    beside_teacher, beside_untuned = against(teacher), against(untuned)
    return DistillationComparison(
        teacher=_contestant(teacher, beside_teacher.base),
        untuned=_contestant(untuned, beside_untuned.base),
        tuned=_contestant(tuned, beside_teacher.tuned),
        beside_untuned=beside_untuned,
        beside_teacher=beside_teacher,
    )


def _contestant(tried: Tried, quality: Score) -> Contestant:
    return Contestant(
        name=tried.name,
        quality=quality,
        footprint=tried.footprint,
        seconds_per_answer=median(tried.seconds) if tried.seconds else None,
    )


def _ratio(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other else None
