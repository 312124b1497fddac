"""The states of a job and which may follow which.

Belongs here: our own words for states.
Does not belong here: a provider's words for them (`backends/`), waiting (`waiting.py`).
"""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "QUEUED"
    """Accepted, not yet at work."""
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    """Halted by somebody; it can go on."""
    CANCELLING = "CANCELLING"
    """Asked to stop; it can still succeed."""
    SUCCEEDED = "SUCCEEDED"
    PARTIALLY_SUCCEEDED = "PARTIALLY_SUCCEEDED"
    """There is a model, and not all went well."""
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    """The provider gave up on it."""
    UNKNOWN = "UNKNOWN"
    """The provider says a word that this version does not know; the record carries the word."""

    @classmethod
    def of(cls, word: str) -> JobState:
        """The state of that name, `UNKNOWN` where there is none."""
        return cls.__members__.get(word, cls.UNKNOWN)

    @property
    def is_terminal(self) -> bool:
        """Whether the job is over. It leaves such a state only when it is resumed, as a new attempt."""
        return self in _TERMINAL

    @property
    def has_model(self) -> bool:
        """Whether the job has given a model."""
        return self in (JobState.SUCCEEDED, JobState.PARTIALLY_SUCCEEDED)

    def may_become(self, later: JobState, *, new_attempt: bool = False) -> bool:
        """Whether a job may be seen in this state and in `later` afterwards.

        States that are not terminal may follow each other in any order: providers do report a job as pending again
        after it was queued.
        """
        if self is later or not self.is_terminal:
            return True
        return new_attempt and not self.has_model


_TERMINAL = frozenset(
    {
        JobState.SUCCEEDED,
        JobState.PARTIALLY_SUCCEEDED,
        JobState.FAILED,
        JobState.CANCELLED,
        JobState.EXPIRED,
    }
)
