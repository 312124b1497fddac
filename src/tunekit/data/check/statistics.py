"""Figures about a dataset, gathered row by row in constant memory.

Belongs here: counts, lengths and label shares, and the accumulators that make them.
Does not belong here: judging the figures (`scan.py`, `tuners/`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from tunekit._value import Value
from tunekit.data.formats import FormatName
from tunekit.data.template import PromptTemplate

MAX_LABELS = 50
"""Distinct completions beyond which they are texts rather than labels."""
_BUCKETS_PER_DOUBLING = 16
_EXACT_LENGTHS = 4_096


class Lengths(Value):
    """How long texts are, in characters. The quantiles are right to about 3 %."""

    total: int
    shortest: int
    median: int
    p90: int
    p99: int
    longest: int
    histogram: tuple[tuple[int, int], ...] = ()
    """Pairs of a length and how many texts are at most so long and longer than the one before: powers of two."""


class Choices(Value):
    """Which candidates are preferred, as shares of the rows from 0 to 1."""

    second_preferred: float
    """Rows whose choice is 1."""
    longer_preferred: float
    """Rows whose preferred candidate has more characters than the other."""
    shorter_preferred: float
    """Rows whose preferred candidate has fewer characters than the other."""


class ImageSizes(Value):
    """How large images are: width and height in pixels, as they are learnt from."""

    smallest: tuple[int, int]
    largest: tuple[int, int]


class Statistics(Value):
    """Figures about one dataset."""

    rows: int
    """Rows that can be used."""
    lines: int
    """Lines, or objects, that were read, usable or not."""
    bytes: int | None
    """Size of the files; `None` for rows from memory."""
    format: FormatName | None
    """The format of the files; `None` where no row could be read."""
    row_kind: str | None
    """The kind of row, such as `PromptCompletion`."""
    prompt_characters: Lengths | None
    """Lengths of the prompts: for a conversation its system turn and first user turn."""
    completion_characters: Lengths | None
    """Lengths of the answers; `None` where the rows have none."""
    duplicates: int
    """Rows that are there already, not counting the first of each."""
    labels: Mapping[str, int] | None
    """How often each completion occurs, where there are few distinct ones, most frequent first."""
    choices: Choices | None = None
    """Shares of the choices; `None` where the rows have none."""
    images: ImageSizes | None = None
    """Sizes of the images; `None` where the rows have none."""
    template: PromptTemplate | None
    """The shape that the prompts share."""
    digest: str | None
    """SHA-256 of the rows in order; equal digests mean equal rows, whatever the file."""

    @property
    def largest_label_share(self) -> float | None:
        """Share of the most frequent label: what always answering it would score."""
        if not self.labels or not self.rows:
            return None
        return max(self.labels.values()) / sum(self.labels.values())


@dataclass(slots=True)
class LengthTally:
    """Lengths in buckets that grow with the length, and their sum."""

    buckets: Counter[int] = field(default_factory=Counter[int])
    total: int = 0
    shortest: int | None = None
    longest: int = 0
    _exact: Counter[int] = field(default_factory=Counter[int])
    """Lengths that are not in their buckets yet: counting them as they are is what a computer does fastest."""

    def add(self, length: int) -> None:
        """Count one length."""
        self.extend((length,))

    def extend(self, lengths: Collection[int]) -> None:
        """Count many lengths."""
        if not lengths:
            return
        self._exact.update(lengths)
        self.total += sum(lengths)
        self._widen(min(lengths), max(lengths))
        if len(self._exact) > _EXACT_LENGTHS:
            self._settle()

    def merge(self, other: LengthTally) -> None:
        """Count what another tally counted."""
        if other.shortest is None:
            return
        other._settle()
        self.buckets.update(other.buckets)
        self.total += other.total
        self._widen(other.shortest, other.longest)

    def _widen(self, shortest: int, longest: int) -> None:
        self.longest = max(self.longest, longest)
        self.shortest = shortest if self.shortest is None else min(self.shortest, shortest)

    def _settle(self) -> None:
        for length, count in self._exact.items():
            self.buckets[_bucket(length)] += count
        self._exact.clear()

    def lengths(self) -> Lengths | None:
        """The figures, or `None` when nothing was counted."""
        if self.shortest is None:
            return None
        self._settle()
        return Lengths(
            total=self.total,
            shortest=self.shortest,
            median=self._quantile(0.5),
            p90=self._quantile(0.9),
            p99=self._quantile(0.99),
            longest=self.longest,
            histogram=self._histogram(),
        )

    def _histogram(self) -> tuple[tuple[int, int], ...]:
        counts: Counter[int] = Counter()
        for bucket, count in self.buckets.items():
            counts[max(0, -(-bucket // _BUCKETS_PER_DOUBLING))] += count
        return tuple((1 << power, counts[power]) for power in range(min(counts), max(counts) + 1))

    def _quantile(self, share: float) -> int:
        rank = math.ceil(share * self.buckets.total())
        for bucket in sorted(self.buckets):
            rank -= self.buckets[bucket]
            if rank <= 0:
                return min(max(_middle(bucket), self.shortest or 0), self.longest)
        return self.longest


@dataclass(slots=True)
class LabelTally:
    """Distinct completions, until there are too many of them to be labels."""

    counts: Counter[str] = field(default_factory=Counter[str])
    overflown: bool = False

    def add(self, completions: Iterable[str]) -> None:
        """Count completions, without the white space around them."""
        if not self.overflown:
            self.counts.update(completion.strip() for completion in completions)
            self._overflow()

    def merge(self, other: LabelTally) -> None:
        """Count what another tally counted."""
        self.overflown = self.overflown or other.overflown
        self.counts.update(other.counts)
        self._overflow()

    def _overflow(self) -> None:
        if self.overflown or len(self.counts) > MAX_LABELS:
            self.overflown = True
            self.counts.clear()

    def labels(self) -> dict[str, int] | None:
        """The labels by frequency, or `None` where the completions are free text."""
        rows = self.counts.total()
        if self.overflown or len(self.counts) < 2 or rows < 2 * len(self.counts):
            return None
        return dict(sorted(self.counts.items(), key=lambda item: (-item[1], item[0])))


@dataclass(slots=True)
class ChoiceTally:
    """Choices seen so far."""

    rows: int = 0
    second: int = 0
    longer: int = 0
    shorter: int = 0

    def add(self, choice: int, chosen: int, rejected: int) -> None:
        """Count one choice, with the lengths of the preferred candidate and of the other."""
        self.rows += 1
        self.second += choice
        self.longer += chosen > rejected
        self.shorter += chosen < rejected

    def merge(self, other: ChoiceTally) -> None:
        """Count what another tally counted."""
        self.rows += other.rows
        self.second += other.second
        self.longer += other.longer
        self.shorter += other.shorter

    def choices(self) -> Choices | None:
        """The shares, or `None` when nothing was counted."""
        if not self.rows:
            return None
        return Choices(
            second_preferred=self.second / self.rows,
            longer_preferred=self.longer / self.rows,
            shorter_preferred=self.shorter / self.rows,
        )


def _bucket(length: int) -> int:
    return round(math.log2(length) * _BUCKETS_PER_DOUBLING) if length > 0 else -1


def _middle(bucket: int) -> int:
    return round(2 ** (bucket / _BUCKETS_PER_DOUBLING)) if bucket >= 0 else 0
