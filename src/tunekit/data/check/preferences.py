"""Judges what the choices of a dataset have in common, and what each row decides.

Belongs here: rules about pairs of answers that need more than one row.
Does not belong here: faults of a single pair (`formats/`), counting (`statistics.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from tunekit._text import plural
from tunekit.data.check import rules
from tunekit.data.check.findings import Problem, Severity
from tunekit.data.check.statistics import ChoiceTally
from tunekit.data.formats import FormatName

MIN_ROWS = 20
"""Rows below which choices may look alike by chance."""
LENGTH_PERCENT = 90
"""Share of the rows, in percent, from which the length is said to decide."""


def choice_problems(choices: ChoiceTally, format: FormatName | None) -> Iterator[Problem]:
    """What is wrong with the choices taken together."""
    if choices.rows < MIN_ROWS:
        return
    if choices.second in (0, choices.rows):
        yield _one_sided(choices, format)
    for name, rows in (("longer", choices.longer), ("shorter", choices.shorter)):
        if 100 * rows >= LENGTH_PERCENT * choices.rows:
            share = f"{rows:,} of {plural(choices.rows, 'row')}, {100 * rows // choices.rows} %"
            fact = f"The preferred candidate is the {name} one in {share}."
            yield Problem(rules.LENGTH_DECIDES_CHOICE, fact)


def _one_sided(choices: ChoiceTally, format: FormatName | None) -> Problem:
    side = int(choices.second > 0)
    if format == "gemini_preference":  # the scores say which is preferred, and many put it first
        fact = f"Completion {side} has the higher score in all {plural(choices.rows, 'row')}."
        fix = "Nothing to do where the file is sorted so; else look for what was exported wrongly."
        return Problem(rules.ONE_SIDED_CHOICE, fact, fix=fix, severity=Severity.INFO)
    fact = f"The choice is {side} in all {plural(choices.rows, 'row')}."
    return Problem(rules.ONE_SIDED_CHOICE, fact)
