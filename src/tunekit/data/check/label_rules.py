"""Rules about the answers of a whole dataset, where there are so few distinct ones that they are labels.

Belongs here: each rule, and how it is found in the counts.
Does not belong here: counting (`statistics.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from tunekit._text import either, plural
from tunekit.data.check.findings import Problem, Rule, Severity

_ANSWERED = ("PromptCompletion", "Conversation")
MIN_ROWS = 20
"""Rows below which shares mean little."""
_DOMINANT_PERCENT = 90
_RARE_ROWS = 3

LABEL_IMBALANCE = Rule(
    "label-imbalance",
    Severity.WARNING,
    "Nearly all rows have the same label.",
    "Add rows of the other labels, or leave some of the frequent one out: a model that always gives it looks good.",
    rows=_ANSWERED,
)
RARE_LABEL = Rule(
    "rare-label",
    Severity.INFO,
    "A label has too few rows to be learnt.",
    "Add rows of it, or merge it with another.",
    rows=_ANSWERED,
)
LABEL_SPELLINGS = Rule(
    "label-spellings",
    Severity.WARNING,
    "Labels differ in capitals or punctuation only.",
    "Spell a label one way, or the model learns both.",
    rows=_ANSWERED,
)
ONE_ANSWER = Rule(
    "one-answer",
    Severity.WARNING,
    "All rows have the same answer.",
    "Add rows with other answers: there is nothing to decide.",
    rows=_ANSWERED,
)
LABEL_RULES: Sequence[Rule] = (LABEL_IMBALANCE, RARE_LABEL, LABEL_SPELLINGS, ONE_ANSWER)


def label_problems(
    counts: Mapping[str, int], labels: Mapping[str, int] | None
) -> Iterator[Problem]:
    """What is wrong with the answers taken together. The labels themselves stay out of the words.

    Args:
        counts: How often each answer occurs; empty where there are too many to be labels.
        labels: The same where they are labels.
    """
    rows = sum(counts.values())
    if rows < MIN_ROWS:
        return
    if len(counts) == 1:
        yield Problem(ONE_ANSWER, f"All {plural(rows, 'row')} have the same answer.")
    if not labels:
        return
    most = max(labels.values())
    if 100 * most >= _DOMINANT_PERCENT * rows:
        fact = f"One of {plural(len(labels), 'label')} has {most:,} of {plural(rows, 'row')}, {100 * most // rows} %."
        yield Problem(LABEL_IMBALANCE, fact)
    rare = [count for count in labels.values() if count < _RARE_ROWS]
    if rare:
        verb = "has" if len(rare) == 1 else "have"
        fact = f"{plural(len(rare), 'label')} of {len(labels)} {verb} fewer than {_RARE_ROWS} rows."
        yield Problem(RARE_LABEL, fact)
    spellings: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        spellings["".join(filter(str.isalnum, label.casefold()))].append(label)
    for folded, alike in spellings.items():
        if folded and len(alike) > 1:
            fact = f"{plural(len(alike), 'label')} differ in capitals, spaces or punctuation only."
            yield Problem(LABEL_SPELLINGS, fact, value=either(alike, last="and"))
