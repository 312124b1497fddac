"""Replies to customers, polite or terse: the rows of three quickstarts, and a rule by which code tells them apart.

Belongs here: the rows (`reply_preferences.jsonl`, written for tunekit by `tools/nano`) and the rule.
Does not belong here: any way of tuning.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from tunekit.data.dataset import Dataset
from tunekit.data.rows import Preference, Prompt
from tunekit.quickstart import Size, sample_rows
from tunekit.tuners.rewards import PythonReward

MESSAGE = "My parcel has not arrived yet. Where is it now?"
"""A message to ask the tuned model."""

ANSWER_TOKENS = 64
"""Room for a polite reply of the sample model."""


def reply_pairs(size: Size) -> AbstractContextManager[Dataset[Preference]]:
    """500 messages, each with a polite and a terse reply, of which the polite one was preferred."""
    return sample_rows("reply_preferences.jsonl", Preference, size)


def prompts_of(pairs: Dataset[Preference]) -> Dataset[Prompt]:
    """The messages alone."""
    return Dataset.read([Prompt(prompt=pair.prompt) for pair in pairs], row=Prompt)


def politeness(prompt: str, response: str, references: object) -> float:  # noqa: ARG001  # all three are given
    """1 for a reply that begins as the polite ones do, which no terse one does."""
    return float(response.startswith(("Thank", "Many thanks", "We are", "I am sorry")))


POLITE = PythonReward(politeness)
"""The rule by which people chose, as code; no tuner of these quickstarts sees it but where it is the reward."""
