"""Finds validation rows that are asked in training already.

Belongs here: comparing two datasets.
Does not belong here: faults of one dataset (`scan.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tunekit.data.check import rules
from tunekit.data.check.digests import text_digest
from tunekit.data.check.findings import Finding, Problem
from tunekit.data.dataset import Dataset


def leaked_rows(train: Dataset[Any], validation: Dataset[Any]) -> Iterator[Finding]:
    """A finding for each validation row whose prompt is a training prompt.

    Raises:
        DatasetInvalid: A line of either is not a row.
    """
    asked = {text_digest(item.row.prompt_text()): item.place for item in train.located()}
    for item in validation.located():
        place = asked.get(text_digest(item.row.prompt_text()))
        if place is not None:
            fact = f"The same prompt is trained on at {place}."
            yield Finding.of(Problem(rules.LEAKED_ROW, fact), item.place)
